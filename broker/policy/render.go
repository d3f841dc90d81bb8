package policy

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/fedbroker/fedbroker/broker"
)

// WriteExplanation writes an explanation as text for a terminal: aligned, without colour. Claims that hold control or
// look-alike characters are escaped.
func WriteExplanation(w io.Writer, e broker.Explanation) error {
	var b strings.Builder
	writeIdentity(&b, e.Identity)
	b.WriteString("\nrules\n")
	if len(e.Rules) == 0 {
		b.WriteString("  none of this identity provider's rules speaks of this\n")
	}
	for _, r := range e.Rules {
		writeRule(&b, r)
	}
	b.WriteString("\nroles\n")
	if len(e.Roles) == 0 {
		b.WriteString("  none\n")
	}
	for _, r := range e.Roles {
		writeRole(&b, r)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// table writes aligned lines; columns are separated by tabs. A strings.Builder does not fail.
func table(b *strings.Builder, lines []string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		_, _ = fmt.Fprintln(t, line)
	}
	_ = t.Flush()
}

func writeIdentity(b *strings.Builder, id broker.ExplainedIdentity) {
	lines := []string{"identity provider\t" + plainOrQuoted(id.Provider), "subject\t" + plainOrQuoted(id.Subject)}
	if id.Username != "" {
		lines = append(lines, "username\t"+plainOrQuoted(id.Username))
	}
	if id.Email != "" {
		lines = append(lines, "email\t"+plainOrQuoted(id.Email))
	}
	if len(id.Groups) > 0 {
		lines = append(lines, "groups\t"+printable(anys(id.Groups)))
	}
	table(b, lines)
}

func writeRule(b *strings.Builder, r broker.ExplainedRule) {
	verdict := "not met"
	if r.Matched {
		verdict = "met"
	}
	fmt.Fprintf(b, "  %s: %s %s", r.Rule, r.Effect, strings.Join(r.Roles, ", "))
	if r.Place != "" {
		fmt.Fprintf(b, " (%s)", r.Place)
	}
	fmt.Fprintf(b, ": %s\n", verdict)
	lines := make([]string, 0, len(r.Conditions))
	for _, c := range r.Conditions {
		mark := "NO"
		if c.Met {
			mark = "ok"
		}
		lines = append(lines, fmt.Sprintf("    %s\t%s\twanted %s\tgot %s",
			mark, strings.TrimSpace(c.Kind+" "+c.Key), oneLine(c.Expected), oneLine(c.Actual)))
	}
	table(b, lines)
}

func writeRole(b *strings.Builder, r broker.ExplainedRole) {
	name := plainOrQuoted(r.Role)
	if r.ARN != "" {
		name += " (" + r.ARN + ")"
	}
	if !r.Granted {
		fmt.Fprintf(b, "  %s: not granted, %s\n    %s\n", name, r.Code, oneLine(r.Reason))
		return
	}
	fmt.Fprintf(b, "  %s: granted by %q\n", name, r.Rule)
	if r.Session != nil {
		table(b, sessionLines(r.Session))
	}
}

func sessionLines(s *broker.ExplainedSession) []string {
	lines := []string{"    action\t" + s.Action, "    session name\t" + s.Name}
	if s.SourceIdentity != "" {
		lines = append(lines, "    source identity\t"+s.SourceIdentity)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Tags)) {
		suffix := ""
		if slices.Contains(s.TransitiveTags, key) {
			suffix = " (transitive)"
		}
		lines = append(lines, fmt.Sprintf("    tag %s\t%s%s", plainOrQuoted(key), plainOrQuoted(s.Tags[key]), suffix))
	}
	return append(lines, "    at most\t"+s.MaxDuration)
}

// oneLine keeps a multi-line expression, or a tab in it, from breaking the table.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
