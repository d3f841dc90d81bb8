// Package api is the broker's JSON API: /api/v1/credentials, /console, /explain, /roles, /whoami.
//
// It owns the bodies of openapi.yaml, the choice of exactly one proof per request, and the problem documents
// (RFC 9457) that refusals are. It decides nothing: every request goes through [broker.Broker.Run], and its answer
// leaves only when Run has written the record.
//
// It refuses two proofs at once, unknown and repeated members, bodies over their limits, cookies on requests that did
// not come from our own pages, and SAML Responses that a page sent. What only rules may say of a session (names, tags,
// external ids) is ignored, and on record.
//
// How it fails: with a problem document, a code of the contract and the request id. Paths and methods that it does not
// know are the multiplexer's plain 404 and 405.
package api
