// Package doortest has a whole broker for tests of its doors: real verification of JWTs and SAML Responses, real rules,
// sessions and sealed store, over an STS and a console endpoint that are made up. Store and audit log break on request.
//
// It is for tests only.
package doortest
