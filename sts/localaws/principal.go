package localaws

import (
	"encoding/json"
	"fmt"
	"strings"
)

// principals refuses a trust policy that names a user or role that does not exist, as IAM does when one is written.
// It runs when all accounts are there, so that the order of a seed does not matter.
func (b *builder) principals(role SeedRole) {
	for _, arn := range awsPrincipals(role.TrustPolicy) {
		known := true
		switch parts := strings.SplitN(arn, ":", 6); {
		case len(parts) != 6 || parts[2] != "iam":
		case strings.HasPrefix(parts[5], "role/"):
			_, known = b.state.Role(arn)
		case strings.HasPrefix(parts[5], "user/"):
			known = b.state.UserExists(arn)
		}
		if !known {
			b.add(role.Pos, "role "+role.Name+": trust policy", fmt.Errorf("MalformedPolicyDocument: Invalid principal in policy: \"AWS\":%q", arn))
		}
	}
}

// oneOrMany reads a JSON value that may drop its list's brackets.
type oneOrMany[T any] []T

// UnmarshalJSON reads a value or a list of them.
func (o *oneOrMany[T]) UnmarshalJSON(data []byte) error {
	var one T
	if err := json.Unmarshal(data, &one); err == nil {
		*o = oneOrMany[T]{one}
		return nil
	}
	var many []T
	if err := json.Unmarshal(data, &many); err != nil {
		return err
	}
	*o = many
	return nil
}

// awsPrincipals lists the AWS principals of a trust policy that was parsed before; the bare * has none.
func awsPrincipals(document []byte) []string {
	var policy struct {
		Statement oneOrMany[struct {
			Principal json.RawMessage
		}]
	}
	if err := json.Unmarshal(document, &policy); err != nil {
		return nil
	}
	var out []string
	for _, statement := range policy.Statement {
		var principal struct {
			AWS oneOrMany[string]
		}
		if err := json.Unmarshal(statement.Principal, &principal); err == nil {
			out = append(out, principal.AWS...)
		}
	}
	return out
}
