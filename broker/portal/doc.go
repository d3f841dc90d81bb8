// Package portal is the broker's web pages: sign-in, the list of one's roles, and the way into the console.
//
// It owns the browser's side of a login (one dispatcher over persisted state: begin, come back, continue), the pages,
// which work without JavaScript, and their content policies. It decides nothing: logins, role lists and console
// sign-ins go through [broker.Broker.Run].
//
// Providers answer at one door each: SAML by a form at the ACS, OIDC and OAuth 2.0 by a redirect to the callback.
//
// It refuses state-changing requests that did not come from its own pages, answers from another provider than the one
// that was asked, answers in another browser than the one that asked, and return targets outside the portal.
package portal
