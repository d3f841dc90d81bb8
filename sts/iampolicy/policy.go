package iampolicy

// Policy is a parsed document. It does not change.
type Policy struct {
	kind       Kind
	size       int
	version    string
	id         string
	statements []statement
}

// Versions of the policy language. Without one a document is of the old version, which knows no policy variables.
const (
	version2008 = "2008-10-17"
	version2012 = "2012-10-17"
)

// Kind returns what the document was parsed as.
func (p *Policy) Kind() Kind { return p.kind }

// ID returns the document's Id, often empty.
func (p *Policy) ID() string { return p.id }

// Version returns 2008-10-17 or 2012-10-17.
func (p *Policy) Version() string { return p.version }

// Size counts characters as IAM's quotas do: white space between JSON tokens left out.
func (p *Policy) Size() int { return p.size }

// statement is one statement, compiled.
type statement struct {
	place  string
	sid    string
	effect Effect
	// principals is empty where the kind names none.
	principals []principalEntry
	// notPrincipal, notAction and notResource say that the list names the exceptions.
	notPrincipal bool
	actions      []actionPattern
	notAction    bool
	// resources is empty in trust policies: the role itself is meant.
	resources   []resourcePattern
	notResource bool
	conditions  []condition
}
