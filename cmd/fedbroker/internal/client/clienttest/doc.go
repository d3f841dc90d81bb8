// Package clienttest is a broker as command lines see it: SSO-OIDC as AWS's service model has it (registrations, codes with
// PKCE, devices, refresh tokens that rotate), and our JSON API. Its answers are real in form; a person approves at once,
// and the AWS keys open nothing unless a test gives others. What it does not know it refuses and reports.
package clienttest
