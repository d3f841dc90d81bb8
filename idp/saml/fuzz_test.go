package saml_test

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

// FuzzResponse sends what anybody may send to the ACS. Nobody but the IdP can make an identity, so whatever is accepted
// must be one of the seeds' own.
func FuzzResponse(f *testing.F) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(f, i)
	for _, protect := range variants() {
		a := good()
		protect(&a)
		doc := i.RespondXML(f, a)
		if _, err := finish(p, base64.StdEncoding.EncodeToString(doc)); err != nil {
			f.Fatal(err)
		}
		f.Add(doc)
	}
	for _, doc := range bombs() {
		if len(doc) < 1<<15 {
			f.Add([]byte(doc))
		}
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		field := base64.StdEncoding.EncodeToString(doc)
		_, _ = saml.Issuer(proof(field))
		id, err := finish(p, field)
		if err == nil {
			if id.Subject != alice || !slices.Equal(id.Groups, []string{"staff", "aws-admins"}) {
				t.Fatalf("forged %+v", id)
			}
			return
		}
		if _, ok := errors.AsType[*idp.Error](err); !ok {
			t.Fatalf("got %T %v", err, err)
		}
		refused(t, id, err)
	})
}

// FuzzLogoutQuery sends what anybody may send to the logout service by redirect. Nobody but the IdP can end a session,
// so whatever is accepted must name the one person of the seeds.
func FuzzLogoutQuery(f *testing.F) {
	i := logoutIdP()
	p := newProvider(f, i)
	request, response := i.LogoutQuery(f, goodRequest()), i.LogoutQuery(f, goodResponse())
	f.Add(request)
	f.Add(response)
	f.Add(request + "&" + response)
	unsigned := goodRequest()
	unsigned.Unsigned = true
	f.Add(i.LogoutQuery(f, unsigned))
	f.Add("SAMLRequest=%")
	f.Fuzz(func(t *testing.T, query string) {
		l, err := p.ReadLogout(t.Context(), byQuery(query))
		switch {
		case err == nil && (l.Subject != alice || l.Reply["relay_state"] != "theirs & ours"):
			t.Fatalf("forged %+v", l)
		case err != nil && l.Subject != "":
			t.Fatalf("a refusal came with %+v", l)
		}
		if _, ok := errors.AsType[*idp.Error](err); err != nil && (!ok || strings.Contains(err.Error(), "panic")) {
			t.Fatalf("got %T %v", err, err)
		}
		if _, err := p.FinishLogout(t.Context(), state(), byQuery(query)); err != nil {
			refusedLogout(t, query, err, kindOf(err))
		}
	})
}

func kindOf(err error) idp.Kind {
	if e, ok := errors.AsType[*idp.Error](err); ok {
		return e.Kind
	}
	return -1
}

// FuzzMetadata reads whatever a metadata URL may answer: a Provider that comes of it has an IdP that can be asked.
func FuzzMetadata(f *testing.F) {
	i := idptest.NewSAMLIDP(clock)
	f.Add(i.Metadata())
	f.Add([]byte(`<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2030-01-01T00:00:00Z" cacheDuration="PT1H"/>`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		opt := options(i)
		opt.Metadata = doc
		p, err := saml.New(opt)
		if err != nil {
			return
		}
		if p.EntityID() == "" {
			t.Fatal("an IdP without entity id")
		}
		if _, err := p.Metadata(); err != nil {
			t.Fatal(err)
		}
	})
}
