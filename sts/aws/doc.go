// Package aws implements [sts.Assumer] over aws-sdk-go-v2. It is the only package that imports the STS client.
//
// It owns the call: regional endpoints and partitions, one long-lived client per region, time and size limits, retries
// and the translation of AWS's answers into [sts.Error]. Calls that AWS takes unsigned (web identity, SAML) are sent with
// anonymous credentials, so that no credential chain is touched; the broker's own principal is looked for only when
// AssumeRole is called without a hub's credentials.
//
// It refuses:
//   - a region that does not belong to the role's partition: the proof would go to another partition's AWS;
//   - an endpoint outside AWS that is neither https nor on loopback, and pass-through to any such endpoint unless
//     InsecureEndpoint says so: it would hand a third party's proof to somebody who is not AWS;
//   - a request whose proof does not fit its mode, and an answer that names another role than the one asked for.
//
// The endpoint comes from Options and from nothing else: AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_STS and the shared
// configuration file are not read for it. (The SDK's default credential chain, when used, reads what it always reads.)
//
// How it fails: with an [sts.Error] that keeps AWS's code, message and request id. No token, assertion, key or session
// token is in it, whatever the endpoint sent back: the message is cut, cleaned and searched for pieces of them, and the
// SDK's own error, which quotes the answer, is not kept. A throttled call is not repeated: the pipeline has the budget.
package aws
