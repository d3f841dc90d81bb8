// Package console turns temporary credentials into a sign-in URL for the AWS console, by the federation endpoint.
//
// It owns the two steps of AWS's custom identity broker: getSigninToken, always a POST so that no log on the way sees
// the credentials, and the login URL, which is a secret itself for the fifteen minutes that it works. It also owns what
// may be opened there: services by name, things by ARN, pages by address.
//
// It refuses a destination that is not a page of the partition's console, in the one spelling that no browser can read
// as another host; with a console endpoint configured (local AWS) it takes that host and no other. It refuses a
// session duration outside AWS's range, and leaves it out where AWS would refuse the request for it (role chaining).
//
// How it fails: with an [sts.Error]. Neither credentials nor the sign-in token nor the endpoint's page is in it.
package console
