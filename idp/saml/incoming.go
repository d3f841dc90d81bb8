package saml

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlsig"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// Logout messages are small: a name, a few session indexes, a signature.
const (
	maxLogout          = 32 << 10 // bytes of the document
	maxLogoutEncoded   = maxLogout/3*4 + maxLogout/3*4/32 + 64
	maxLogoutCanonical = 4 * maxLogout
	maxEchoedRelay     = 2 << 10 // bytes; SAML says 80, and not every IdP keeps to that
	maxQuery           = 3 * (maxLogoutEncoded + maxEchoedRelay)
	deflateEncoding    = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
)

var logoutLimits = xmltree.Limits{Bytes: maxLogout, Depth: 20, Elements: 500, Attributes: 48, Namespaces: 20, Value: 4 << 10}

// message is a logout message whose signature was verified: root was parsed from what the signature covers, and has no
// signature in it.
type message struct {
	root  *xmltree.Element
	hash  string // SHA-256 of the document that was signed, in hex
	relay string
}

// open reads the message in that field by whichever binding it came, and verifies it. What is unsigned is refused
// (SAML profiles section 4.4.4.1 wants a signature for front-channel bindings).
func (r *reader) open(back idp.Callback, field string) (message, error) {
	if back.Query != "" {
		return r.openRedirect(back.Query, field)
	}
	return r.openPost(back.Form, field)
}

// openRedirect verifies a query (SAML bindings section 3.4.4.1): the signature covers the parameters in the encoding in
// which they came.
func (r *reader) openRedirect(raw, field string) (message, error) {
	q, err := parseQuery(raw)
	if err != nil {
		return message{}, err
	}
	if err := q.only(field); err != nil {
		return message{}, err
	}
	if err := r.verifyQuery(q, field); err != nil {
		return message{}, invalid("the message's signature is missing or does not verify", err)
	}
	encoded, errText := q.text(field)
	relay, errRelay := q.text("RelayState")
	if err := errors.Join(errText, errRelay); err != nil {
		return message{}, invalid("the query cannot be decoded", err)
	}
	doc, err := inflate(encoded)
	if err != nil {
		return message{}, err
	}
	return newMessage(doc, logoutLimits, relay)
}

// openPost verifies a form (SAML bindings section 3.5.4): the signature is in the message.
func (r *reader) openPost(form url.Values, field string) (message, error) {
	for name, values := range form {
		if other := name == fieldRequest || name == fieldResponse; len(values) != 1 || other && name != field {
			return message{}, invalid("the form must carry one SAML message", nil)
		}
	}
	if len(form.Get(field)) > maxLogoutEncoded {
		return message{}, invalid("the message is too large", nil)
	}
	doc, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(form.Get(field), " \t\r\n"))
	if err != nil {
		return message{}, invalid("the message is not base64", nil)
	}
	root, err := xmltree.Parse(doc, logoutLimits, nil)
	if err != nil {
		return message{}, invalid("the message is not acceptable XML", err)
	}
	signatures := root.Named(xmlsig.Space, "Signature")
	if len(signatures) != 1 {
		return message{}, invalid("the message's signature is missing or does not verify", errors.New("there must be one signature"))
	}
	canonical, err := xmlsig.Verify(root, signatures[0], r.md.keys, r.policy(maxLogoutCanonical))
	if err != nil {
		return message{}, invalid("the message's signature is missing or does not verify", err)
	}
	limits := logoutLimits
	limits.Bytes = maxLogoutCanonical
	return newMessage(canonical, limits, form.Get("RelayState"))
}

// newMessage parses what was verified.
func newMessage(signed []byte, limits xmltree.Limits, relay string) (message, error) {
	if len(relay) > maxEchoedRelay {
		return message{}, invalid("the RelayState is too long", nil)
	}
	root, err := xmltree.Parse(signed, limits, nil)
	if err != nil {
		return message{}, invalid("the message is not acceptable XML", err)
	}
	sum := sha256.Sum256(signed)
	return message{root: root, hash: hex.EncodeToString(sum[:]), relay: relay}, nil
}

func (r *reader) policy(limit int) xmlsig.Policy {
	return xmlsig.Policy{AllowSHA1: r.opt.AllowSHA1, MaxBytes: limit}
}

// query is the parameters of the redirect binding as they were spelled.
type query map[string]string

// parseQuery takes each parameter of the binding once, under its plain name: whoever reads "Relay%53tate" reads
// something else than what the signature covers. Other parameters are not read.
func parseQuery(raw string) (query, error) {
	if len(raw) > maxQuery {
		return nil, invalid("the message is too large", nil)
	}
	known := []string{fieldRequest, fieldResponse, "RelayState", "SigAlg", "Signature", "SAMLEncoding"}
	q := query{}
	for part := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.QueryUnescape(name)
		if err != nil {
			return nil, invalid("the query cannot be decoded", err)
		}
		if !slices.Contains(known, plain) {
			continue
		}
		if _, twice := q[plain]; twice || plain != name {
			return nil, invalid("a parameter of the query occurs twice, or is spelled in an odd way", nil)
		}
		q[plain] = value
	}
	return q, nil
}

// only wants the one message, in the one encoding.
func (q query) only(field string) error {
	if len(q[fieldRequest]) > 0 == (len(q[fieldResponse]) > 0) || q[field] == "" {
		return invalid("the query must carry one SAML message", nil)
	}
	if encoding, err := q.text("SAMLEncoding"); err != nil || encoding != "" && encoding != deflateEncoding {
		return invalid("the message has an unknown encoding", err)
	}
	return nil
}

func (q query) text(name string) (string, error) { return url.QueryUnescape(q[name]) }

func (r *reader) verifyQuery(q query, field string) error {
	algorithm, errAlg := q.text("SigAlg")
	encoded, errSig := q.text("Signature")
	if err := errors.Join(errAlg, errSig); err != nil {
		return err
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(signature) == 0 {
		return errors.New("the signature is not base64, or not there")
	}
	var signed []string
	for _, name := range []string{field, "RelayState", "SigAlg"} {
		if value, given := q[name]; given {
			signed = append(signed, name+"="+value)
		}
	}
	return xmlsig.VerifyOctets([]byte(strings.Join(signed, "&")), signature, algorithm, r.md.keys, r.policy(0))
}

// inflate decodes and decompresses, and stops where a message is too large.
func inflate(encoded string) ([]byte, error) {
	packed, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(packed) > maxLogout {
		return nil, invalid("the message is not base64, or too large", nil)
	}
	doc, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), maxLogout+1))
	switch {
	case err != nil:
		return nil, invalid("the message cannot be inflated", err)
	case len(doc) > maxLogout:
		return nil, invalid("the message is too large", fmt.Errorf("more than %d bytes", maxLogout))
	}
	return doc, nil
}
