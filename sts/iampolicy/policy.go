package iampolicy

// Policy is a parsed document. It does not change.
type Policy struct {
	kind Kind
	size int
}

// Kind returns what the document was parsed as.
func (p *Policy) Kind() Kind { return p.kind }

// Size counts characters as IAM's quotas do: white space between JSON tokens left out.
func (p *Policy) Size() int { return p.size }
