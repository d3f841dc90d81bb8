// Package console is the console's side of the embedded AWS: the federation endpoint and a page that shows who is
// signed in.
//
// It owns getSigninToken, login and logout, the console's cookie and its pages. It refuses credentials that are not a
// live role session's, a SessionDuration out of range or with chained credentials, sign-in tokens older than fifteen
// minutes, and every destination but its own. Invariants: sign-in tokens and cookies are opaque, random and
// kept as hashes; nothing of a request reaches a page unescaped; pages have no script and load nothing from
// elsewhere. Errors are pages for people and a plain line for programs, both with status 400, as AWS's.
package console
