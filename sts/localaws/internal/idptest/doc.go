// Package idptest is identity providers for tests of local AWS: a SAML one that signs responses and an OIDC one that
// serves discovery and keys over HTTP. They hold real keys, made once for each test process, and say what they are
// told to say, hostile things included.
package idptest
