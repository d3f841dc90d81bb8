package devidp_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/crewjam/saml"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/idp/devidp"
)

// plainRequest is a good unsigned AuthnRequest at a time; hostile cases change its text.
func plainRequest(sso string, now time.Time) string {
	return fmt.Sprintf(`<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r1" Version="2.0" IssueInstant="%s" Destination="%s" AssertionConsumerServiceURL="%s" ProtocolBinding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"><saml:Issuer>%s</saml:Issuer><samlp:NameIDPolicy Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"/></samlp:AuthnRequest>`,
		now.UTC().Format(time.RFC3339), sso, acsURL, entityID)
}

func deflated(doc string) string {
	var out bytes.Buffer
	w, _ := flate.NewWriter(&out, flate.BestCompression)
	_, _ = w.Write([]byte(doc))
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(out.Bytes())
}

func TestHostileRequestsAreRefused(t *testing.T) {
	now := newClock()
	s := start(t, func(o *devidp.Options) {
		o.Clock = now.Now
		o.ServiceProviders = []devidp.ServiceProvider{{EntityID: entityID, ACS: []string{acsURL}}}
	})
	sso := s.BaseURL() + "/saml/sso"
	good := plainRequest(sso, now.Now())
	swap := func(old, replacement string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the good request has no %q", old)
		}
		return strings.Replace(good, old, replacement, 1)
	}
	issuer := "<saml:Issuer>" + entityID + "</saml:Issuer>"
	for name, tc := range map[string]struct {
		doc    string
		status int
	}{
		"good":                      {good, http.StatusOK},
		"no ACS, the default":       {swap(` AssertionConsumerServiceURL="`+acsURL+`"`, ""), http.StatusOK},
		"no destination":            {swap(` Destination="`+sso+`"`, ""), http.StatusOK},
		"unknown party":             {swap(issuer, "<saml:Issuer>http://evil.example</saml:Issuer>"), http.StatusForbidden},
		"no issuer":                 {swap(issuer, ""), http.StatusForbidden},
		"two issuers":               {swap(issuer, issuer+issuer), http.StatusForbidden},
		"issuer, then another":      {swap(issuer, issuer+"<saml:Issuer>x</saml:Issuer>"), http.StatusForbidden},
		"comment in the issuer":     {swap(issuer, "<saml:Issuer>"+entityID+"<!---->.evil</saml:Issuer>"), http.StatusForbidden},
		"issuer of no namespace":    {swap(issuer, "<Issuer>"+entityID+"</Issuer>"), http.StatusForbidden},
		"foreign ACS":               {swap(acsURL, "http://evil.example/acs"), http.StatusBadRequest},
		"ACS with a suffix":         {swap(acsURL, acsURL+"/"), http.StatusBadRequest},
		"ACS with a query":          {swap(acsURL, acsURL+"?x=1"), http.StatusBadRequest},
		"ACS in other case":         {swap("/saml/corp/acs\"", "/SAML/corp/acs\""), http.StatusBadRequest},
		"ACS by index":              {swap(`ID="_r1"`, `ID="_r1" AssertionConsumerServiceIndex="0"`), http.StatusBadRequest},
		"comment within the issuer": {swap(issuer, "<saml:Issuer>"+entityID[:9]+"<!-- -->"+entityID[9:]+"</saml:Issuer>"), http.StatusForbidden},
		"prefixed ACS beside":       {swap(" AssertionConsumerServiceURL", ` xmlns:e="e" e:AssertionConsumerServiceURL="http://evil.example/" AssertionConsumerServiceURL`), http.StatusOK},
		"another destination":       {swap(`Destination="`+sso, `Destination="http://127.0.0.1:1/sso`), http.StatusBadRequest},
		"too old":                   {plainRequest(sso, now.Now().Add(-6*time.Minute)), http.StatusBadRequest},
		"from the future":           {plainRequest(sso, now.Now().Add(6*time.Minute)), http.StatusBadRequest},
		"no time":                   {swap("IssueInstant", "Other"), http.StatusBadRequest},
		"no ID":                     {swap(` ID="_r1"`, ""), http.StatusBadRequest},
		"long ID":                   {swap("_r1", strings.Repeat("r", 300)), http.StatusBadRequest},
		"SAML 1.1":                  {swap(`Version="2.0"`, `Version="1.1"`), http.StatusBadRequest},
		"artifact binding":          {swap("bindings:HTTP-POST", "bindings:HTTP-Artifact"), http.StatusBadRequest},
		"unknown NameID":            {swap("nameid-format:persistent", "nameid-format:kerberos"), http.StatusBadRequest},
		"another message":           {strings.ReplaceAll(good, "AuthnRequest", "LogoutRequest"), http.StatusBadRequest},
		"another namespace":         {swap("urn:oasis:names:tc:SAML:2.0:protocol\"", "urn:x\""), http.StatusBadRequest},
		"document type":             {"<!DOCTYPE x [<!ENTITY e \"x\">]>" + good, http.StatusBadRequest},
		"instruction":               {"<?php x?>" + good, http.StatusBadRequest},
		"two roots":                 {good + good, http.StatusBadRequest},
		"deep":                      {swap(issuer, strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100)+issuer), http.StatusBadRequest},
		"not XML":                   {"hello", http.StatusBadRequest},
		"cut off":                   {good[:len(good)-5], http.StatusBadRequest},
		"empty":                     {"", http.StatusBadRequest},
		"inflates to a megabyte":    {good + strings.Repeat(" ", 1<<20), http.StatusBadRequest},
		"compares contexts loosely": {swap("<samlp:NameIDPolicy", `<samlp:RequestedAuthnContext Comparison="minimum"/><samlp:NameIDPolicy`), http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			redirect, _ := get(t, sso+"?SAMLRequest="+url.QueryEscape(deflated(tc.doc)))
			posted, _ := post(t, sso, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(tc.doc))}})
			if redirect.StatusCode != tc.status || posted.StatusCode != tc.status {
				t.Errorf("redirect %d, post %d, want %d", redirect.StatusCode, posted.StatusCode, tc.status)
			}
			if redirect.Header.Get("Location") != "" || posted.Header.Get("Location") != "" {
				t.Error("a refusal must not redirect")
			}
		})
	}
	encoded := url.QueryEscape(deflated(good))
	for name, query := range map[string]string{
		"twice":           "SAMLRequest=" + encoded + "&SAMLRequest=" + encoded,
		"not base64":      "SAMLRequest=%%%",
		"long RelayState": "SAMLRequest=" + encoded + "&RelayState=" + strings.Repeat("x", 2000),
		"missing":         "",
	} {
		if answer, _ := get(t, sso+"?"+query); answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d", name, answer.StatusCode)
		}
	}
}

func TestRedirectSignatureIsNeeded(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, true)
	register(t, s, sp)
	request, err := sp.MakeAuthenticationRequest(s.BaseURL()+"/saml/sso", saml.HTTPRedirectBinding, saml.HTTPPostBinding)
	if err != nil {
		t.Fatal(err)
	}
	with, err := request.Redirect("handle-1", sp)
	if err != nil {
		t.Fatal(err)
	}
	without, err := request.Redirect("", sp)
	if err != nil {
		t.Fatal(err)
	}
	noDestination := *request
	noDestination.Destination = ""
	lost, err := noDestination.Redirect("handle-1", sp)
	if err != nil {
		t.Fatal(err)
	}
	raw, bare := with.String(), without.String()
	other := url.QueryEscape(deflated(plainRequest(s.BaseURL()+"/saml/sso", time.Now())))
	for name, tc := range map[string]struct {
		url    string
		status int
	}{
		"good":                         {raw, http.StatusOK},
		"good, no RelayState":          {bare, http.StatusOK},
		"unsigned":                     {raw[:strings.Index(raw, "&SigAlg=")], http.StatusForbidden},
		"no algorithm":                 {strings.Replace(raw, "SigAlg=", "Other=", 1), http.StatusForbidden},
		"SHA-1":                        {strings.Replace(raw, url.QueryEscape(dsig.RSASHA256SignatureMethod), url.QueryEscape(dsig.RSASHA1SignatureMethod), 1), http.StatusForbidden},
		"RelayState changed":           {strings.Replace(raw, "handle-1", "handle-2", 1), http.StatusForbidden},
		"RelayState removed":           {strings.Replace(raw, "RelayState=handle-1&", "", 1), http.StatusForbidden},
		"RelayState added":             {bare + "&RelayState=evil", http.StatusForbidden},
		"RelayState added, escaped":    {bare + "&Relay%53tate=evil", http.StatusForbidden},
		"signature borrowed":           {raw[:strings.Index(raw, "?")] + "?SAMLRequest=" + other + raw[strings.Index(raw, "&RelayState="):], http.StatusForbidden},
		"borrowed, request escaped":    {raw + "&SAML%52equest=" + other, http.StatusBadRequest},
		"signed without a destination": {s.BaseURL() + "/saml/sso" + lost.String(), http.StatusBadRequest},
	} {
		if answer, _ := get(t, tc.url); answer.StatusCode != tc.status {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, tc.status)
		}
	}
}

func TestEnvelopedSignatureIsNeeded(t *testing.T) {
	s := start(t, nil)
	sp := crewjamSP(t, s, true)
	register(t, s, sp)
	sso := s.BaseURL() + "/saml/sso"
	signed := func(method string) string {
		sp.SignatureMethod = method
		request, err := sp.MakeAuthenticationRequest(sso, saml.HTTPPostBinding, saml.HTTPPostBinding)
		if err != nil {
			t.Fatal(err)
		}
		return serialise(t, request.Element())
	}
	good := signed(dsig.RSASHA256SignatureMethod)
	unsigned := plainRequest(sso, time.Now())
	signature := good[strings.Index(good, "<ds:Signature "):strings.Index(good, "</ds:Signature>")] + "</ds:Signature>"
	wrapped := strings.Replace(unsigned, "<samlp:NameIDPolicy", "<samlp:Extensions>"+good+"</samlp:Extensions><samlp:NameIDPolicy", 1)
	for name, tc := range map[string]struct {
		doc    string
		status int
	}{
		"good":              {good, http.StatusOK},
		"unsigned":          {unsigned, http.StatusForbidden},
		"SHA-1":             {signed(dsig.RSASHA1SignatureMethod), http.StatusForbidden},
		"changed":           {strings.Replace(good, "Version=", `ForceAuthn="true" Version=`, 1), http.StatusForbidden},
		"borrowed":          {strings.Replace(unsigned, "<samlp:NameIDPolicy", signature+"<samlp:NameIDPolicy", 1), http.StatusForbidden},
		"wrapped":           {wrapped, http.StatusForbidden},
		"signature twice":   {strings.Replace(good, signature, signature+signature, 1), http.StatusForbidden},
		"signed by another": {foreign(t, sso), http.StatusForbidden},
	} {
		if answer, _ := post(t, sso, url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString([]byte(tc.doc))}}); answer.StatusCode != tc.status {
			t.Errorf("%s: %d, want %d", name, answer.StatusCode, tc.status)
		}
	}
}

// foreign is a request signed by a key that nobody registered, which it brings along in KeyInfo.
func foreign(t *testing.T, sso string) string {
	t.Helper()
	key := otherRSAKey()
	ctx, err := dsig.NewSigningContext(key, [][]byte{certificate(t, key, time.Now()).Raw})
	if err != nil {
		t.Fatal(err)
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	doc := etree.NewDocument()
	if err := doc.ReadFromString(plainRequest(sso, time.Now())); err != nil {
		t.Fatal(err)
	}
	el, err := ctx.SignEnveloped(doc.Root())
	if err != nil {
		t.Fatal(err)
	}
	return serialise(t, el)
}

func serialise(t *testing.T, el *etree.Element) string {
	t.Helper()
	doc := etree.NewDocument()
	doc.SetRoot(el)
	out, err := doc.WriteToString()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestHostileServiceProviderMetadata(t *testing.T) {
	s := start(t, nil)
	good, err := xml.Marshal(crewjamSP(t, s, true).Metadata())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := devidp.ParseServiceProvider(good); err != nil {
		t.Fatal(err)
	}
	for name, doc := range map[string]string{
		"not XML":       "hello",
		"document type": "<!DOCTYPE x>" + string(good),
		"script":        strings.ReplaceAll(string(good), acsURL, "javascript:alert(1)"),
		"no ACS":        strings.ReplaceAll(string(good), "bindings:HTTP-POST", "bindings:SOAP"),
		"no entity id":  strings.ReplaceAll(string(good), "entityID=", "other="),
		"bad key":       strings.ReplaceAll(string(good), "MII", "AAA"),
		"huge":          string(good) + strings.Repeat(" ", 1<<20),
	} {
		if _, err := devidp.ParseServiceProvider([]byte(doc)); err == nil {
			t.Errorf("%s: must be refused", name)
		}
	}
}
