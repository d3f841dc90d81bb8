package saml_test

import (
	"context"
	"crypto"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	ourEntityID = "https://broker.example.com/saml/corp/metadata"
	ourACS      = "https://broker.example.com/saml/corp/acs"
	ourLogout   = "https://broker.example.com/saml/corp/slo"
	requestID   = "_request"
	alice       = "alice@example.com"
)

var noon = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

func clock() time.Time { return noon }

// options are those of a Provider for the IdP, with one signing and one encryption key.
func options(i *idptest.SAMLIDP) saml.Options {
	sign, enc := idptest.RSAKey(2), idptest.RSAKey(3)
	return saml.Options{
		ID:         "corp",
		EntityID:   ourEntityID,
		ACSURL:     ourACS,
		LogoutURL:  ourLogout,
		Metadata:   i.Metadata(),
		Signing:    saml.SigningKey{Key: sign.Signer, Cert: sign.Cert},
		Encryption: []saml.DecryptionKey{decryptionKey(enc)},
		Clock:      clock,
	}
}

func decryptionKey(k idptest.SAMLKey) saml.DecryptionKey {
	d, ok := k.Signer.(crypto.Decrypter)
	if !ok {
		panic("not an RSA key")
	}
	return saml.DecryptionKey{Key: d, Cert: k.Cert}
}

func newProvider(tb testing.TB, i *idptest.SAMLIDP, edit ...func(*saml.Options)) *saml.Provider {
	tb.Helper()
	opt := options(i)
	for _, f := range edit {
		f(&opt)
	}
	p, err := saml.New(opt)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// good is an answer to our request with a signed assertion.
func good() idptest.SAMLAnswer {
	return idptest.SAMLAnswer{
		ACS:           ourACS,
		Audience:      ourEntityID,
		InResponseTo:  requestID,
		NameID:        alice,
		NameIDFormat:  "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
		ACR:           "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		Attributes:    []idptest.SAMLAttribute{{Name: "groups", Values: []string{"staff", "aws-admins"}}, {Name: "mail", Values: []string{"alice@corp.example"}}},
		SignAssertion: true,
	}
}

// variants are the ways to protect one and the same answer.
func variants() map[string]func(*idptest.SAMLAnswer) {
	return map[string]func(*idptest.SAMLAnswer){
		"assertion signed": func(*idptest.SAMLAnswer) {},
		"response signed":  func(a *idptest.SAMLAnswer) { a.SignAssertion, a.SignResponse = false, true },
		"both signed":      func(a *idptest.SAMLAnswer) { a.SignResponse = true },
		"encrypted":        func(a *idptest.SAMLAnswer) { a.Encrypt.To = idptest.RSAKey(3).Cert },
		"encrypted, response signed": func(a *idptest.SAMLAnswer) {
			a.SignAssertion, a.SignResponse, a.Encrypt.To = false, true, idptest.RSAKey(3).Cert
		},
	}
}

func state() idp.State { return idp.State{"request_id": requestID} }

func finish(p *saml.Provider, response string) (idp.Identity, error) {
	return p.Finish(context.Background(), state(), idp.Callback{Form: url.Values{"SAMLResponse": {response}}})
}

// wantKind fails unless err is an idp.Error of that kind whose public reason quotes nothing of the message.
func wantKind(t *testing.T, err error, kind idp.Kind) {
	t.Helper()
	var e *idp.Error
	if !errors.As(err, &e) {
		t.Fatalf("got error %v (%T), want an idp.Error", err, err)
	}
	if e.Kind != kind {
		t.Errorf("got kind %v (%v), want %v", e.Kind, err, kind)
	}
	if e.Reason == "" || strings.Contains(e.Reason, alice) || strings.Contains(err.Error(), "panic") {
		t.Errorf("bad reason: %v", err)
	}
}

// refused fails unless the response is refused with an idp.Error that is not born of a panic.
func refused(t *testing.T, id idp.Identity, err error) *idp.Error {
	t.Helper()
	if err == nil {
		t.Fatalf("accepted as %q", id.Subject)
	}
	var e *idp.Error
	if !errors.As(err, &e) || e.Reason == "" || strings.Contains(err.Error(), "panic") {
		t.Fatalf("got error %v (%T), want a clean idp.Error", err, err)
	}
	if id.Subject != "" || id.Claims.Names() != nil {
		t.Fatal("a refusal came with an identity")
	}
	return e
}

// find returns the first element of that local name.
func find(el *etree.Element, local string) *etree.Element {
	if el.Tag == local {
		return el
	}
	for _, c := range el.ChildElements() {
		if f := find(c, local); f != nil {
			return f
		}
	}
	return nil
}

func proof(s string) secret.Text { return secret.New(s) }
