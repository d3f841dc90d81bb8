// Package blackbox measures the built program from outside. It has tests only.
//
// It owns a whole deployment of its own: the built binary as one embedded AWS and as two broker nodes that share one
// real redis-server, identity providers with known keys, and generators of hostile and good SAML Responses and JWTs.
// The generators share no code with the verifiers: XML is text templates, signing is crypto and goxmldsig's
// canonicalisation, JWTs are put together by hand. (Only key pairs come from idp/idptest.)
//
// Four things are counted, and the bar for each is 0:
//   - bypass: a forged or foreign message was accepted, or one was accepted as somebody else;
//   - lax: a message that must be refused was accepted as its own sender;
//   - interop: a good message was refused;
//   - crash: a panic, a restart, an answer of 5xx, over one second, over 64 MB.
//
// Then it plays the same message twenty times at once over both nodes, takes Redis away and empties it, and looks for
// secrets in everything that the program writes. The tests need redis-server and fail without it.
//
// The benchmarks time whole exchanges over HTTP, in multiples of one RSA-2048 verification of the same run.
package blackbox
