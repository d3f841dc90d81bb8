// Package docs holds the guides, the decisions and the threat table. Its only code is the test that runs every
// command and snippet of README.md and docs/guides against a running demo.
package docs
