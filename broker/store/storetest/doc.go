// Package storetest is the conformance suite of broker.Store, and a real Redis server for tests.
//
// [Run] holds a store to everything that package store promises of every store. [StartRedis] runs Debian's
// redis-server on loopback; it fails a test, and never skips it, where the program is missing.
package storetest
