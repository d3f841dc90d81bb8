package delivery

import (
	"fmt"
	"regexp"
	"strings"
)

// Program is this program on somebody's machine: how it is called there, as one word of a command line, and the URL of
// the broker that it asks.
type Program struct{ Word, Broker string }

// plainWord is one word for every shell and for the splitters behind credential_process. Brackets are those of an IPv6
// address.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@+,=\[\]-]+$`)

// Login signs a person in, which the other lines want.
func (p Program) Login() (string, error) { return p.line("login") }

// Exec runs a command with credentials of a role that keep refreshing.
func (p Program) Exec(role, command string) (string, error) {
	line, err := p.line("exec", role)
	if err != nil {
		return "", err
	}
	return line + " -- " + command, nil
}

// Process is the value of credential_process in ~/.aws/config (facts, delivery section 4).
func (p Program) Process(role string) (string, error) {
	return p.line("credentials", role, "--format", "process")
}

// Profile is a section of ~/.aws/config that gets its credentials by Process.
func (p Program) Profile(role string) (string, error) {
	process, err := p.Process(role)
	if err != nil {
		return "", err
	}
	return "[profile " + role + "]\ncredential_process = " + process + "\n", nil
}

func (p Program) line(words ...string) (string, error) {
	words = append(words, "--broker", p.Broker)
	for _, word := range words {
		if !plainWord.MatchString(word) {
			return "", fmt.Errorf("delivery: %q cannot stand on a command line", word)
		}
	}
	return p.Word + " " + strings.Join(words, " "), nil
}
