// Package graceful answers HTTP on a listener until it is told to stop, and then lets requests under way finish.
//
// It owns the time limits that every server of the program has, and the end: no new connection, a bounded wait, and
// then the rest is cut. Connections that have never sent a request, which browsers open ahead, do not make it fail.
package graceful
