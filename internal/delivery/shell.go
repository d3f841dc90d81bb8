package delivery

import (
	"strings"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Variable is one variable of an environment: its name, which is never from outside, and its value.
type Variable = [2]string

// variables are those that every SDK reads; the last is for those that read the environment again.
func (k Keys) variables() []Variable {
	return []Variable{
		{"AWS_ACCESS_KEY_ID", k.AccessKeyID},
		{"AWS_SECRET_ACCESS_KEY", k.SecretAccessKey.Reveal()},
		{"AWS_SESSION_TOKEN", k.SessionToken.Reveal()},
		{"AWS_CREDENTIAL_EXPIRATION", k.expires()},
	}
}

// POSIX sets the variables in bash, zsh and every other shell of POSIX's kind.
func (k Keys) POSIX() secret.Text { return secret.New(Exports(k.variables())) }

// PowerShell sets the variables in PowerShell.
func (k Keys) PowerShell() secret.Text {
	return secret.New(assignments("$Env:", " = ", powershellQuote, k.variables()))
}

// Fish sets the variables in fish.
func (k Keys) Fish() secret.Text {
	return secret.New(assignments("set -gx ", " ", fishQuote, k.variables()))
}

// Exports are variables as a POSIX shell reads them.
func Exports(vars []Variable) string { return assignments("export ", "=", posixQuote, vars) }

func assignments(before, between string, quote func(string) string, vars []Variable) string {
	var b strings.Builder
	for _, v := range vars {
		b.WriteString(before + v[0] + between + quote(v[1]) + "\n")
	}
	return b.String()
}

// posixQuote makes one word of the POSIX shell that is nothing but its value.
func posixQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// powershellQuote makes a verbatim string. PowerShell takes typographic quotes for the plain one, and doubling escapes
// each of them.
func powershellQuote(s string) string {
	return "'" + strings.NewReplacer("'", "''", "‘", "‘‘", "’", "’’", "‚", "‚‚", "‛", "‛‛").Replace(s) + "'"
}

// fishQuote makes a string in which fish knows no escapes but these two.
func fishQuote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
}
