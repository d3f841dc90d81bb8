package idptest

import (
	"bytes"
	"compress/flate"
	"crypto"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// SAMLLogout says what a LogoutRequest or LogoutResponse of a [SAMLIDP] holds and how it is protected. The zero value of
// a field leaves the part out.
type SAMLLogout struct {
	Destination string
	RelayState  string

	// NameID and SessionIndexes make a request.
	NameID         string
	SessionIndexes []string
	// InResponseTo makes a response, whose StatusCodes are nested in this order; none is Success.
	InResponseTo string
	StatusCodes  []string

	Signature SAMLSignature
	Unsigned  bool
	// Edit changes the message before it is signed: what it does is signed for real. Tamper comes after it.
	Edit, Tamper func(message *etree.Element)
}

// field carries the message.
func (l SAMLLogout) field() string {
	if l.InResponseTo != "" {
		return "SAMLResponse"
	}
	return "SAMLRequest"
}

// LogoutQuery is the query of the redirect binding (SAML bindings section 3.4.4.1).
func (i *SAMLIDP) LogoutQuery(tb testing.TB, l SAMLLogout) string {
	tb.Helper()
	el := i.logout(&l)
	if l.Tamper != nil {
		l.Tamper(el)
	}
	query := l.field() + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(Deflate(tb, serialise(el))))
	if l.RelayState != "" {
		query += "&RelayState=" + url.QueryEscape(l.RelayState)
	}
	if l.Unsigned {
		return query
	}
	return SignQuery(tb, query, l.Signature)
}

// SignQuery adds SigAlg and Signature to a query.
func SignQuery(tb testing.TB, query string, s SAMLSignature) string {
	tb.Helper()
	if s.Hash == 0 {
		s.Hash = crypto.SHA256
	}
	query += "&SigAlg=" + url.QueryEscape(s.method())
	octets := []byte(query)
	if s.Signed != nil {
		octets = s.Signed(octets)
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(s.sign(tb, octets)))
}

// LogoutForm is the form of the POST binding (SAML bindings section 3.5.4).
func (i *SAMLIDP) LogoutForm(tb testing.TB, l SAMLLogout) url.Values {
	tb.Helper()
	el := i.logout(&l)
	if !l.Unsigned {
		SignXML(tb, el, l.Signature)
	}
	if l.Tamper != nil {
		l.Tamper(el)
	}
	form := url.Values{l.field(): {base64.StdEncoding.EncodeToString(serialise(el))}}
	if l.RelayState != "" {
		form.Set("RelayState", l.RelayState)
	}
	return form
}

func (i *SAMLIDP) logout(l *SAMLLogout) *etree.Element {
	if l.Signature.Key.Signer == nil && l.Signature.HMAC == nil {
		l.Signature.Key = i.Keys[0]
	}
	local := "LogoutRequest"
	if l.InResponseTo != "" {
		local = "LogoutResponse"
	}
	el := etree.NewElement("samlp:" + local)
	el.CreateAttr("xmlns:samlp", samlProtocol)
	el.CreateAttr("xmlns:saml", samlAssertion)
	i.common(el, SAMLAnswer{})
	el.CreateAttr("Destination", l.Destination)
	el.CreateElement("saml:Issuer").SetText(i.EntityID)
	if l.InResponseTo != "" {
		l.response(el)
	} else {
		el.CreateElement("saml:NameID").SetText(l.NameID)
		for _, index := range l.SessionIndexes {
			el.CreateElement("samlp:SessionIndex").SetText(index)
		}
	}
	if l.Edit != nil {
		l.Edit(el)
	}
	return el
}

func (l *SAMLLogout) response(el *etree.Element) {
	el.CreateAttr("InResponseTo", l.InResponseTo)
	codes := l.StatusCodes
	if len(codes) == 0 {
		codes = []string{"Success"}
	}
	at := el.CreateElement("samlp:Status")
	for _, code := range codes {
		at = at.CreateElement("samlp:StatusCode")
		at.CreateAttr("Value", "urn:oasis:names:tc:SAML:2.0:status:"+code)
	}
}

// Deflate compresses as the redirect binding does.
func Deflate(tb testing.TB, doc []byte) []byte {
	tb.Helper()
	var out bytes.Buffer
	w, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		tb.Fatal(err)
	}
	if _, err := w.Write(doc); err != nil {
		tb.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

// CheckQuery reports whether a query of the redirect binding carries a good signature of the key over all before it.
func CheckQuery(query string, key crypto.PublicKey) bool {
	signed, sig, found := strings.Cut(query, "&Signature=")
	sig, err := url.QueryUnescape(sig)
	return found && err == nil && VerifyQuery(signed, sig, key)
}
