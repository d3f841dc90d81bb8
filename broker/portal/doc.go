// Package portal is the broker's web pages: sign-in, the list of one's roles, links to one of them, and the ways on: into
// the console, and to credentials for a command line.
//
// It owns the browser's side of a login (one dispatcher over persisted state: begin, come back, continue), the pages,
// which work without JavaScript, and their content policies. It decides nothing: logins, role lists and console
// sign-ins go through [broker.Broker.Run], and what lets somebody in, a cookie or the console's address, leaves only
// when Run has written the record. Beginning a login decides nothing; only its refusals are recorded.
//
// Where there are several providers a person chooses, or types a mail address whose domain leads to one. The choice is
// remembered and never made for anybody.
//
// Providers answer at one door each: SAML by a form at the ACS, OIDC and OAuth 2.0 by a redirect to the callback.
//
// For each person it keeps favourites and the roles lately used, a shelf that nothing depends on: pages come and roles
// are issued without it. The company's accent colour is used as near to itself as can be read on light and on dark.
// A refusal of a role explains itself to the person whose identity it is, and to nobody else.
//
// It refuses state-changing requests that did not come from its own pages, answers from another provider than the one
// that was asked, answers in another browser than the one that asked, and return targets outside the portal. A login
// that nobody asked for is offered, never taken, and never while somebody is signed in or that cannot be known. A link
// leads to buttons and issues nothing. Credentials are on the page that answers the form, behind a mask, and nowhere else.
//
// How it fails: with a page that names the contract's code and the request id, under the code's status.
package portal
