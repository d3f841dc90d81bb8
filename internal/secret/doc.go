// Package secret holds text that must not print itself: keys, tokens, assertions, passwords.
//
// It owns one type, [Text]. Every verb of fmt, every slog handler and every encoder sees "[redacted]";
// the only way to the value is [Text.Reveal], which is easy to search for in a review.
// It refuses to be compared with ==: use [Text.Equal], which takes constant time.
package secret
