package interop_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

// signInAt goes through oidc-provider's own forms, login and consent, and returns the page after them.
func signInAt(t *testing.T, b *devclient.Browser, startURL, name string) *devclient.Page {
	t.Helper()
	page, err := b.Open(t.Context(), startURL)
	if err != nil {
		t.Fatal(err)
	}
	form, err := page.Form("password")
	if err != nil {
		t.Fatalf("%v: %s", err, page.Body)
	}
	form.Fields.Set("login", name)
	form.Fields.Set("password", "any")
	if page, err = b.Submit(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	if form, err = page.Form("prompt"); err != nil {
		t.Fatalf("no consent form: %v: %s", err, page.Body)
	}
	if page, err = b.Submit(t.Context(), form); err != nil {
		t.Fatal(err)
	}
	return page
}

// TestOIDCProviderSignsPeopleIn: code flow with PKCE, nonce and iss, groups from userinfo only.
func TestOIDCProviderSignsPeopleIn(t *testing.T) {
	t.Parallel()
	issuer := startOIDCProvider(t)
	w := startWorld(t, nil, issuer)
	b := devclient.New(devclient.Options{})
	portal := signInAt(t, b, w.brokerURL+"/login/people", "alice")
	if portal.Status != http.StatusOK || portal.URL.Path != "/" {
		t.Fatalf("after the callback: %d at %s\n%s", portal.Status, portal.URL, portal.Body)
	}
	answer, err := b.Fetch(t.Context(), portal, http.MethodPost, "/api/v1/credentials", `{"role": "interop/brokered"}`)
	if err != nil || answer.Status != http.StatusOK {
		t.Fatalf("credentials: %v, %d %s", err, answer.Status, answer.Body)
	}
	if arn := w.user.as(readKeys(t, string(answer.Body))).whoAmI(t); arn != "arn:aws:sts::"+account+":assumed-role/Brokered/alice" {
		t.Errorf("the keys are %s", arn)
	}

	stranger := devclient.New(devclient.Options{})
	page := signInAt(t, stranger, w.brokerURL+"/login/people", "mallory")
	if answer, err = stranger.Fetch(t.Context(), page, http.MethodPost, "/api/v1/credentials", `{"role": "interop/brokered"}`); err != nil || answer.Status != http.StatusForbidden {
		t.Errorf("a guest's credentials: %v, %d %s", err, answer.Status, answer.Body)
	}
}

// TestOIDCProviderSaysNo: a person who turns back at the provider sees the broker's own words.
func TestOIDCProviderSaysNo(t *testing.T) {
	t.Parallel()
	w := startWorld(t, nil, startOIDCProvider(t))
	b := devclient.New(devclient.Options{})
	page, err := b.Open(t.Context(), w.brokerURL+"/login/people")
	if err != nil {
		t.Fatal(err)
	}
	back, err := b.Follow(t.Context(), page, page.URL.Path+"/abort")
	if err != nil {
		t.Fatal(err)
	}
	if back.Status != http.StatusUnauthorized || !strings.Contains(string(back.Body), "cancelled there") {
		t.Errorf("%d at %s\n%s", back.Status, back.URL, back.Body)
	}
}
