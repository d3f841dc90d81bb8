// Package ststest is the conformance suite for the behaviour of AWS's Security Token Service.
//
// [Run] drives an STS endpoint over HTTP with the SDK that everybody uses, and with proofs that the broker's own issuer
// signs, and checks what comes back: credentials and their fields, and for each refusal the wire code, the HTTP status
// and, where AWS's words are known, a part of the message. It knows nothing of what is behind the endpoint: sts/localaws
// runs it, and the real AWS could, given an account set up as [Setup] says and an issuer that AWS can reach.
//
// It checks only what the facts say of the real service; where an authority is stricter on purpose the suite is silent.
package ststest
