// Package iam is the state of the embedded AWS: accounts, users with access keys, roles, and identity providers.
//
// It owns the entities, the rules that IAM checks when they are written, and the ids they get. It refuses names,
// paths, tags, durations, provider URLs and policies that IAM refuses, with an [Error] that says which rule.
// Invariants: an entity does not change once it is in the [State], a change puts a new one in its place, so that
// readers need no lock beyond the look-up; names of users and roles are unique ignoring case; an access key id
// belongs to one user of all accounts.
package iam
