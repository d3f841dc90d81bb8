package delivery

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Keys are temporary credentials.
type Keys struct {
	AccessKeyID                   string
	SecretAccessKey, SessionToken secret.Text
	Expiration                    time.Time
}

// dots stand for a secret, always as many.
const dots = "••••••••••••••••"

// Masked are keys to be shown where somebody may look on: the same text with dots for the secrets.
func (k Keys) Masked() Keys {
	k.SecretAccessKey, k.SessionToken = secret.New(dots), secret.New(dots)
	return k
}

// expires is written as every SDK reads it (RFC 3339, UTC, whole seconds).
func (k Keys) expires() string { return k.Expiration.UTC().Format(time.RFC3339) }

// Process is version 1 of what AWS's credential_process reads, on one line.
func (k Keys) Process() (secret.Text, error) {
	b, err := json.Marshal(struct {
		Version                                                int
		AccessKeyId, SecretAccessKey, SessionToken, Expiration string
	}{1, k.AccessKeyID, k.SecretAccessKey.Reveal(), k.SessionToken.Reveal(), k.expires()})
	return secret.New(string(b) + "\n"), err
}

var (
	// sectionName is what every SDK takes in a section's name without quotes.
	sectionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@:+-]{0,255}$`)
	// plainValue has nothing in it that ends a line or begins a comment.
	plainValue = regexp.MustCompile(`^[!-~]+$`)
)

// Profile is a section of ~/.aws/credentials.
func (k Keys) Profile(name string) (secret.Text, error) {
	if !sectionName.MatchString(name) {
		return secret.Text{}, errors.New("delivery: that cannot be the name of a profile")
	}
	var b strings.Builder
	b.WriteString("[" + name + "]\n")
	for _, setting := range [][2]string{
		{"aws_access_key_id", k.AccessKeyID},
		{"aws_secret_access_key", k.SecretAccessKey.Reveal()},
		{"aws_session_token", k.SessionToken.Reveal()},
	} {
		if !plainValue.MatchString(setting[1]) && setting[1] != dots {
			return secret.Text{}, errors.New("delivery: the value of " + setting[0] + " cannot be written into a file")
		}
		b.WriteString(setting[0] + " = " + setting[1] + "\n")
	}
	return secret.New(b.String()), nil
}
