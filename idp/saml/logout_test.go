package saml_test

import (
	"context"
	"crypto"
	"crypto/elliptic"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

// bindings are the two ways of a message to us.
func bindings() map[string]func(testing.TB, *idptest.SAMLIDP, idptest.SAMLLogout) idp.Callback {
	return map[string]func(testing.TB, *idptest.SAMLIDP, idptest.SAMLLogout) idp.Callback{
		"redirect": func(tb testing.TB, i *idptest.SAMLIDP, l idptest.SAMLLogout) idp.Callback {
			return byQuery(i.LogoutQuery(tb, l))
		},
		"POST": func(tb testing.TB, i *idptest.SAMLIDP, l idptest.SAMLLogout) idp.Callback {
			return idp.Callback{Form: i.LogoutForm(tb, l)}
		},
	}
}

func byQuery(query string) idp.Callback {
	form, _ := url.ParseQuery(query) // the provider reads the query itself
	return idp.Callback{Form: form, Query: query}
}

func logoutIdP() *idptest.SAMLIDP {
	i := idptest.NewSAMLIDP(clock)
	i.Logout, i.LogoutPost = "https://idp.example.com/slo", "https://idp.example.com/slo/post"
	return i
}

// goodRequest ends a session of alice's.
func goodRequest() idptest.SAMLLogout {
	return idptest.SAMLLogout{Destination: ourLogout, RelayState: "theirs & ours", NameID: alice, SessionIndexes: []string{"_session"}}
}

func goodResponse() idptest.SAMLLogout {
	return idptest.SAMLLogout{Destination: ourLogout, RelayState: "handle", InResponseTo: requestID}
}

func TestLogoutRequestOfTheIdP(t *testing.T) {
	for binding, deliver := range bindings() {
		for name, c := range map[string]struct {
			change   func(*idptest.SAMLIDP, *idptest.SAMLLogout)
			sessions []string
			until    time.Duration
		}{
			"plain":         {func(*idptest.SAMLIDP, *idptest.SAMLLogout) {}, []string{"_session"}, 6 * time.Minute},
			"all sessions":  {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) { l.SessionIndexes = nil }, nil, 6 * time.Minute},
			"several":       {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) { l.SessionIndexes = []string{"a", "b"} }, []string{"a", "b"}, 6 * time.Minute},
			"no RelayState": {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) { l.RelayState = "" }, []string{"_session"}, 6 * time.Minute},
			"ECDSA": {func(i *idptest.SAMLIDP, l *idptest.SAMLLogout) {
				i.Keys = append(i.Keys, idptest.ECDSAKey(elliptic.P256()))
				l.Signature.Key = i.Keys[1]
			}, []string{"_session"}, 6 * time.Minute},
			"SHA-512": {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) { l.Signature.Hash = crypto.SHA512 }, []string{"_session"}, 6 * time.Minute},
			"with an end": {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) {
				l.Edit = func(el *etree.Element) { el.CreateAttr("NotOnOrAfter", idptest.XMLTime(noon.Add(time.Minute))) }
			}, []string{"_session"}, 2 * time.Minute},
			"an encrypted name": {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) { l.Edit = encryptID(t, idptest.RSAKey(3)) }, []string{"_session"}, 6 * time.Minute},
			"extensions and a reason": {func(_ *idptest.SAMLIDP, l *idptest.SAMLLogout) {
				l.Edit = func(el *etree.Element) {
					el.CreateAttr("Reason", "urn:oasis:names:tc:SAML:2.0:logout:admin")
					el.InsertChildAt(1, etree.NewElement("samlp:Extensions"))
				}
			}, []string{"_session"}, 6 * time.Minute},
		} {
			t.Run(binding+" "+name, func(t *testing.T) {
				i, l := logoutIdP(), goodRequest()
				c.change(i, &l)
				p := newProvider(t, i)
				got, err := p.ReadLogout(t.Context(), deliver(t, i, l))
				if err != nil {
					t.Fatal(err)
				}
				if got.Provider != "corp" || got.Issuer != i.EntityID || got.Subject != alice || !slices.Equal(got.SessionIDs, c.sessions) {
					t.Errorf("got %+v", got)
				}
				if pr := got.Proof; !pr.Once || pr.ID == "" || len(pr.Hash) != 64 || !pr.IssuedAt.Equal(noon) || !pr.Expires.Equal(noon.Add(c.until)) {
					t.Errorf("proof %+v", pr)
				}
				for _, done := range []bool{true, false} {
					wantAnswer(t, p, i, got, l, done)
				}
			})
		}
	}
}

// wantAnswer checks the LogoutResponse that goes back.
func wantAnswer(t *testing.T, p *saml.Provider, i *idptest.SAMLIDP, l idp.Logout, sent idptest.SAMLLogout, done bool) {
	t.Helper()
	redirect, err := p.AnswerLogout(t.Context(), l, done)
	if err != nil {
		t.Fatal(err)
	}
	el, relay := idptest.ReadSAML(t, redirect, "SAMLResponse")
	_, query, _ := strings.Cut(redirect.URL, "?")
	if !strings.HasPrefix(redirect.URL, i.Logout+"?") || !idptest.CheckQuery(query, idptest.RSAKey(2).Signer.Public()) || relay != sent.RelayState {
		t.Errorf("sent to %s with RelayState %q", redirect.URL, relay)
	}
	if el.Tag != "LogoutResponse" || el.SelectAttrValue("InResponseTo", "") != l.Proof.ID || el.SelectAttrValue("Destination", "") != i.Logout {
		t.Errorf("answer %s", text(t, el))
	}
	var codes []string
	for at := find(el, "Status").ChildElements(); len(at) > 0; at = at[0].ChildElements() {
		codes = append(codes, strings.TrimPrefix(at[0].SelectAttrValue("Value", ""), "urn:oasis:names:tc:SAML:2.0:status:"))
	}
	want := "Success"
	if !done {
		want = "Responder PartialLogout"
	}
	if got := strings.Join(codes, " "); got != want {
		t.Errorf("status %s, want %s", got, want)
	}
}

func encryptID(t *testing.T, to idptest.SAMLKey) func(*etree.Element) {
	return func(el *etree.Element) {
		nameID := el.SelectElement("saml:NameID")
		at := nameID.Index()
		plain := nameID.Copy()
		plain.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		encrypted := idptest.EncryptXML(t, plain, idptest.SAMLEncryption{To: to.Cert})
		encrypted.Tag = "EncryptedID"
		el.RemoveChildAt(at)
		el.InsertChildAt(at, encrypted)
	}
}

// TestLeavingTheIdP: what begins here names the person exactly as the IdP did, is signed, and its answer is checked.
func TestLeavingTheIdP(t *testing.T) {
	i := logoutIdP()
	p := newProvider(t, i, func(o *saml.Options) { o.Rand = zeros{} })
	a := good()
	a.EditAssertion = func(el *etree.Element) {
		find(el, "NameID").CreateAttr("NameQualifier", "https://idp.example.com/<q>")
		find(el, "NameID").CreateAttr("SPNameQualifier", "")
		find(el, "NameID").CreateAttr("SPProvidedID", "p")
	}
	id, err := finish(p, i.Respond(t, a))
	if err != nil || id.SessionID != "_session" {
		t.Fatalf("%q, %v", id.SessionID, err)
	}
	redirect, state, err := p.BeginLogout(t.Context(), id, "handle")
	if err != nil {
		t.Fatal(err)
	}
	el, relay := idptest.ReadSAML(t, redirect, "SAMLRequest")
	golden(t, "logout-request.xml", text(t, el))
	_, query, _ := strings.Cut(redirect.URL, "?")
	if relay != "handle" || !idptest.CheckQuery(query, idptest.RSAKey(2).Signer.Public()) {
		t.Errorf("sent by %s", redirect.URL)
	}
	l := goodResponse()
	l.InResponseTo = state["request_id"]
	for binding, deliver := range bindings() {
		if partly, err := p.FinishLogout(t.Context(), state, deliver(t, i, l)); err != nil || partly {
			t.Errorf("%s: %t, %v", binding, partly, err)
		}
	}
}

func TestLeavingByPost(t *testing.T) {
	i := logoutIdP()
	i.Logout, i.LogoutAnswer = "", "https://idp.example.com/slo/answer"
	p := newProvider(t, i)
	id, err := finish(p, i.Respond(t, good()))
	if err != nil {
		t.Fatal(err)
	}
	redirect, _, err := p.BeginLogout(t.Context(), id, "handle")
	if err != nil || redirect.URL != i.LogoutPost || redirect.Form.Get("RelayState") != "handle" {
		t.Fatalf("%+v, %v", redirect, err)
	}
	if el, _ := idptest.ReadSAML(t, redirect, "SAMLRequest"); directSignature(el) == nil || el.ChildElements()[1].Tag != "Signature" {
		t.Errorf("not signed: %s", text(t, el))
	}
	got, err := p.ReadLogout(t.Context(), idp.Callback{Form: i.LogoutForm(t, goodRequest())})
	if err != nil {
		t.Fatal(err)
	}
	if redirect, err = p.AnswerLogout(t.Context(), got, true); err != nil || redirect.URL != i.LogoutAnswer || redirect.Form.Get("RelayState") != "theirs & ours" {
		t.Errorf("%+v, %v", redirect, err)
	}
}

func TestNothingToLeave(t *testing.T) {
	with, without := logoutIdP(), idptest.NewSAMLIDP(clock)
	id, err := finish(newProvider(t, with), with.Respond(t, good()))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		idp *idptest.SAMLIDP
		id  idp.Identity
	}{
		"no logout service":   {without, id},
		"nobody to name":      {with, idp.Identity{}},
		"javascript":          {&idptest.SAMLIDP{EntityID: with.EntityID, Redirect: with.Redirect, Keys: with.Keys, Logout: "javascript:alert(1)"}, id},
		"javascript answered": {&idptest.SAMLIDP{EntityID: with.EntityID, Redirect: with.Redirect, Keys: with.Keys, Logout: with.Logout, LogoutAnswer: "javascript:alert(1)"}, id},
		"plain http":          {&idptest.SAMLIDP{EntityID: with.EntityID, Redirect: with.Redirect, Keys: with.Keys, LogoutPost: "http://idp.example.com/slo"}, id},
	} {
		p := newProvider(t, c.idp)
		if redirect, _, err := p.BeginLogout(t.Context(), c.id, "handle"); !errors.Is(err, idp.ErrStays) {
			t.Errorf("%s: %+v, %v", name, redirect, err)
		}
	}
	if redirect, err := newProvider(t, without).AnswerLogout(t.Context(), idp.Logout{}, true); !errors.Is(err, idp.ErrStays) {
		t.Errorf("an answer to nowhere: %+v, %v", redirect, err)
	}
	asks := 0
	away := newProvider(t, with, func(o *saml.Options) {
		o.Metadata, o.MetadataURL = nil, "https://idp.example.com/metadata"
		o.Fetch = func(context.Context, string) ([]byte, error) { asks++; return nil, errors.New("away") }
	})
	_, _, err = away.BeginLogout(t.Context(), id, "handle")
	if wantKind(t, err, idp.KindUnavailable); asks > 0 {
		t.Error("somebody who leaves waits for a provider that is away")
	}
}

func TestLogoutStatus(t *testing.T) {
	for codes, want := range map[string]struct {
		partly bool
		ok     bool
	}{
		"Success": {false, true}, "Success PartialLogout": {true, true}, "Responder PartialLogout": {true, true},
		"Responder": {}, "Requester": {}, "Responder RequestDenied": {}, "Responder Success": {}, "Success2": {},
	} {
		i, l := logoutIdP(), goodResponse()
		l.StatusCodes = strings.Fields(codes)
		for binding, deliver := range bindings() {
			partly, err := newProvider(t, i).FinishLogout(t.Context(), state(), deliver(t, i, l))
			if partly != want.partly || (err == nil) != want.ok {
				t.Errorf("%s %s: %t, %v", binding, codes, partly, err)
			}
			if !want.ok {
				wantKind(t, err, idp.KindDenied)
			}
		}
	}
}
