package iampolicy

// Parse reads a document of a kind. It fails with a [SyntaxError]. What IAM refuses only when a policy is written
// is left to [Policy.Validate], so that documents written under older rules can still be evaluated.
func Parse(doc []byte, kind Kind) (*Policy, error) {
	return nil, refuse("$", "kind %v", kind)
}
