// Package web holds what every HTTP area of the broker shares: the client's address behind trusted proxies, the
// same-origin check, the headers that every answer carries, and bounded reading of forms. A leaf.
//
// It refuses to take the client's word: X-Forwarded-For counts only from a configured proxy, the host name comes from
// the configuration and never from a request header.
package web
