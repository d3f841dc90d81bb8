package aws

import "github.com/fedbroker/fedbroker/internal/secret"

// Clean lets tests reach what makes an endpoint's text fit to be shown.
func Clean(text string, hidden ...secret.Text) string { return clean(text, hidden) }
