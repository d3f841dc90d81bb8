package saml_test

import (
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

// Signature wrapping: a genuine signed element is kept somewhere in the document, and a forged one put where a careless
// reader looks. The forms are XSW 1 to 8 of Somorovsky and others (USENIX Security 2012) and every other place that a
// document has, times what is done with the ids, times what is done with the signature.

// idTricks say which id the forged element gets.
var idTricks = map[string]func(forged *etree.Element, id string){
	"same id":     func(el *etree.Element, id string) { el.CreateAttr("ID", id) },
	"other id":    func(el *etree.Element, _ string) { el.CreateAttr("ID", "_forged") },
	"no id":       func(el *etree.Element, _ string) { el.RemoveAttr("ID") },
	"lower case":  func(el *etree.Element, id string) { el.RemoveAttr("ID"); el.CreateAttr("id", id) },
	"prefixed id": func(el *etree.Element, id string) { el.RemoveAttr("ID"); el.CreateAttr("saml:ID", id) },
	"xml:id":      func(el *etree.Element, id string) { el.RemoveAttr("ID"); el.CreateAttr("xml:id", id) },
}

// signatureTricks say where the genuine signature goes.
var signatureTricks = map[string]func(forged, genuine *etree.Element){
	"signature stays": func(*etree.Element, *etree.Element) {},
	"signature moves": func(forged, genuine *etree.Element) {
		s := directSignature(genuine)
		genuine.RemoveChild(s)
		forged.InsertChildAt(1, s)
	},
	"signature copied": func(forged, genuine *etree.Element) { forged.InsertChildAt(1, directSignature(genuine).Copy()) },
}

func directSignature(el *etree.Element) *etree.Element {
	for _, c := range el.ChildElements() {
		if c.Tag == "Signature" {
			return c
		}
	}
	return nil
}

// places put the genuine assertion beside, inside or around the forged one. The Response holds the forged one already.
var places = map[string]func(response, forged, genuine *etree.Element){
	"before":        func(r, f, g *etree.Element) { r.InsertChildAt(f.Index(), g) },
	"after":         func(r, _, g *etree.Element) { r.AddChild(g) },
	"first":         func(r, _, g *etree.Element) { r.InsertChildAt(0, g) },
	"in extensions": func(r, _, g *etree.Element) { r.CreateElement("samlp:Extensions").AddChild(g) },
	"in status":     func(r, _, g *etree.Element) { find(r, "Status").AddChild(g) },
	"in status detail": func(r, _, g *etree.Element) {
		find(r, "Status").CreateElement("samlp:StatusDetail").AddChild(g)
	},
	"in status message":   func(r, _, g *etree.Element) { find(r, "Status").CreateElement("samlp:StatusMessage").AddChild(g) },
	"in response issuer":  func(r, _, g *etree.Element) { find(r, "Issuer").AddChild(g) },
	"in the forged one":   func(_, f, g *etree.Element) { f.AddChild(g) },
	"in its advice":       func(_, f, g *etree.Element) { f.CreateElement("saml:Advice").AddChild(g) },
	"in its subject":      func(_, f, g *etree.Element) { find(f, "Subject").AddChild(g) },
	"in its name":         func(_, f, g *etree.Element) { find(f, "NameID").AddChild(g) },
	"in its confirmation": func(_, f, g *etree.Element) { find(f, "SubjectConfirmationData").AddChild(g) },
	"in its conditions":   func(_, f, g *etree.Element) { find(f, "Conditions").AddChild(g) },
	"in its statement":    func(_, f, g *etree.Element) { find(f, "AuthnStatement").AddChild(g) },
	"in its value":        func(_, f, g *etree.Element) { find(f, "AttributeValue").AddChild(g) },
	"in an object of its signature": func(_, f, g *etree.Element) {
		s := directSignature(g).Copy()
		f.InsertChildAt(1, s)
		s.CreateElement("ds:Object").AddChild(g)
	},
	"in the key info of its signature": func(_, f, g *etree.Element) {
		s := directSignature(g).Copy()
		f.InsertChildAt(1, s)
		s.CreateElement("ds:KeyInfo").AddChild(g)
	},
	"in an object of the response's signature": func(r, _, g *etree.Element) {
		r.CreateElement("ds:Signature").CreateAttr("xmlns:ds", "http://www.w3.org/2000/09/xmldsig#")
		find(r, "Signature").CreateElement("ds:Object").AddChild(g)
	},
	"around the forged one": func(r, f, g *etree.Element) {
		r.RemoveChild(f)
		g.AddChild(f)
		r.AddChild(g)
	},
	"advice around the forged one": func(r, f, g *etree.Element) {
		r.RemoveChild(f)
		g.CreateElement("saml:Advice").AddChild(f)
		r.AddChild(g)
	},
	"its signature's object around the forged one": func(r, f, g *etree.Element) {
		r.RemoveChild(f)
		directSignature(g).CreateElement("ds:Object").AddChild(f)
		r.AddChild(g)
	},
	"kept, forged in extensions": func(r, f, g *etree.Element) {
		r.RemoveChild(f)
		r.AddChild(g)
		r.CreateElement("samlp:Extensions").AddChild(f)
	},
	"gone": func(*etree.Element, *etree.Element, *etree.Element) {},
}

func TestWrappedAssertions(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	a := good()
	genuineDoc := i.RespondXML(t, a)
	for place, put := range places {
		for idName, setID := range idTricks {
			for sigName, moveSig := range signatureTricks {
				t.Run(fmt.Sprintf("%s, %s, %s", place, idName, sigName), func(t *testing.T) {
					doc := etree.NewDocument()
					if err := doc.ReadFromBytes(genuineDoc); err != nil {
						t.Fatal(err)
					}
					response := doc.Root()
					genuine := find(response, "Assertion")
					forged := genuine.Copy()
					forged.RemoveChild(directSignature(forged))
					find(forged, "NameID").SetText("mallory")
					setID(forged, genuine.SelectAttrValue("ID", ""))
					response.InsertChildAt(genuine.Index(), forged)
					response.RemoveChild(genuine)
					put(response, forged, genuine)
					moveSig(forged, genuine)
					sendRefused(t, p, doc)
				})
			}
		}
	}
}

// responsePlaces put the genuine Response somewhere in, or around, the forged one, which is the document's root.
var responsePlaces = map[string]func(forged, genuine *etree.Element) (root *etree.Element){
	"child":      func(f, g *etree.Element) *etree.Element { f.AddChild(g); return f },
	"extensions": func(f, g *etree.Element) *etree.Element { f.CreateElement("samlp:Extensions").AddChild(g); return f },
	"status detail": func(f, g *etree.Element) *etree.Element {
		find(f, "Status").CreateElement("samlp:StatusDetail").AddChild(g)
		return f
	},
	"assertion": func(f, g *etree.Element) *etree.Element { find(f, "Assertion").AddChild(g); return f },
	"advice": func(f, g *etree.Element) *etree.Element {
		find(f, "Assertion").CreateElement("saml:Advice").AddChild(g)
		return f
	},
	"value": func(f, g *etree.Element) *etree.Element { find(f, "AttributeValue").AddChild(g); return f },
	"object of its signature": func(f, g *etree.Element) *etree.Element {
		s := directSignature(g).Copy()
		f.InsertChildAt(1, s)
		s.CreateElement("ds:Object").AddChild(g)
		return f
	},
	"key info of its signature": func(f, g *etree.Element) *etree.Element {
		s := directSignature(g).Copy()
		f.InsertChildAt(1, s)
		s.CreateElement("ds:KeyInfo").AddChild(g)
		return f
	},
	"around": func(f, g *etree.Element) *etree.Element { g.AddChild(f); return g },
	"around, in extensions": func(f, g *etree.Element) *etree.Element {
		g.CreateElement("samlp:Extensions").AddChild(f)
		return g
	},
	"around, in its signature": func(f, g *etree.Element) *etree.Element {
		directSignature(g).CreateElement("ds:Object").AddChild(f)
		return g
	},
	"common root": func(f, g *etree.Element) *etree.Element {
		root := etree.NewElement("root")
		root.AddChild(f)
		root.AddChild(g)
		return root
	},
	"gone": func(f, _ *etree.Element) *etree.Element { return f },
}

func TestWrappedResponses(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	a := good()
	a.SignAssertion, a.SignResponse = false, true
	genuineDoc := i.RespondXML(t, a)
	for place, put := range responsePlaces {
		for idName, setID := range idTricks {
			for sigName, moveSig := range signatureTricks {
				t.Run(fmt.Sprintf("%s, %s, %s", place, idName, sigName), func(t *testing.T) {
					doc := etree.NewDocument()
					if err := doc.ReadFromBytes(genuineDoc); err != nil {
						t.Fatal(err)
					}
					genuine := doc.Root()
					forged := genuine.Copy()
					forged.RemoveChild(directSignature(forged))
					find(forged, "NameID").SetText("mallory")
					find(forged, "Assertion").CreateAttr("ID", "_forged_assertion")
					setID(forged, genuine.SelectAttrValue("ID", ""))
					doc.SetRoot(put(forged, genuine))
					moveSig(forged, genuine)
					sendRefused(t, p, doc)
				})
			}
		}
	}
}

// An unsigned or badly signed assertion beside a good one is refused in every order (CVE-2022-41912).
func TestAssertionsBesideEachOther(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	attacker := good()
	attacker.NameID, attacker.Signature.Key = "mallory", idptest.RSAKey(1)
	expired := good()
	expired.EditAssertion = setAttr("Conditions", "NotOnOrAfter", "2020-01-01T00:00:00Z")
	unsigned := good()
	unsigned.NameID, unsigned.SignAssertion = "mallory", false
	encrypted := unsigned
	encrypted.Encrypt.To = idptest.RSAKey(3).Cert
	for name, other := range map[string]idptest.SAMLAnswer{
		"unsigned": unsigned, "signed by the attacker": attacker, "expired": expired, "encrypted": encrypted, "a second good one": good(),
	} {
		for position := range 4 {
			for _, responseSigned := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s at %d, %v", name, position, responseSigned), func(t *testing.T) {
					doc := etree.NewDocument()
					if err := doc.ReadFromBytes(i.RespondXML(t, good())); err != nil {
						t.Fatal(err)
					}
					second := etree.NewDocument()
					if err := second.ReadFromBytes(i.RespondXML(t, other)); err != nil {
						t.Fatal(err)
					}
					extra := find(second.Root(), "Assertion")
					if extra == nil {
						extra = find(second.Root(), "EncryptedAssertion")
					}
					root := doc.Root()
					root.InsertChildAt(min(position, len(root.Child)), extra.Copy())
					if responseSigned {
						idptest.SignXML(t, root, idptest.SAMLSignature{Key: i.Keys[0]})
					}
					sendRefused(t, p, doc)
				})
			}
		}
	}
}

func sendRefused(t *testing.T, p *saml.Provider, doc *etree.Document) {
	t.Helper()
	raw, err := doc.WriteToBytes()
	if err != nil {
		t.Fatal(err)
	}
	id, err := finish(p, base64.StdEncoding.EncodeToString(raw))
	refused(t, id, err)
}
