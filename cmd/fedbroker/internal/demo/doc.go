// Package demo is the story that "fedbroker demo" tells: a CI token and a SAML login become AWS credentials.
//
// It owns a small world on loopback (local AWS, a development identity provider and a broker, each behind its own
// listener, reached over HTTP only) and a scripted visitor who does what a CI job and a person would do. Everything
// is made new at each start: keys, passwords, access keys. The broker answers on localhost and the identity provider
// on 127.0.0.1, so that a browser takes them for different sites.
//
// It shows only what it did: each set of credentials is proved by a signed GetCallerIdentity, and the STS action is
// read from the broker's own audit record.
package demo
