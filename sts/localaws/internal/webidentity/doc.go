// Package webidentity verifies JSON Web Tokens the way AWS STS does for AssumeRoleWithWebIdentity.
//
// It owns the strict reading of tokens and key sets, the fetching of keys by discovery ([Fetcher]), the verification
// of signatures (golang-jwt), and the claims that AWS knows: audience and authorized party, times, session tags,
// source identity, the roles claim, condition keys. It refuses everything but a signed compact JWT of at most
// [MaxToken] characters with RS256/384/512 or ES256/384/512, duplicate JSON members at any depth, critical header
// extensions, and keys that are weak or not for signatures. Nothing in a token's header but alg and kid is read, and
// no URL from a token is ever fetched: the provider that IAM registered chooses the keys. Invariants: claims are
// read from the very bytes that the signature covers; an issuer is fetched by one request at a time, with a cool-down.
// It fails with a [wire.Error].
package webidentity
