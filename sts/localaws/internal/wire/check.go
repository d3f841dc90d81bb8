package wire

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Checker collects every shape that a request breaks, and words them as AWS does.
type Checker struct{ problems []string }

// Shape is what AWS's service model says of a string.
type Shape struct {
	Min, Max int // characters; Max 0 means no maximum
	// Pattern must match the whole value; PatternText is how AWS prints it.
	Pattern     *regexp.Regexp
	PatternText string
	Required    bool
	// Sensitive values (tokens, assertions) are never repeated in a message.
	Sensitive bool
}

// String checks one value; absent is refused only where the shape is required.
func (c *Checker) String(name, value string, shape Shape) {
	if value == "" {
		if shape.Required {
			c.add("Value null at '%s'", name, "Member must not be null")
		}
		return
	}
	subject := "Value '" + strings.ReplaceAll(value, "%", "%%") + "' at '%s'"
	if shape.Sensitive {
		subject = "Value at '%s'"
	}
	if shape.Pattern != nil && !shape.Pattern.MatchString(value) {
		c.add(subject, name, "Member must satisfy regular expression pattern: "+shape.PatternText)
	}
	length := utf8.RuneCountInString(value)
	if shape.Max > 0 && length > shape.Max {
		c.add(subject, name, fmt.Sprintf("Member must have length less than or equal to %d", shape.Max))
	}
	if length < shape.Min {
		c.add(subject, name, fmt.Sprintf("Member must have length greater than or equal to %d", shape.Min))
	}
}

// Int checks the range of an integer that is present.
func (c *Checker) Int(name string, value, least, most int) {
	subject := fmt.Sprintf("Value '%d'", value) + " at '%s'"
	if value > most {
		c.add(subject, name, fmt.Sprintf("Member must have value less than or equal to %d", most))
	}
	if value < least {
		c.add(subject, name, fmt.Sprintf("Member must have value greater than or equal to %d", least))
	}
}

// Length checks how many members a list has.
func (c *Checker) Length(name string, length, most int) {
	if length > most {
		c.add("Value at '%s'", name, fmt.Sprintf("Member must have length less than or equal to %d", most))
	}
}

func (c *Checker) add(subject, name, constraint string) {
	c.problems = append(c.problems, fmt.Sprintf(subject, name)+" failed to satisfy constraint: "+constraint)
}

// maxProblems bounds a message: AWS lists them all, and a list can have hundreds.
const maxProblems = 10

// Err returns nil, or one ValidationError that names every problem.
func (c *Checker) Err() error {
	n := len(c.problems)
	if n == 0 {
		return nil
	}
	noun := "errors"
	if n == 1 {
		noun = "error"
	}
	return ValidationError("%d validation %s detected: %s", n, noun, strings.Join(c.problems[:min(n, maxProblems)], "; "))
}
