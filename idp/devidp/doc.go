// Package devidp is a small identity provider for development: SAML 2.0, OpenID Connect and an issuer of CI tokens
// that look like GitHub Actions'. The demo signs in with it, tests drive it. It is never for production.
//
// It owns its keys and its people's passwords, both made new by [New] and gone with the process, and one
// http.Handler, [Server], with these areas:
//
//	/saml/metadata, /saml/sso, /saml/start        SAML: metadata, Redirect and POST binding, IdP-initiated login
//	/.well-known/openid-configuration, /oidc/...  OpenID Connect: code flow with PKCE
//	/ci/...                                       CI tokens: discovery, keys, and GitHub's token request protocol
//	/login, /logout, /static/...                  the one sign-in form
//
// It refuses to be served anywhere but on a loopback address: New fails for a base URL with another host, and every
// request whose Host is not that URL's is answered 421. It answers registered parties only: SAML requests of known
// service providers to exactly one of their ACS URLs, OIDC requests of known clients to exactly one of their redirect
// URIs with PKCE S256, CI tokens against the request token of that repository.
//
// What it is asked is bounded before it is read, and parameters are taken once each. Refusals before the party is
// known are shown to the person and never redirected. Failing means a plain page or an OAuth error document; nothing
// is issued on a path that failed.
//
// The second factor is simulated: the sign-in form has a tick box for it. That makes amr, acr and
// AuthnContextClassRef testable, and is one more reason not to run this for real people.
package devidp
