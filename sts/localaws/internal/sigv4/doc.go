// Package sigv4 checks AWS Signature Version 4 as the service does, in header and query form.
//
// It owns the parsing of credentials, the canonical request, the signature and the clock rules of STS. It does not
// know keys: the caller looks the secret up between [Parse] and [Request.Verify]. It refuses a request that is signed
// twice, repeats or lacks a signed header, leaves Host or an X-Amz header that is present unsigned, names another
// service or date, or is older than its form allows. Invariants: what is canonicalised is what the server reads (host,
// path, query, headers, whole body), and signatures are compared in constant time. It fails with a [wire.Error].
package sigv4
