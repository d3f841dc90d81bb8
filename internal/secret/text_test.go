package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/internal/secret"
)

const canary = "canary-7f3a"

func TestNothingPrintsASecret(t *testing.T) {
	s := secret.New(canary)
	type holder struct{ S secret.Text }
	h := holder{s}
	var out []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		out = append(out, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, h), fmt.Sprintf(verb, []secret.Text{s}))
	}
	if b, err := json.Marshal(h); err == nil {
		out = append(out, string(b))
	}
	if b, err := xml.Marshal(h); err == nil {
		out = append(out, string(b))
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("m", "s", s, "h", h)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("m", "s", s, "h", h)
	out = append(out, log.String(), fmt.Errorf("wrapped: %v", s).Error())
	for _, got := range out {
		if strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
			t.Errorf("the secret printed itself: %s", got)
		}
	}
	if s.Reveal() != canary {
		t.Error("Reveal must return the value")
	}
}

func TestEqual(t *testing.T) {
	if !secret.New("a").Equal(secret.New("a")) || secret.New("a").Equal(secret.New("b")) || secret.New("a").Equal(secret.New("")) {
		t.Error("Equal compares values")
	}
}
