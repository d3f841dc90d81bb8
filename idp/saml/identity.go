package saml

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// Claims that are not attributes; they win over attributes of the same name.
const (
	claimNameID       = "name_id"
	claimNameIDFormat = "name_id_format"
	claimSessionIndex = "session_index"
)

const (
	emailFormat    = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
	xsiSpace       = "http://www.w3.org/2001/XMLSchema-instance"
	maxNameID      = 1024 // bytes
	maxAttributes  = 500
	maxAttrValues  = 4000
	maxAttrName    = 1024 // bytes
	braillePattern = '\u2800'
)

// setDefaults names the attributes that AD FS, Entra ID, Shibboleth, Keycloak and Okta send.
func (m *ClaimMapping) setDefaults() {
	const (
		soap      = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"
		microsoft = "http://schemas.microsoft.com/ws/2008/06/identity/claims/"
	)
	if m.Username == nil {
		m.Username = []string{
			soap + "upn", soap + "name",
			"urn:oid:1.3.6.1.4.1.5923.1.1.1.6", // eduPersonPrincipalName
			"urn:oid:0.9.2342.19200300.100.1.1", "uid", "username",
		}
	}
	if m.Email == nil {
		m.Email = []string{soap + "emailaddress", "urn:oid:0.9.2342.19200300.100.1.3", "mail", "email"}
	}
	if m.Groups == nil {
		m.Groups = []string{
			"http://schemas.xmlsoap.org/claims/Group", microsoft + "groups",
			"urn:oid:1.3.6.1.4.1.5923.1.5.1.1", // isMemberOf
			"groups", "memberOf",
		}
	}
	if m.AMR == nil {
		m.AMR = []string{"http://schemas.microsoft.com/claims/authnmethodsreferences"}
	}
}

// attribute is one attribute with all its values.
type attribute struct {
	name   string
	values []string
}

// readAttributes reads AttributeStatements (SAML core section 2.7.3). Values are text; attributes that share a Name are
// merged.
func readAttributes(statements []*xmltree.Element) ([]attribute, error) {
	var out []attribute
	var elements []*xmltree.Element
	for _, s := range statements {
		elements = append(elements, s.Elements()...)
	}
	at := map[string]int{}
	values := 0
	for _, el := range elements {
		name, _ := el.Attr("Name")
		if !el.Is(assertionSpace, "Attribute") || strings.TrimSpace(name) == "" || len(name) > maxAttrName {
			return nil, invalid("an attribute is encrypted, unnamed or malformed", nil)
		}
		i, known := at[name]
		if !known {
			i = len(out)
			at[name] = i
			out = append(out, attribute{name: name})
			if len(out) > maxAttributes {
				return nil, invalid("the assertion has too many attributes", nil)
			}
		}
		for _, v := range el.Elements() {
			text, present, err := attributeValue(v)
			if values++; err != nil || values > maxAttrValues {
				return nil, invalid("an attribute's value is not plain text, or there are too many", err)
			}
			if present {
				out[i].values = append(out[i].values, text)
			}
		}
	}
	return out, nil
}

// attributeValue takes text, nothing for xsi:nil, and the text of a lone NameID (eduPersonTargetedID).
func attributeValue(el *xmltree.Element) (text string, present bool, err error) {
	if !el.Is(assertionSpace, "AttributeValue") {
		return "", false, invalid("an attribute has unexpected parts", nil)
	}
	for _, a := range el.Attrs {
		if a.Space == xsiSpace && a.Local == "nil" && (a.Value == "true" || a.Value == "1") && len(el.Elements()) == 0 {
			return "", false, nil
		}
	}
	if inner := el.Elements(); len(inner) == 1 && inner[0].Is(assertionSpace, "NameID") {
		el = inner[0]
	}
	text, err = el.Text()
	return text, true, err
}

// plainName accepts what a person can tell apart by looking: not blank, not padded, no control, format, private or
// ignorable characters, no space but U+0020.
func plainName(s string) bool {
	if s == "" || len(s) > maxNameID || strings.Trim(s, " ") != s || !utf8.ValidString(s) {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != ' ' && unicode.IsSpace(r) || !unicode.IsGraphic(r) || r != ' ' && unicode.Is(unicode.Zs, r) ||
			unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r) ||
			r == braillePattern
	})
}

func (r *reader) identity(el *xmltree.Element, canonical []byte) (idp.Identity, error) {
	s, err := r.check(el)
	if err != nil {
		return idp.Identity{}, err
	}
	hash := sha256.Sum256(canonical)
	id := idp.Identity{
		Provider:      r.opt.ID,
		Issuer:        r.md.entityID,
		Subject:       s.nameID,
		Username:      s.single(r.opt.Claims.Username),
		Email:         s.single(r.opt.Claims.Email),
		Groups:        s.first(r.opt.Claims.Groups),
		AuthTime:      s.authn.instant,
		AMR:           s.first(r.opt.Claims.AMR),
		ACR:           s.authn.class,
		SessionExpiry: s.authn.sessionEnd,
		SessionID:     s.sessionID(),
		Leave:         s.leave,
		Claims:        idp.NewClaims(s.claims()),
		Proof: idp.Proof{
			Kind:     idp.ProofSAML,
			ID:       s.id,
			Hash:     hex.EncodeToString(hash[:]),
			IssuedAt: s.issued,
			Expires:  r.replayBound(s),
			Once:     true,
		},
	}
	if id.Email == "" && s.nameIDFormat == emailFormat {
		id.Email = s.nameID
	}
	return id, nil
}

// replayBound is when the assertion stops being accepted whoever sends it: its end or its greatest age, and the skew.
func (r *reader) replayBound(s statement) time.Time {
	age := s.issued.Add(r.opt.MaxAge)
	if s.expires.Before(age) {
		age = s.expires
	}
	return age.Add(r.opt.Skew)
}

// first returns the values of the first of these attributes that has any.
func (s *statement) first(names []string) []string {
	for _, name := range names {
		for _, a := range s.attributes {
			if a.name == name && len(a.values) > 0 {
				return a.values
			}
		}
	}
	return nil
}

// single returns the value of the first of these attributes when it has exactly one.
func (s *statement) single(names []string) string {
	if values := s.first(names); len(values) == 1 {
		return values[0]
	}
	return ""
}

// claims are the attributes by Name, each a list, and what else the assertion says of the person.
func (s *statement) claims() map[string]any {
	out := make(map[string]any, len(s.attributes)+3)
	for _, a := range s.attributes {
		list := make([]any, len(a.values))
		for i, v := range a.values {
			list[i] = v
		}
		out[a.name] = list
	}
	out[claimNameID] = s.nameID
	out[claimNameIDFormat] = s.nameIDFormat
	out[claimSessionIndex] = s.authn.sessionIndex
	return out
}
