// Package devclient is a scripted browser for loopback: it signs a person in the way a browser does, over HTTP,
// without a screen. The demo tells its story with it, interop tests drive other people's login pages with it.
//
// It owns the rules of the browser that sign-ins rest on: redirects and the method that they keep, forms and their
// hidden fields, cookies with __Host-, Path and SameSite, the Origin and Sec-Fetch headers. Two rules follow real
// browsers where Go's cookie jar does not: Secure cookies work on loopback over http, and a cookie that breaks the
// promise of its __Host- prefix is dropped.
//
// It refuses URLs that are not on a loopback host, answers above a megabyte and long chains of redirects. It runs no
// script; a page that needs one offers a button.
package devclient
