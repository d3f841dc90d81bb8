package iampolicy

import (
	"errors"
	"fmt"
)

// ErrTooLarge is wrapped by a [SyntaxError] about a document that is longer than its kind may be.
var ErrTooLarge = errors.New("longer than its quota")

// SyntaxError is why a document was refused. IAM and STS call it MalformedPolicyDocument.
type SyntaxError struct {
	// Place is a path such as $.Statement[0].Condition.StringEquals["aws:SourceIp"].
	Place string
	// Reason is one sentence without the place.
	Reason string
	Err    error
}

// Error joins place and reason.
func (e *SyntaxError) Error() string { return e.Place + ": " + e.Reason }

// Unwrap returns the sentinel, if any.
func (e *SyntaxError) Unwrap() error { return e.Err }

func refuse(place, format string, args ...any) error {
	return &SyntaxError{Place: place, Reason: fmt.Sprintf(format, args...)}
}

// reason is an error without a place yet; [at] gives it one.
type reason string

// Error returns the sentence.
func (r reason) Error() string { return string(r) }

func at(place string, err error) error {
	if err == nil {
		return nil
	}
	return &SyntaxError{Place: place, Reason: err.Error()}
}
