// Package mailaddr reads a mail address that somebody typed, and mail domains, strictly. A leaf.
//
// It owns one spelling for each domain, the ASCII one in lower case (RFC 5891), so that a domain in a configuration and
// the same domain as a person types it are equal. It refuses what only a mail server needs: quoted local parts, address
// literals, comments, several addresses.
//
// Invariant: an [Address] holds printable ASCII only, and nothing that means something in a header, a URL or a page.
package mailaddr
