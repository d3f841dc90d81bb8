package interop_test

import (
	"net/http"
	"strings"
	"testing"
)

func TestOIDCProviderTokensBecomeCredentials(t *testing.T) {
	t.Parallel()
	issuer, foreign := startOIDCProvider(t), startOIDCProvider(t)
	w := startWorld(t, nil, issuer)
	token := issuer.token(t, "job", w.brokerURL)
	status, got, code := w.exchange(t, token)
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, code)
	}
	if arn := w.user.as(got).whoAmI(t); arn != "arn:aws:sts::"+account+":assumed-role/Brokered/job" {
		t.Errorf("the keys are %s", arn)
	}
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	for name, tc := range map[string]struct{ token, code string }{
		"tampered payload":   {head + "." + tampered(payload) + "." + signature, "invalid_token"},
		"tampered signature": {head + "." + payload + "." + tampered(signature), "invalid_token"},
		"another audience":   {issuer.token(t, "job", "https://sts.amazonaws.com"), "invalid_token"},
		"expired":            {issuer.token(t, "late", w.brokerURL), "expired_token"},
		"foreign issuer":     {foreign.token(t, "job", w.brokerURL), "untrusted_issuer"},
	} {
		if status, got, code := w.exchange(t, tc.token); status != http.StatusUnauthorized || code != tc.code || got.SecretAccessKey != "" {
			t.Errorf("%s: %d %s, want %s", name, status, code, tc.code)
		}
	}
}
