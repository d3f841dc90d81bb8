package demo

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

// visitWorld runs a world until the test has looked at it.
func visitWorld(t *testing.T, look func(context.Context, *world) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w, err := build(ctx, "test", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	err = w.run(ctx, func(ctx context.Context) error {
		defer cancel()
		return look(ctx, w)
	})
	if err != nil && !strings.Contains(err.Error(), "context canceled") {
		t.Fatal(err)
	}
}

func TestTheChooserShowsBothLogins(t *testing.T) {
	visitWorld(t, func(ctx context.Context, w *world) error {
		page, err := devclient.New(devclient.Options{}).Open(ctx, w.urls.Broker+"/")
		if err != nil {
			return err
		}
		for _, want := range []string{`href="/login/dev"`, `href="/login/dev-oidc"`} {
			if !strings.Contains(string(page.Body), want) {
				t.Errorf("the chooser lacks %s:\n%s", want, page.Body)
			}
		}
		return nil
	})
}

func TestBothLoginsLeadToTheSameRoles(t *testing.T) {
	visitWorld(t, func(ctx context.Context, w *world) error {
		alice := w.idp.People()[0]
		who := devclient.Person{Username: alice.Username, Password: alice.Password}
		bySAML, byOIDC := devclient.New(devclient.Options{}), devclient.New(devclient.Options{})
		form, err := bySAML.SAMLForm(ctx, w.urls.Broker+"/login/dev", who)
		if err != nil {
			return err
		}
		one, err := bySAML.Submit(ctx, form)
		if err != nil {
			return err
		}
		other, err := byOIDC.SignIn(ctx, w.urls.Broker+"/login/dev-oidc?return=%2F%3Frole%3Dprod%2Fadmin", who)
		if err != nil {
			return err
		}
		if other.Status != http.StatusOK || other.URL.String() != w.urls.Broker+"/?role=prod/admin" {
			t.Errorf("after the callback: %d at %s\n%s", other.Status, other.URL, other.Body)
		}
		rolesOf := func(b *devclient.Browser, from *devclient.Page) string {
			answer, err := b.Fetch(ctx, from, http.MethodGet, "/api/v1/roles", "")
			if err != nil {
				t.Error(err)
				return ""
			}
			var list struct{ Roles []struct{ Name string } }
			if err := json.Unmarshal(answer.Body, &list); err != nil {
				t.Errorf("%v in %s", err, answer.Body)
			}
			names := ""
			for _, r := range list.Roles {
				names += r.Name + " "
			}
			return names
		}
		if a, b := rolesOf(bySAML, one), rolesOf(byOIDC, other); a != b || !strings.Contains(a, "prod/admin") {
			t.Errorf("by SAML %q, by OIDC %q", a, b)
		}
		return nil
	})
}
