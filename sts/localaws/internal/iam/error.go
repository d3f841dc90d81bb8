package iam

import "fmt"

// Error is why IAM refuses a write: its code, such as EntityAlreadyExists, and a sentence.
type Error struct{ Code, Message string }

// Error returns code and sentence.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// The codes of IAM's API that seeds can meet.
const (
	codeExists    = "EntityAlreadyExists"
	codeNoEntity  = "NoSuchEntity"
	codeInvalid   = "InvalidInput"
	codeMalformed = "MalformedPolicyDocument"
	codeLimit     = "LimitExceeded"
)

func refuse(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}
