// Package e2e drives the demo in a real browser: sign-in, roles, console, sign-out. It has tests only; make e2e runs
// them and leaves screenshots of every page, light and dark, in e2e/screenshots.
package e2e
