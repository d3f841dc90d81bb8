package saml_test

import (
	"crypto"
	"encoding/base64"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

func refusedLogout(t *testing.T, name string, err error, kind idp.Kind) {
	t.Helper()
	e, ok := errors.AsType[*idp.Error](err)
	if !ok || e.Kind != kind || e.Reason == "" || strings.Contains(e.Reason, alice) || strings.Contains(err.Error(), "panic") {
		t.Errorf("%s: got %v, want kind %v", name, err, kind)
	}
}

// logoutCase is a change to a message that must be refused whichever way it comes.
type logoutCase struct {
	kind   idp.Kind
	change func(*idptest.SAMLLogout)
}

func edited(kind idp.Kind, edit func(*etree.Element)) logoutCase {
	return logoutCase{kind, func(l *idptest.SAMLLogout) { l.Edit = edit }}
}

func onRoot(attr, value string) func(*etree.Element) {
	return func(el *etree.Element) { el.CreateAttr(attr, value) }
}

// logoutCases hold for requests and for responses.
func logoutCases(t *testing.T) map[string]logoutCase {
	other := "https://other.example.com/metadata"
	return map[string]logoutCase{
		"unsigned":               {idp.KindInvalid, func(l *idptest.SAMLLogout) { l.Unsigned = true }},
		"another IdP's key":      {idp.KindInvalid, func(l *idptest.SAMLLogout) { l.Signature.Key = idptest.RSAKey(1) }},
		"our own key":            {idp.KindInvalid, func(l *idptest.SAMLLogout) { l.Signature.Key = idptest.RSAKey(2) }},
		"SHA-1":                  {idp.KindInvalid, func(l *idptest.SAMLLogout) { l.Signature.Hash = crypto.SHA1 }},
		"HMAC by the public key": {idp.KindInvalid, func(l *idptest.SAMLLogout) { l.Signature.HMAC = idptest.RSAKey(0).Cert.RawSubjectPublicKeyInfo }},
		"changed after signing": {idp.KindInvalid, func(l *idptest.SAMLLogout) {
			l.Tamper = nil
			l.Signature.Signed = func(b []byte) []byte { return append(b, ' ') }
		}},
		"another issuer":          edited(idp.KindUntrusted, setText("Issuer", other)),
		"no issuer":               edited(idp.KindInvalid, drop("Issuer")),
		"two issuers":             edited(idp.KindInvalid, double("Issuer")),
		"issuer of a format":      edited(idp.KindInvalid, setAttr("Issuer", "Format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress")),
		"wrong destination":       edited(idp.KindInvalid, onRoot("Destination", ourACS)),
		"destination with a tail": edited(idp.KindInvalid, onRoot("Destination", ourLogout+"/")),
		"no destination":          edited(idp.KindInvalid, func(el *etree.Element) { el.RemoveAttr("Destination") }),
		"old":                     edited(idp.KindExpired, onRoot("IssueInstant", idptest.XMLTime(noon.Add(-6*time.Minute)))),
		"from the future":         edited(idp.KindInvalid, onRoot("IssueInstant", idptest.XMLTime(noon.Add(2*time.Minute)))),
		"no time":                 edited(idp.KindInvalid, func(el *etree.Element) { el.RemoveAttr("IssueInstant") }),
		"SAML 1.1":                edited(idp.KindInvalid, onRoot("Version", "1.1")),
		"no id":                   edited(idp.KindInvalid, func(el *etree.Element) { el.RemoveAttr("ID") }),
		"another message":         edited(idp.KindInvalid, func(el *etree.Element) { el.Tag = "ManageNameIDRequest" }),
		"another namespace": edited(idp.KindInvalid, func(el *etree.Element) {
			el.CreateAttr("xmlns:samlp", "urn:oasis:names:tc:SAML:1.0:protocol")
		}),
		"an unknown part":    edited(idp.KindInvalid, func(el *etree.Element) { el.CreateElement("samlp:Other") }),
		"an assertion in it": edited(idp.KindInvalid, func(el *etree.Element) { el.CreateElement("saml:Assertion") }),
		"a second signature": edited(idp.KindInvalid, func(el *etree.Element) { el.AddChild(strangeSignature()) }),
		"a signature for show": {idp.KindInvalid, func(l *idptest.SAMLLogout) {
			l.Unsigned, l.Edit = true, func(el *etree.Element) { el.AddChild(strangeSignature()) }
		}},
		"an endless RelayState": {idp.KindInvalid, func(l *idptest.SAMLLogout) { l.RelayState = strings.Repeat("x", 3<<10) }},
	}
}

func strangeSignature() *etree.Element {
	el := etree.NewElement("ds:Signature")
	el.CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
	el.CreateElement("ds:SignedInfo")
	return el
}

func TestHostileLogoutRequests(t *testing.T) {
	cases := logoutCases(t)
	name := func(f func(*etree.Element)) logoutCase {
		return edited(idp.KindInvalid, func(el *etree.Element) { f(el.SelectElement("saml:NameID")) })
	}
	cases["a comment splits the name"] = name(func(el *etree.Element) {
		el.SetText("alice@example.com")
		el.CreateComment("x")
		el.CreateText(".evil")
	})
	cases["an element in the name"] = name(func(el *etree.Element) { el.CreateElement("b") })
	cases["no name"] = edited(idp.KindInvalid, drop("NameID"))
	cases["an empty name"] = name(func(el *etree.Element) { el.SetText("") })
	cases["an invisible letter in the name"] = name(func(el *etree.Element) { el.SetText("ali\u200bce") })
	cases["two names"] = edited(idp.KindInvalid, double("NameID"))
	cases["a BaseID"] = edited(idp.KindInvalid, func(el *etree.Element) { el.SelectElement("saml:NameID").Tag = "BaseID" })
	cases["a name in another namespace"] = edited(idp.KindInvalid, func(el *etree.Element) { el.SelectElement("saml:NameID").Space = "samlp" })
	cases["a plain and an encrypted name"] = edited(idp.KindInvalid, func(el *etree.Element) {
		plain := el.SelectElement("saml:NameID").Copy()
		encryptID(t, idptest.RSAKey(3))(el)
		el.AddChild(plain)
	})
	cases["encrypted to another"] = edited(idp.KindInvalid, encryptID(t, idptest.RSAKey(1)))
	cases["something else is encrypted"] = edited(idp.KindInvalid, func(el *etree.Element) {
		el.SelectElement("saml:NameID").Tag = "Issuer"
		el.SelectElements("saml:Issuer")[1].Tag = "NameID"
		nameID := el.SelectElement("saml:NameID")
		plain := etree.NewElement("saml:Issuer")
		plain.CreateAttr("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion")
		plain.SetText(alice)
		encrypted := idptest.EncryptXML(t, plain, idptest.SAMLEncryption{To: idptest.RSAKey(3).Cert})
		encrypted.Tag = "EncryptedID"
		el.RemoveChild(nameID)
		el.AddChild(encrypted)
	})
	cases["over"] = edited(idp.KindExpired, onRoot("NotOnOrAfter", idptest.XMLTime(noon.Add(-time.Minute))))
	cases["an end that is no time"] = edited(idp.KindInvalid, onRoot("NotOnOrAfter", "soon"))
	cases["an empty session"] = logoutCase{idp.KindInvalid, func(l *idptest.SAMLLogout) { l.SessionIndexes = []string{""} }}
	cases["markup in a session"] = edited(idp.KindInvalid, func(el *etree.Element) { find(el, "SessionIndex").CreateElement("b") })
	cases["a thousand sessions"] = logoutCase{idp.KindInvalid, func(l *idptest.SAMLLogout) { l.SessionIndexes = strings.Fields(strings.Repeat("x ", 400)) }}
	cases["a response as a request"] = logoutCase{idp.KindInvalid, func(l *idptest.SAMLLogout) { *l = goodResponse() }}
	for binding, deliver := range bindings() {
		for name, c := range cases {
			t.Run(binding+" "+name, func(t *testing.T) {
				i, l := logoutIdP(), goodRequest()
				c.change(&l)
				got, err := newProvider(t, i).ReadLogout(t.Context(), deliver(t, i, l))
				refusedLogout(t, name, err, c.kind)
				if got.Subject != "" || len(got.SessionIDs) > 0 {
					t.Errorf("a refusal came with %+v", got)
				}
			})
		}
	}
}

func TestHostileLogoutResponses(t *testing.T) {
	cases := logoutCases(t)
	cases["to another request"] = edited(idp.KindInvalid, onRoot("InResponseTo", "_other"))
	cases["to no request"] = edited(idp.KindInvalid, func(el *etree.Element) { el.RemoveAttr("InResponseTo") })
	cases["no status"] = edited(idp.KindInvalid, drop("Status"))
	cases["two statuses"] = edited(idp.KindInvalid, double("Status"))
	cases["two codes"] = edited(idp.KindInvalid, double("StatusCode"))
	cases["a request as a response"] = logoutCase{idp.KindInvalid, func(l *idptest.SAMLLogout) { *l = goodRequest() }}
	for binding, deliver := range bindings() {
		for name, c := range cases {
			t.Run(binding+" "+name, func(t *testing.T) {
				i, l := logoutIdP(), goodResponse()
				c.change(&l)
				partly, err := newProvider(t, i).FinishLogout(t.Context(), state(), deliver(t, i, l))
				if refusedLogout(t, name, err, c.kind); partly {
					t.Error("a refusal says that something ended")
				}
			})
		}
	}
	i := logoutIdP()
	_, err := newProvider(t, i).FinishLogout(t.Context(), idp.State{}, idp.Callback{Form: i.LogoutForm(t, goodResponse())})
	refusedLogout(t, "an answer to nobody's request", err, idp.KindInvalid)
}

// TestHostileLogoutQueries: what the signature covers is what is read, and each parameter once (SimpleSAMLphp
// CVE-2025-27773).
func TestHostileLogoutQueries(t *testing.T) {
	i := logoutIdP()
	p := newProvider(t, i)
	query := i.LogoutQuery(t, goodRequest())
	mallory := goodRequest()
	mallory.NameID = "mallory"
	other := i.LogoutQuery(t, mallory)
	pick := func(query, name string) string {
		for part := range strings.SplitSeq(query, "&") {
			if strings.HasPrefix(part, name+"=") {
				return part
			}
		}
		t.Fatalf("no %s", name)
		return ""
	}
	unsigned, _, _ := strings.Cut(query, "&SigAlg=")
	for name, q := range map[string]string{
		"the message of another signature": strings.Replace(query, pick(query, "SAMLRequest"), pick(other, "SAMLRequest"), 1),
		"two messages":                     query + "&" + pick(other, "SAMLRequest"),
		"two messages, the other first":    pick(other, "SAMLRequest") + "&" + query,
		"an encoded second message":        query + "&SAML%52equest=" + strings.TrimPrefix(pick(other, "SAMLRequest"), "SAMLRequest="),
		"a request and a response":         query + "&SAMLResponse=" + strings.TrimPrefix(pick(other, "SAMLRequest"), "SAMLRequest="),
		"an empty response beside it":      query + "&SAMLResponse=&SAMLResponse=",
		"two RelayStates":                  query + "&RelayState=x",
		"a RelayState in an odd spelling":  strings.Replace(query, "RelayState", "Relay%53tate", 1),
		"another RelayState":               strings.Replace(query, "theirs", "mine", 1),
		"no RelayState":                    strings.Replace(query, "&"+pick(query, "RelayState"), "", 1),
		"RelayState in another encoding":   strings.Replace(query, "theirs+", "theirs%20", 1),
		"two signatures":                   query + "&" + pick(other, "Signature"),
		"another algorithm":                strings.Replace(query, "rsa-sha256", "rsa-sha512", 1),
		"two algorithms":                   query + "&" + pick(query, "SigAlg"),
		"no algorithm":                     strings.Replace(query, "&"+pick(query, "SigAlg"), "", 1),
		"no signature":                     strings.Replace(query, "&"+pick(query, "Signature"), "", 1),
		"an empty signature":               strings.Replace(query, pick(query, "Signature"), "Signature=", 1),
		"HMAC":                             idptest.SignQuery(t, unsigned, idptest.SAMLSignature{HMAC: idptest.RSAKey(0).Cert.Raw}),
		"another encoding":                 query + "&SAMLEncoding=none",
		"no message":                       "RelayState=x",
		"rubbish":                          "%zz=1&" + query,
		"a message that is not base64":     idptest.SignQuery(t, "SAMLRequest=%21%21", idptest.SAMLSignature{Key: i.Keys[0]}),
		"a message that is not compressed": idptest.SignQuery(t, "SAMLRequest="+url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("<x/>"))), idptest.SAMLSignature{Key: i.Keys[0]}),
		"a bomb":                           idptest.SignQuery(t, "SAMLRequest="+url.QueryEscape(base64.StdEncoding.EncodeToString(idptest.Deflate(t, make([]byte, 16<<20)))), idptest.SAMLSignature{Key: i.Keys[0]}),
		"a megabyte":                       query + "&x=" + strings.Repeat("x", 1<<20),
	} {
		if name == "RelayState in another encoding" && q == query {
			t.Fatal("the case changes nothing")
		}
		got, err := p.ReadLogout(t.Context(), byQuery(q))
		if refusedLogout(t, name, err, idp.KindInvalid); got.Subject != "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	// What is not ours to read does not matter, nor the order in which the parameters come.
	parts := strings.Split(query, "&")
	for _, q := range []string{query + "&utm=1", strings.Join([]string{parts[3], parts[1], parts[2], parts[0]}, "&"), query + "&SAMLEncoding=urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Abindings%3AURL-Encoding%3ADEFLATE"} {
		if got, err := p.ReadLogout(t.Context(), byQuery(q)); err != nil || got.Subject != alice {
			t.Errorf("%q, %v", got.Subject, err)
		}
	}
}

func TestHostileLogoutForms(t *testing.T) {
	i := logoutIdP()
	p := newProvider(t, i)
	good := i.LogoutForm(t, goodRequest())
	message := good["SAMLRequest"][0]
	changed := goodRequest()
	changed.Tamper = func(el *etree.Element) { el.SelectElement("saml:NameID").SetText("mallory") }
	for name, form := range map[string]url.Values{
		"two messages":             {"SAMLRequest": {message, message}},
		"a request and a response": {"SAMLRequest": {message}, "SAMLResponse": {message}},
		"no message":               {"RelayState": {"x"}},
		"not base64":               {"SAMLRequest": {"!!"}},
		"the redirect's signature": {"SAMLRequest": {message}, "SAMLResponse": {""}},
		"another name":             i.LogoutForm(t, changed),
		"too large":                {"SAMLRequest": {strings.Repeat("A", 64<<10)}},
	} {
		_, err := p.ReadLogout(t.Context(), idp.Callback{Form: form})
		refusedLogout(t, name, err, idp.KindInvalid)
	}
}

// TestWrappedLogout: a signed message inside another one, and an assertion that was captured.
func TestWrappedLogout(t *testing.T) {
	i := logoutIdP()
	p := newProvider(t, i)
	for name, wrap := range map[string]func(signed *etree.Element) *etree.Element{
		"the signed one in Extensions": func(signed *etree.Element) *etree.Element {
			outer := signed.Copy()
			outer.RemoveChild(outer.SelectElement("ds:Signature"))
			outer.CreateAttr("ID", "_outer")
			outer.SelectElement("saml:NameID").SetText("mallory")
			outer.CreateElement("samlp:Extensions").AddChild(signed)
			return outer
		},
		"its signature outside": func(signed *etree.Element) *etree.Element {
			outer := signed.Copy()
			outer.CreateAttr("ID", "_outer")
			outer.SelectElement("saml:NameID").SetText("mallory")
			signed.RemoveChild(signed.SelectElement("ds:Signature"))
			outer.CreateElement("samlp:Extensions").AddChild(signed)
			return outer
		},
		"one id twice": func(signed *etree.Element) *etree.Element {
			outer := signed.Copy()
			outer.SelectElement("saml:NameID").SetText("mallory")
			outer.CreateElement("samlp:Extensions").AddChild(signed)
			return outer
		},
	} {
		l := goodRequest()
		var doc *etree.Element
		l.Tamper = func(el *etree.Element) { doc = wrap(el.Copy()) }
		i.LogoutForm(t, l)
		raw := etree.NewDocument()
		raw.SetRoot(doc)
		out, err := raw.WriteToBytes()
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.ReadLogout(t.Context(), idp.Callback{Form: url.Values{"SAMLRequest": {base64.StdEncoding.EncodeToString(out)}}})
		refusedLogout(t, name, err, idp.KindInvalid)
	}
	captured := i.Respond(t, goodAnswerSigned())
	_, err := p.ReadLogout(t.Context(), idp.Callback{Form: url.Values{"SAMLRequest": {captured}}})
	refusedLogout(t, "a captured Response", err, idp.KindInvalid)
	_, err = p.FinishLogout(t.Context(), state(), idp.Callback{Form: url.Values{"SAMLResponse": {captured}}})
	refusedLogout(t, "a captured Response as an answer", err, idp.KindInvalid)
}

func goodAnswerSigned() idptest.SAMLAnswer {
	a := good()
	a.SignResponse = true
	a.EditResponse = func(el *etree.Element) { el.CreateAttr("Destination", ourLogout) }
	return a
}

func TestLogoutOfAnIdPThatSignsBySHA1(t *testing.T) {
	i, l := logoutIdP(), goodRequest()
	l.Signature.Hash = crypto.SHA1
	p := newProvider(t, i, func(o *saml.Options) { o.AllowSHA1 = true })
	for binding, deliver := range bindings() {
		if _, err := p.ReadLogout(t.Context(), deliver(t, i, l)); err != nil {
			t.Errorf("%s: %v", binding, err)
		}
	}
}
