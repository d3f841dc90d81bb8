package devidp_test

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

const (
	acsURL   = "http://localhost:8443/saml/corp/acs"
	entityID = "http://localhost:8443/saml/corp/metadata"
)

// crewjamSP is a service provider that we did not write, taught from the identity provider's own metadata.
func crewjamSP(t testing.TB, s *devidp.Server, signs bool) *saml.ServiceProvider {
	t.Helper()
	_, body := get(t, s.EntityID())
	var metadata saml.EntityDescriptor
	if err := xml.Unmarshal([]byte(body), &metadata); err != nil {
		t.Fatal(err)
	}
	acs, _ := url.Parse(acsURL)
	own, _ := url.Parse(entityID)
	sp := &saml.ServiceProvider{
		EntityID: entityID, Key: rsaKey(), Certificate: certificate(t, rsaKey(), time.Now()),
		MetadataURL: *own, AcsURL: *acs, IDPMetadata: &metadata, AuthnNameIDFormat: saml.PersistentNameIDFormat,
	}
	if signs {
		sp.SignatureMethod = dsig.RSASHA256SignatureMethod
	}
	return sp
}

// register teaches the identity provider from the service provider's own metadata.
func register(t testing.TB, s *devidp.Server, sp *saml.ServiceProvider) devidp.ServiceProvider {
	t.Helper()
	body, err := xml.Marshal(sp.Metadata())
	if err != nil {
		t.Fatal(err)
	}
	party, err := devidp.ParseServiceProvider(body)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.AddServiceProvider(party); err != nil {
		t.Fatal(err)
	}
	return party
}

// accept posts the form to crewjam's own parser.
func accept(t testing.TB, sp *saml.ServiceProvider, form *devclient.Form, requestIDs ...string) *saml.Assertion {
	t.Helper()
	if form.Action.String() != acsURL {
		t.Fatalf("the form leads to %s", form.Action)
	}
	r := postRequest(t, acsURL, form.Fields)
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	assertion, err := sp.ParseResponse(r, requestIDs)
	if err != nil {
		var invalid *saml.InvalidResponseError
		if errors.As(err, &invalid) {
			err = invalid.PrivateErr
		}
		t.Fatalf("crewjam refuses: %v", err)
	}
	return assertion
}

func TestServiceProviderSignsIn(t *testing.T) {
	for name, tc := range map[string]struct {
		binding        string
		signs, encrypt bool
		mfa            bool
	}{
		"redirect":            {binding: saml.HTTPRedirectBinding},
		"redirect, signed":    {binding: saml.HTTPRedirectBinding, signs: true, encrypt: true},
		"post":                {binding: saml.HTTPPostBinding, encrypt: true},
		"post, signed":        {binding: saml.HTTPPostBinding, signs: true},
		"with second factor":  {binding: saml.HTTPRedirectBinding, mfa: true},
		"encrypted, unsigned": {binding: saml.HTTPRedirectBinding, encrypt: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, nil)
			sp := crewjamSP(t, s, tc.signs)
			party := register(t, s, sp)
			if !tc.encrypt {
				party.EncryptionCert = nil
			}
			if err := s.AddServiceProvider(party); err != nil {
				t.Fatal(err)
			}
			request, page, b := ask(t, s, sp, tc.binding, nil)
			alice := person(t, s, "alice")
			alice.SecondFactor = tc.mfa
			done := submit(t, b, typed(t, page, alice))
			form, err := done.Form("SAMLResponse")
			if err != nil {
				t.Fatal(err)
			}
			if form.Fields.Get("RelayState") != "handle-1" {
				t.Errorf("RelayState %q", form.Fields.Get("RelayState"))
			}
			if csp := done.Header.Get("Content-Security-Policy"); !strings.HasSuffix(csp, "form-action 'self' http://localhost:8443") {
				t.Errorf("policy %q does not name the ACS's origin alone", csp)
			}
			checkAlice(t, s, accept(t, sp, form, request.ID), request.ID, tc.mfa)
			if !tc.encrypt {
				checkSignatures(t, s, form.Fields.Get("SAMLResponse"))
			}
		})
	}
}

// ask sends an AuthnRequest of crewjam's and returns the page that the person sees.
func ask(t *testing.T, s *devidp.Server, sp *saml.ServiceProvider, binding string, change func(*saml.AuthnRequest)) (*saml.AuthnRequest, *devclient.Page, *devclient.Browser) {
	t.Helper()
	b := devclient.New(devclient.Options{})
	request, page := askWith(t, s, sp, b, binding, change)
	return request, page, b
}

func askWith(t *testing.T, s *devidp.Server, sp *saml.ServiceProvider, b *devclient.Browser, binding string, change func(*saml.AuthnRequest)) (*saml.AuthnRequest, *devclient.Page) {
	t.Helper()
	request, err := sp.MakeAuthenticationRequest(s.BaseURL()+"/saml/sso", binding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(request)
		if request.Signature != nil {
			request.Signature = nil
			if err := sp.SignAuthnRequest(request); err != nil {
				t.Fatal(err)
			}
		}
	}
	if binding == saml.HTTPPostBinding {
		page, err := b.Submit(t.Context(), samlPostForm(t, s, request))
		if err != nil {
			t.Fatal(err)
		}
		return request, page
	}
	target, err := request.Redirect("handle-1", sp)
	if err != nil {
		t.Fatal(err)
	}
	return request, open(t, b, target.String())
}

// samlPostForm is the form that crewjam would put on its own page.
func samlPostForm(t *testing.T, s *devidp.Server, request *saml.AuthnRequest) *devclient.Form {
	t.Helper()
	page := &devclient.Page{URL: mustURL(t, "http://localhost:8443/login"), Header: http.Header{}, Body: request.Post("handle-1")}
	form, err := page.Form("SAMLRequest")
	if err != nil {
		t.Fatal(err)
	}
	if form.Action.String() != s.BaseURL()+"/saml/sso" {
		t.Fatalf("crewjam posts to %s", form.Action)
	}
	return form
}

func mustURL(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func checkAlice(t *testing.T, s *devidp.Server, a *saml.Assertion, requestID string, mfa bool) {
	t.Helper()
	data := a.Subject.SubjectConfirmations[0].SubjectConfirmationData
	if a.Issuer.Value != s.EntityID() || a.Subject.NameID.Value != "u1001" || !strings.HasSuffix(a.Subject.NameID.Format, ":persistent") {
		t.Errorf("issuer %q, NameID %+v", a.Issuer.Value, a.Subject.NameID)
	}
	if data.InResponseTo != requestID || data.Recipient != acsURL || a.Conditions.AudienceRestrictions[0].Audience.Value != entityID {
		t.Errorf("confirmation %+v", data)
	}
	statement := a.AuthnStatements[0]
	class := devidp.ClassPassword
	if mfa {
		class = devidp.ClassMFA
	}
	if statement.AuthnContext.AuthnContextClassRef.Value != class || statement.SessionIndex == "" || statement.SessionNotOnOrAfter == nil {
		t.Errorf("statement %+v", statement)
	}
	got := map[string][]string{}
	for _, attribute := range a.AttributeStatements[0].Attributes {
		for _, v := range attribute.Values {
			got[attribute.Name] = append(got[attribute.Name], v.Value)
		}
	}
	if strings.Join(got["groups"], " ") != "aws-admins developers" || got["mail"][0] != "alice@example.com" || got["uid"][0] != "alice" {
		t.Errorf("attributes %v", got)
	}
}

// checkSignatures verifies the Response and the assertion inside it with goxmldsig alone.
func checkSignatures(t *testing.T, s *devidp.Server, encoded string) {
	t.Helper()
	doc := etree.NewDocument()
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	_, body := get(t, s.EntityID())
	metadata := etree.NewDocument()
	if err := metadata.ReadFromString(body); err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(strings.TrimSpace(metadata.FindElement("//X509Certificate").Text()))
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	validator := dsig.NewDefaultValidationContext(&dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}})
	assertion := doc.FindElement("/Response/Assertion")
	for _, el := range []*etree.Element{doc.Root(), assertion} {
		signature := el.ChildElements()[1]
		if signature.Tag != "Signature" || signature.FindElement("./SignedInfo/SignatureMethod").SelectAttrValue("Algorithm", "") != dsig.RSASHA256SignatureMethod {
			t.Errorf("%s: the second child is %s", el.Tag, signature.Tag)
		}
		alone := etree.NewDocument()
		alone.SetRoot(el.Copy())
		out, err := alone.WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		if err := alone.ReadFromBytes(bytes.Clone(out)); err != nil {
			t.Fatal(err)
		}
		if _, err := validator.Validate(alone.Root()); err != nil {
			t.Errorf("%s: %v", el.Tag, err)
		}
	}
}

func TestIdPInitiated(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, true)
	register(t, s, sp)
	sp.AllowIDPInitiated = true
	b := devclient.New(devclient.Options{})
	form, err := b.SAMLForm(t.Context(), s.BaseURL()+"/saml/start?sp="+url.QueryEscape(entityID)+"&RelayState=/x", person(t, s, "alice"))
	if err != nil {
		t.Fatal(err)
	}
	checkAlice(t, s, accept(t, sp, form), "", false)
	if answer, _ := get(t, s.BaseURL()+"/saml/start?sp=unknown"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("an unknown party: %d", answer.StatusCode)
	}
}

func TestSingleSignOnAndForceAuthn(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, false)
	register(t, s, sp)
	request, page, b := ask(t, s, sp, saml.HTTPRedirectBinding, nil)
	if _, err := submit(t, b, typed(t, page, person(t, s, "alice"))).Form("SAMLResponse"); err != nil {
		t.Fatal(err)
	}
	again, page := askWith(t, s, sp, b, saml.HTTPRedirectBinding, nil)
	form, err := page.Form("SAMLResponse")
	if err != nil || again.ID == request.ID {
		t.Fatalf("the session was not used: %v", err)
	}
	accept(t, sp, form, again.ID)
	yes := true
	_, page = askWith(t, s, sp, b, saml.HTTPRedirectBinding, func(q *saml.AuthnRequest) { q.ForceAuthn = &yes })
	if _, err := page.Form("password"); err != nil {
		t.Error("ForceAuthn must ask for the password again")
	}
}

func TestRequestedFactor(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, false)
	register(t, s, sp)
	want := func(class string) func(*saml.AuthnRequest) {
		return func(q *saml.AuthnRequest) {
			q.RequestedAuthnContext = &saml.RequestedAuthnContext{Comparison: "exact", AuthnContextClassRef: class}
		}
	}
	request, page, b := ask(t, s, sp, saml.HTTPRedirectBinding, want(devidp.ClassMFA))
	alice := person(t, s, "alice")
	page = submit(t, b, typed(t, page, alice))
	if page.Status != http.StatusUnauthorized || !strings.Contains(string(page.Body), "second factor: tick the box") {
		t.Fatalf("password alone: %d", page.Status)
	}
	alice.SecondFactor = true
	form, err := submit(t, b, typed(t, page, alice)).Form("SAMLResponse")
	if err != nil {
		t.Fatal(err)
	}
	checkAlice(t, s, accept(t, sp, form, request.ID), request.ID, true)

	_, page, _ = ask(t, s, sp, saml.HTTPRedirectBinding, want("urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos"))
	wantStatus(t, page, saml.StatusNoAuthnContext)
}

func TestRefusalsReachTheServiceProvider(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, false)
	register(t, s, sp)
	yes := true
	_, page, _ := ask(t, s, sp, saml.HTTPRedirectBinding, func(q *saml.AuthnRequest) { q.IsPassive = &yes })
	wantStatus(t, page, saml.StatusNoPassive)

	_, page, b := ask(t, s, sp, saml.HTTPRedirectBinding, nil)
	form, err := page.Form("password")
	if err != nil {
		t.Fatal(err)
	}
	form.Fields.Set("cancel", "yes")
	wantStatus(t, submit(t, b, form), saml.StatusAuthnFailed)
}

func wantStatus(t *testing.T, page *devclient.Page, status string) {
	t.Helper()
	form, err := page.Form("SAMLResponse")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(form.Fields.Get("SAMLResponse"))
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	second := doc.FindElement("/Response/Status/StatusCode/StatusCode")
	if second == nil || second.SelectAttrValue("Value", "") != status || doc.FindElement("//Assertion") != nil || doc.FindElement("//Signature") == nil {
		t.Errorf("want a signed status %s and no assertion, got %s", status, raw)
	}
}

func TestNameIDFormats(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, false)
	register(t, s, sp)
	for format, want := range map[saml.NameIDFormat]string{saml.EmailAddressNameIDFormat: "alice@example.com", saml.PersistentNameIDFormat: "u1001"} {
		sp.AuthnNameIDFormat = format
		request, page, b := ask(t, s, sp, saml.HTTPRedirectBinding, nil)
		form, err := submit(t, b, typed(t, page, person(t, s, "alice"))).Form("SAMLResponse")
		if err != nil {
			t.Fatal(err)
		}
		if id := accept(t, sp, form, request.ID).Subject.NameID; id.Value != want || id.Format != string(format) {
			t.Errorf("NameID %+v", id)
		}
	}
}
