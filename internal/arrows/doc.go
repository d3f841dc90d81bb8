// Package arrows holds the imports that must never exist (design.md section 3) by a test. It has no other code.
package arrows
