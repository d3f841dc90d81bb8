package iampolicy

// Kind says where a document is attached, which decides its grammar.
type Kind int

// The kinds. There is no zero Kind: a document of unknown use is refused.
const (
	Identity Kind = iota + 1 // attached to a user, group or role; managed policies too
	Resource                 // attached to a resource other than a role
	Trust                    // attached to a role: who may assume it
	Boundary                 // permissions boundary
	Session                  // passed inline to an STS call
)

// String names the kind in AWS's words for its error messages.
func (k Kind) String() string {
	switch k {
	case Identity:
		return "identity-based policy"
	case Resource, Trust:
		return "resource-based policy"
	case Boundary:
		return "permissions boundary"
	case Session:
		return "session policy"
	default:
		return "policy of unknown kind"
	}
}

// namesPrincipals reports whether statements of the kind say whom they are about.
func (k Kind) namesPrincipals() bool { return k == Resource || k == Trust }

// maxCharacters is the most characters, white space between JSON tokens aside, that IAM takes for the kind (IAM
// quotas: role inline total 10,240; trust 8,192 after increase; managed policy 6,144; session 2,048; resource
// policies by the largest, S3's 20 KiB).
func (k Kind) maxCharacters() int {
	switch k {
	case Identity:
		return 10240
	case Resource:
		return 20480
	case Trust:
		return 8192
	case Boundary:
		return 6144
	case Session:
		return 2048
	default:
		return 0
	}
}

// Effect is what a statement does when all its elements match.
type Effect string

// The effects, as IAM spells them.
const (
	Allow Effect = "Allow"
	Deny  Effect = "Deny"
)
