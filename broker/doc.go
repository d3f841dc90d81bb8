// Package broker is the core: it authenticates a proof, decides what its identity may have, and issues credentials.
//
//	proof ──idp──> Identity ──Policy──> Grants ──Issue──> Credentials
//
// Every front door calls the same three steps and adds nothing to them. The security phases live here and nowhere
// else: replay, policy, limits, revocation, cache, coalescing, budget and the audit record that is written on every
// exit before the answer leaves.
//
// It imports the two vocabularies idp and sts and the leaves. What it needs from elsewhere it asks for through the
// small ports of ports.go: Policy, Minter, Store, Auditor, Observer; the packages beneath it implement them and cmd
// wires them together.
//
// How it fails: always with an [Error] whose Code is one of the contract's. Nothing fails open: without the store
// or the audit log nothing is issued.
package broker
