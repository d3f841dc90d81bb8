// Package oauth2 signs people in at services that offer OAuth 2.0 and a user-info API rather than OpenID Connect:
// GitHub and GitHub Enterprise, Facebook, X.
//
// A service is data ([Service]): its endpoints, where attributes stand in its answers as JSON Pointers, and lists that
// are read page by page. [Preset] has those that are known. What the API says over TLS to an access token that was
// exchanged for this very sign-in's code is what is verified: there is no signed token. Subjects are the service's
// stable ids, never names that can be given to another person.
//
// It refuses: sign-ins that did not begin here; answers of another state; user-info that is not one strict JSON object
// or names nobody; pages on another origin, too many of them or too large; names of groups that could be read as
// another's (a slash inside an organisation). A list that cannot be read whole fails the sign-in: unknown groups are not
// no groups. No such service can be asked for a fresh or a stronger sign-in, so asking fails.
//
// It keeps nothing and fails with an [idp.Error]: KindDenied where the service or its API says no, KindUnavailable where
// it cannot be reached or its rate limit is used up, KindInvalid for all else.
package oauth2
