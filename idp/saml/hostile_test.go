package saml_test

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
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

// hostile is one message that must be refused.
type hostile struct {
	name   string
	answer func(*idptest.SAMLAnswer)
	raw    func(doc string) string
	opt    func(*saml.Options)
	kind   idp.Kind
}

// run sends every case, and checks that the same message without its trick is accepted: a case that would be refused
// anyway tests nothing.
func run(t *testing.T, cases []hostile) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			i := idptest.NewSAMLIDP(clock)
			a := good()
			if c.answer != nil {
				c.answer(&a)
			}
			p := newProvider(t, i, func(o *saml.Options) {
				if c.opt != nil {
					c.opt(o)
				}
			})
			doc := string(i.RespondXML(t, a))
			if c.raw != nil {
				changed := c.raw(doc)
				if changed == doc {
					t.Fatal("the case changes nothing")
				}
				doc = changed
			}
			id, err := finish(p, base64.StdEncoding.EncodeToString([]byte(doc)))
			if e := refused(t, id, err); e.Kind != c.kind {
				t.Errorf("got kind %v (%v), want %v", e.Kind, err, c.kind)
			}
		})
	}
}

// signed makes a case of a change that the IdP signs for real, in each way to protect an answer.
func signed(name string, kind idp.Kind, change func(assertion *etree.Element)) []hostile {
	var out []hostile
	all := variants()
	for _, v := range slices.Sorted(maps.Keys(all)) {
		k := kind
		out = append(out, hostile{name: name + ", " + v, kind: k, answer: func(a *idptest.SAMLAnswer) {
			all[v](a)
			a.EditAssertion = change
		}})
	}
	return out
}

func setAttr(local, attr, value string) func(*etree.Element) {
	return func(el *etree.Element) { find(el, local).CreateAttr(attr, value) }
}

func dropAttr(local, attr string) func(*etree.Element) {
	return func(el *etree.Element) { find(el, local).RemoveAttr(attr) }
}

func setText(local, text string) func(*etree.Element) {
	return func(el *etree.Element) { find(el, local).SetText(text) }
}

func drop(local string) func(*etree.Element) {
	return func(el *etree.Element) { f := find(el, local); f.Parent().RemoveChild(f) }
}

func double(local string) func(*etree.Element) {
	return func(el *etree.Element) { f := find(el, local); f.Parent().AddChild(f.Copy()) }
}

func TestHostileAudience(t *testing.T) {
	var cases []hostile
	for _, v := range []string{
		"", " ", "https://other.example", ourEntityID + "/", ourEntityID + " ", " " + ourEntityID, "\n" + ourEntityID, strings.ToUpper(ourEntityID),
		ourEntityID[:len(ourEntityID)-1], ourEntityID + "?a", ourACS, strings.Replace(ourEntityID, "https", "http", 1),
		strings.Replace(ourEntityID, "/saml", "//saml", 1), strings.Replace(ourEntityID, "broker", "broker%2e", 1), "*",
	} {
		cases = append(cases, signed("audience "+v, idp.KindInvalid, setText("Audience", v))...)
	}
	cases = append(cases, signed("no restriction", idp.KindInvalid, drop("AudienceRestriction"))...)
	cases = append(cases, signed("no audience", idp.KindInvalid, drop("Audience"))...)
	cases = append(cases, signed("second restriction foreign", idp.KindInvalid, func(el *etree.Element) {
		r := find(el, "AudienceRestriction").Copy()
		find(r, "Audience").SetText("https://other.example")
		find(el, "Conditions").AddChild(r)
	})...)
	cases = append(cases, signed("audience in pieces", idp.KindInvalid, func(el *etree.Element) {
		a := find(el, "Audience")
		a.SetText("")
		a.CreateElement("saml:Part").SetText(ourEntityID)
	})...)
	cases = append(cases, signed("audience in another namespace", idp.KindInvalid, func(el *etree.Element) {
		a := find(el, "Audience")
		a.Space = "x"
		a.CreateAttr("xmlns:x", "urn:x")
	})...)
	run(t, cases)
}

func TestHostileRecipientAndDestination(t *testing.T) {
	var cases []hostile
	for _, v := range []string{
		"", " ", "https://other.example/acs", ourACS + "/", ourACS + "?x=1", ourACS + "#", " " + ourACS, ourACS + " ", strings.ToUpper(ourACS),
		strings.Replace(ourACS, "https", "http", 1), strings.Replace(ourACS, "corp", "other", 1), strings.Replace(ourACS, ".com", ".com:443", 1),
		strings.Replace(ourACS, "broker.", "broker.example.com.", 1), strings.Replace(ourACS, "broker.example.com", "user@broker.example.com", 1),
		strings.Replace(ourACS, "/acs", "/./acs", 1), strings.Replace(ourACS, "/acs", "/%61cs", 1), ourACS[:len(ourACS)-1], "javascript:alert(1)",
		ourEntityID, "*", ourACS + "\u200b",
	} {
		cases = append(cases, signed("recipient "+v, idp.KindInvalid, setAttr("SubjectConfirmationData", "Recipient", v))...)
		for name, protect := range variants() {
			cases = append(cases, hostile{name: "destination " + v + ", " + name, answer: func(a *idptest.SAMLAnswer) {
				protect(a)
				a.EditResponse = func(el *etree.Element) { el.CreateAttr("Destination", v) }
			}})
		}
	}
	cases = append(cases, signed("no recipient", idp.KindInvalid, dropAttr("SubjectConfirmationData", "Recipient"))...)
	cases = append(cases, hostile{name: "no destination", answer: func(a *idptest.SAMLAnswer) {
		a.EditResponse = func(el *etree.Element) { el.RemoveAttr("Destination") }
	}})
	run(t, cases)
}

func TestHostileTimes(t *testing.T) {
	var cases []hostile
	malformed := []string{
		"", " ", "now", "0", "2026-08-01", "12:00:00Z", "2026-08-01T12:00:00", "2026-08-01 12:00:00Z", "2026-08-01t12:00:00Z", "2026-08-01T12:00:00z",
		"2026-08-01T12:00Z", "2026-08-01T24:00:00Z", "2026-08-01T12:00:60Z", "2026-02-30T12:00:00Z", "2026-13-01T12:00:00Z", "+2026-08-01T12:00:00Z",
		"-2026-08-01T12:00:00Z", "12026-08-01T12:00:00Z", "2026-08-01T12:00:00,5Z", "2026-08-01T12:00:00.Z", "2026-08-01T12:00:00+0000",
		"2026-08-01T12:00:00+15:00", "2026-08-01T12:00:00 Z", " 2026-08-01T12:00:00Z", "2026-08-01T12:00:00Z ", "２026-08-01T12:00:00Z",
		"2026-08-01T12:00:00." + strings.Repeat("0", 10) + "Z", "2026-08-01T12:00:00." + strings.Repeat("1", 6000) + "Z", "1e300", "1785585600",
	}
	fields := [][2]string{
		{"Assertion", "IssueInstant"},
		{"Conditions", "NotBefore"},
		{"Conditions", "NotOnOrAfter"},
		{"SubjectConfirmationData", "NotOnOrAfter"},
		{"SubjectConfirmationData", "NotBefore"},
		{"AuthnStatement", "AuthnInstant"},
		{"AuthnStatement", "SessionNotOnOrAfter"},
	}
	for _, f := range fields {
		for _, v := range malformed {
			cases = append(cases, hostile{name: f[0] + " " + f[1] + " " + v[:min(len(v), 30)], answer: edit(setAttr(f[0], f[1], v))})
		}
	}
	past, future := "2026-08-01T11:59:00Z", "2026-08-01T12:01:00.001Z"
	for _, c := range []struct {
		el, attr, value string
		kind            idp.Kind
	}{
		{"Assertion", "IssueInstant", "2026-08-01T11:54:00Z", idp.KindExpired},
		{"Assertion", "IssueInstant", future, idp.KindInvalid},
		{"Conditions", "NotBefore", future, idp.KindInvalid},
		{"Conditions", "NotBefore", "2026-08-01T12:05:00Z", idp.KindInvalid},
		{"Conditions", "NotOnOrAfter", past, idp.KindExpired},
		{"SubjectConfirmationData", "NotOnOrAfter", past, idp.KindExpired},
		{"SubjectConfirmationData", "NotBefore", future, idp.KindInvalid},
		{"AuthnStatement", "AuthnInstant", future, idp.KindInvalid},
		{"AuthnStatement", "SessionNotOnOrAfter", past, idp.KindExpired},
	} {
		cases = append(cases, signed(c.el+" "+c.attr+" "+c.value, c.kind, setAttr(c.el, c.attr, c.value))...)
	}
	// One that ends before it begins, though both ends lie within the skew.
	cases = append(cases, signed("conditions end before they begin", idp.KindInvalid, func(el *etree.Element) {
		setAttr("Conditions", "NotBefore", "2026-08-01T12:00:30Z")(el)
		setAttr("Conditions", "NotOnOrAfter", "2026-08-01T12:00:30Z")(el)
	})...)
	for _, f := range [][2]string{{"Assertion", "IssueInstant"}, {"Conditions", "NotOnOrAfter"}, {"SubjectConfirmationData", "NotOnOrAfter"}, {"AuthnStatement", "AuthnInstant"}} {
		cases = append(cases, signed("no "+f[0]+" "+f[1], idp.KindInvalid, dropAttr(f[0], f[1]))...)
	}
	for value, kind := range map[string]idp.Kind{"": idp.KindInvalid, "2026-08-01T11:54:00Z": idp.KindExpired, future: idp.KindInvalid} {
		cases = append(cases, hostile{name: "Response IssueInstant " + value, kind: kind, answer: func(a *idptest.SAMLAnswer) {
			a.SignResponse = true
			a.EditResponse = func(el *etree.Element) { el.CreateAttr("IssueInstant", value) }
		}})
	}
	run(t, cases)
}

func TestHostileAssertionContent(t *testing.T) {
	var cases []hostile
	add := func(name string, change func(*etree.Element)) {
		cases = append(cases, signed(name, idp.KindInvalid, change)...)
	}
	for _, part := range []string{"Issuer", "Subject", "NameID", "SubjectConfirmation", "SubjectConfirmationData", "Conditions", "AuthnStatement", "AuthnContext"} {
		add("no "+part, drop(part))
	}
	for _, part := range []string{"Issuer", "Subject", "NameID", "SubjectConfirmationData", "Conditions", "AuthnStatement", "AuthnContext", "AuthnContextClassRef"} {
		add("two of "+part, double(part))
	}
	for _, v := range []string{"", "1.0", "1.1", "2", "2.0 ", "2.1", "3.0"} {
		add("version "+v, setAttr("Assertion", "Version", v))
	}
	for _, v := range []string{
		"", " ", "\t", "\n", "\u00a0", "\u200b", "alice\u200b", "\u202ealice", "alice\u00ad", "\ufeffalice", "alice\u2060", "\u3164", "alice\ufe0f",
		"\u2800", "alice\u0085", " alice", "alice ", "alice\n", "al\tice", "alice\u2028", "alice\u00a0b", "\ue000", "\U000e0061", strings.Repeat("a", 1025),
	} {
		add("NameID "+url.QueryEscape(v[:min(20, len(v))]), setText("NameID", v))
	}
	for _, method := range []string{"", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", "urn:oasis:names:tc:SAML:2.0:cm:BEARER", " urn:oasis:names:tc:SAML:2.0:cm:bearer"} {
		add("method "+method, setAttr("SubjectConfirmation", "Method", method))
	}
	add("no method", dropAttr("SubjectConfirmation", "Method"))
	add("a second name in the confirmation", func(el *etree.Element) {
		find(el, "SubjectConfirmation").CreateElement("saml:NameID").SetText("bob")
	})
	add("BaseID", func(el *etree.Element) { find(el, "Subject").CreateElement("saml:BaseID") })
	add("EncryptedID", func(el *etree.Element) { find(el, "NameID").Tag = "EncryptedID" })
	add("element in NameID", func(el *etree.Element) { find(el, "NameID").CreateElement("saml:b").SetText("x") })
	add("NameID within NameID", func(el *etree.Element) {
		n := find(el, "NameID")
		n.SetText("")
		n.CreateElement("saml:NameID").SetText("bob")
	})
	add("NameID in another namespace", func(el *etree.Element) {
		n := find(el, "NameID")
		n.Space = "x"
		n.CreateAttr("xmlns:x", "urn:x")
	})
	add("unknown condition", func(el *etree.Element) { find(el, "Conditions").CreateElement("saml:Condition") })
	add("unknown statement", func(el *etree.Element) { el.CreateElement("saml:Statement") })
	add("encrypted attribute", func(el *etree.Element) {
		find(el, "AttributeStatement").CreateElement("saml:EncryptedAttribute").CreateAttr("Name", "secret")
	})
	add("unnamed attribute", dropAttr("Attribute", "Name"))
	add("blank attribute name", setAttr("Attribute", "Name", " "))
	add("element in an attribute value", func(el *etree.Element) {
		v := find(el, "AttributeValue")
		v.SetText("")
		v.CreateElement("saml:b").SetText("admins")
	})
	add("text beside an element in an attribute value", func(el *etree.Element) {
		find(el, "AttributeValue").CreateElement("saml:NameID").SetText("admins")
	})
	add("something else in an attribute", func(el *etree.Element) { find(el, "Attribute").CreateElement("saml:Value") })
	add("element in the class reference", func(el *etree.Element) { find(el, "AuthnContextClassRef").CreateElement("saml:b") })
	add("element in Issuer", func(el *etree.Element) {
		find(el, "Issuer").SetText("")
		find(el, "Issuer").CreateElement("saml:b").SetText("https://idp.example.com/metadata")
	})
	add("Issuer format", setAttr("Issuer", "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))
	add("long ID", setAttr("Assertion", "ID", "_"+strings.Repeat("a", 256)))
	add("nested assertion in Advice", func(el *etree.Element) {
		nested := el.Copy()
		nested.CreateAttr("ID", "_nested")
		el.CreateElement("saml:Advice").AddChild(nested)
	})
	add("too many attributes", func(el *etree.Element) {
		for n := range 501 {
			find(el, "AttributeStatement").CreateElement("saml:Attribute").CreateAttr("Name", "a"+string(rune('a'+n%26))+strings.Repeat("b", n/26))
		}
	})
	run(t, cases)
}

func TestHostileIssuer(t *testing.T) {
	const ours = "https://idp.example.com/metadata"
	var cases []hostile
	for _, v := range []string{"", "https://evil.example", ours + "/", ours + " ", "\n" + ours, strings.ToUpper(ours), ours[:len(ours)-1], ourEntityID} {
		cases = append(cases, signed("assertion issuer "+v, idp.KindUntrusted, setText("Issuer", v))...)
		for name, protect := range variants() {
			cases = append(cases, hostile{name: "response issuer " + v + ", " + name, kind: idp.KindUntrusted, answer: func(a *idptest.SAMLAnswer) {
				protect(a)
				a.EditResponse = setText("Issuer", v)
			}})
		}
	}
	cases = append(cases, hostile{name: "signed Response without Issuer", answer: func(a *idptest.SAMLAnswer) {
		a.SignResponse = true
		a.EditResponse = func(el *etree.Element) { el.RemoveChild(find(el, "Issuer")) }
	}})
	run(t, cases)
}

func TestHostileResponseShape(t *testing.T) {
	var cases []hostile
	for name, protect := range variants() {
		add := func(what string, kind idp.Kind, change func(*etree.Element)) {
			cases = append(cases, hostile{name: what + ", " + name, kind: kind, answer: func(a *idptest.SAMLAnswer) {
				protect(a)
				a.EditResponse = change
			}})
		}
		for _, v := range []string{"", "1.1", "2.0 ", "2"} {
			add("version "+v, idp.KindInvalid, func(el *etree.Element) { el.CreateAttr("Version", v) })
		}
		add("no status", idp.KindInvalid, drop("Status"))
		add("two statuses", idp.KindInvalid, double("Status"))
		add("two codes", idp.KindInvalid, double("StatusCode"))
		add("no code", idp.KindInvalid, drop("StatusCode"))
		add("something else in the status", idp.KindInvalid, func(el *etree.Element) { find(el, "Status").CreateElement("samlp:Other") })
		add("no Value", idp.KindDenied, dropAttr("StatusCode", "Value"))
		for _, v := range []string{"", "Success", "urn:oasis:names:tc:SAML:2.0:status:Responder", "urn:oasis:names:tc:SAML:2.0:status:success", "urn:oasis:names:tc:SAML:2.0:status:Success "} {
			add("status "+v, idp.KindDenied, setAttr("StatusCode", "Value", v))
		}
		add("success beneath failure", idp.KindDenied, func(el *etree.Element) {
			c := find(el, "StatusCode")
			c.AddChild(c.Copy())
			c.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
		})
		add("failure beneath success", idp.KindInvalid, func(el *etree.Element) {
			find(el, "StatusCode").CreateElement("samlp:StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed")
		})
		add("two issuers", idp.KindInvalid, double("Issuer"))
		add("unknown child", idp.KindInvalid, func(el *etree.Element) { el.CreateElement("samlp:Other") })
		add("assertion in another namespace", idp.KindInvalid, func(el *etree.Element) { el.CreateElement("samlp:Assertion") })
		add("lower-case assertion", idp.KindInvalid, func(el *etree.Element) {
			el.CreateElement("samlp:Extensions").CreateElement("saml:assertion")
		})
		add("another Response in the extensions", idp.KindInvalid, func(el *etree.Element) {
			el.CreateElement("samlp:Extensions").CreateElement("samlp:Response")
		})
		add("another request", idp.KindInvalid, func(el *etree.Element) { el.CreateAttr("InResponseTo", "_other") })
		add("no request", idp.KindInvalid, func(el *etree.Element) { el.RemoveAttr("InResponseTo") })
		add("empty request", idp.KindInvalid, func(el *etree.Element) { el.CreateAttr("InResponseTo", "") })
		add("no assertion", idp.KindInvalid, func(el *etree.Element) {
			for _, tag := range []string{"Assertion", "EncryptedAssertion"} {
				if f := find(el, tag); f != nil {
					el.RemoveChild(f)
				}
			}
		})
		add("not a Response", idp.KindInvalid, func(el *etree.Element) { el.Tag = "ArtifactResponse" })
		add("Response in the assertion namespace", idp.KindInvalid, func(el *etree.Element) { el.Space = "saml" })
	}
	cases = append(cases, hostile{name: "Response without ID", answer: func(a *idptest.SAMLAnswer) {
		a.EditResponse = func(el *etree.Element) { el.RemoveAttr("ID") }
	}})
	cases = append(cases, signed("confirmation for another request", idp.KindInvalid, setAttr("SubjectConfirmationData", "InResponseTo", "_other"))...)
	cases = append(cases, signed("confirmation for no request", idp.KindInvalid, dropAttr("SubjectConfirmationData", "InResponseTo"))...)
	run(t, cases)
}

func TestDenialReasons(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	seen := map[string]bool{}
	for _, sub := range []string{"AuthnFailed", "NoAuthnContext", "NoPassive", "RequestDenied", "InvalidNameIDPolicy", "UnknownPrincipal", "<script>"} {
		a := good()
		a.EditResponse = func(el *etree.Element) {
			c := find(el, "StatusCode")
			c.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")
			c.CreateElement("samlp:StatusCode").CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:"+sub)
			el.RemoveChild(find(el, "Assertion"))
		}
		a.SignAssertion = false
		_, err := finish(p, i.Respond(t, a))
		wantKind(t, err, idp.KindDenied)
		if e, ok := errors.AsType[*idp.Error](err); !ok || strings.Contains(e.Reason, "script") || seen[e.Reason] {
			t.Errorf("%s: %v", sub, err)
		} else {
			seen[e.Reason] = true
		}
	}
}

func TestWhatTheRequestAskedFor(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	a := good()
	a.AuthInstant = noon.Add(-10 * time.Minute)
	response := i.Respond(t, a)
	for _, c := range []struct {
		name string
		want idp.LoginRequest
		ok   bool
	}{
		{"nothing", idp.LoginRequest{}, true},
		{"a sign-in of the last hour", idp.LoginRequest{MaxAge: time.Hour}, true},
		{"a sign-in of the last five minutes", idp.LoginRequest{MaxAge: 5 * time.Minute}, false},
		{"a new sign-in", idp.LoginRequest{Force: true}, false},
		{"a new sign-in, whatever the age", idp.LoginRequest{Force: true, MaxAge: time.Hour}, false},
		{"this class", idp.LoginRequest{ACR: []string{"urn:other", a.ACR}}, true},
		{"another class", idp.LoginRequest{ACR: []string{"urn:other", a.ACR + "x"}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, st, err := p.Begin(context.Background(), c.want)
			if err != nil {
				t.Fatal(err)
			}
			st["request_id"] = requestID
			_, err = p.Finish(context.Background(), st, idp.Callback{Form: url.Values{"SAMLResponse": {response}}})
			if c.ok && err != nil {
				t.Error(err)
			} else if !c.ok {
				wantKind(t, err, idp.KindDenied)
			}
		})
	}
}

// Without a request of ours an unsolicited Response is one, whatever the caller says.
func TestNoStateIsNotUnsolicited(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	a := good()
	a.InResponseTo = ""
	form := url.Values{"SAMLResponse": {i.Respond(t, a)}}
	for _, st := range []idp.State{nil, {}, {"request_id": ""}} {
		id, err := newProvider(t, i).Finish(context.Background(), st, idp.Callback{Form: form})
		refused(t, id, err)
	}
}

func TestHostileCallback(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	r := i.Respond(t, good())
	for name, c := range map[string]struct {
		state idp.State
		form  url.Values
	}{
		"no field":            {state(), url.Values{}},
		"two fields":          {state(), url.Values{"SAMLResponse": {r, r}}},
		"a request beside it": {state(), url.Values{"SAMLResponse": {r}, "SAMLRequest": {r}}},
		"an artifact":         {state(), url.Values{"SAMLResponse": {r}, "SAMLart": {"x"}}},
		"no state":            {nil, url.Values{"SAMLResponse": {r}}},
		"empty state":         {idp.State{"request_id": ""}, url.Values{"SAMLResponse": {r}}},
		"spoilt state":        {idp.State{"request_id": requestID, "auth_after": "x"}, url.Values{"SAMLResponse": {r}}},
	} {
		t.Run(name, func(t *testing.T) {
			id, err := p.Finish(context.Background(), c.state, idp.Callback{Form: c.form})
			refused(t, id, err)
		})
	}
}

// What goes wrong for honest people says what to do.
func TestReasonsThatHelp(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	unsolicited := idp.Callback{Form: url.Values{"SAMLResponse": {i.Respond(t, good())}}, Unsolicited: true}
	doc := string(i.RespondXML(t, good()))
	begin, end := strings.Index(doc, "<saml:Assertion"), strings.Index(doc, "</saml:Assertion>")+len("</saml:Assertion>")
	if begin < 0 || end <= begin {
		t.Fatal("the assertion is spelled in another way")
	}
	copied := doc[:end] + doc[begin:end] + doc[end:]
	other := doc[:end] + `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>` + doc[end:]
	post := func(doc string) error {
		_, err := finish(newProvider(t, i), base64.StdEncoding.EncodeToString([]byte(doc)))
		return err
	}
	again := func(allow bool) error {
		p := newProvider(t, i, func(o *saml.Options) { o.AllowIDPInitiated = allow })
		_, err := p.Finish(t.Context(), nil, unsolicited)
		return err
	}
	for _, c := range []struct {
		name, want string
		err        error
	}{
		{"posted again", "already used or is over", again(true)},
		{"posted again where people must begin here", "already used or is over", again(false)},
		{"an assertion twice", "exactly one assertion", post(copied)},
		{"another assertion", "exactly one assertion", post(other)},
	} {
		var e *idp.Error
		if !errors.As(c.err, &e) || e.Kind != idp.KindInvalid || !strings.Contains(e.Reason, c.want) {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.want)
		}
	}
}
