package saml_test

import (
	"encoding/base64"
	"errors"
	"slices"
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
