package saml

import (
	"context"
	"crypto"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlenc"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlsig"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const assertionSpace = "urn:oasis:names:tc:SAML:2.0:assertion"

// maxResponse is the largest Response in bytes; maxEncoded its base64 with a line end after every 64 characters;
// maxCanonical its canonical form, in which escapes and repeated declarations take their room.
const (
	maxResponse  = 128 << 10
	maxEncoded   = maxResponse/3*4 + maxResponse/3*4/32 + 64
	maxCanonical = 4 * maxResponse
)

var responseLimits = xmltree.Limits{Bytes: maxResponse, Depth: 60, Elements: 6000, Attributes: 48, Namespaces: 20, Value: 8 << 10}

// expectation is what the answer must be an answer to; without a requestID it must be an answer to nothing.
type expectation struct {
	requestID string
	authAfter time.Time
	acr       []string
}

// reader reads one message.
type reader struct {
	opt  *Options
	md   *idpMetadata
	want expectation
	now  time.Time
}

func invalid(reason string, err error) error { return idp.Refuse(idp.KindInvalid, reason, err) }

func (p *Provider) read(ctx context.Context, encoded string, want expectation) (idp.Identity, error) {
	return reading(ctx, p, want, func(r *reader) (idp.Identity, error) { return r.response(encoded) })
}

// reading runs do with the metadata in force. A panic is a refusal.
func reading[T any](ctx context.Context, p *Provider, want expectation, do func(*reader) (T, error)) (out T, err error) {
	md, err := p.source.current(ctx)
	if err != nil {
		return out, err
	}
	defer func() {
		if r := recover(); r != nil {
			var none T
			out, err = none, invalid("the message cannot be read", fmt.Errorf("panic: %v", r))
			p.opt.Logger.Error("panic while reading a SAML message", "idp", p.opt.ID, "panic", r)
		}
	}()
	return do(&reader{opt: &p.opt, md: md, want: want, now: p.opt.Clock()})
}

// Issuer tells who a base64 SAMLResponse claims to come from, to find the Provider whose EntityID it is. Nothing is
// verified: the name must serve for no other purpose.
func Issuer(proof secret.Text) (issuer string, err error) {
	defer func() {
		if r := recover(); r != nil {
			issuer, err = "", invalid("the response cannot be read", fmt.Errorf("panic: %v", r))
		}
	}()
	root, err := decode(proof.Reveal())
	if err != nil {
		return "", err
	}
	env, err := openEnvelope(root)
	if err != nil {
		return "", err
	}
	from := root.Named(assertionSpace, "Issuer")
	if len(from) == 0 && env.assertion != nil {
		from = env.assertion.Named(assertionSpace, "Issuer")
	}
	if len(from) != 1 {
		return "", invalid("the response does not name one issuer", nil)
	}
	issuer, err = from[0].Text()
	if err != nil || issuer == "" {
		return "", invalid("the response does not name one issuer", err)
	}
	return issuer, nil
}

// decode turns the form field into a tree: size, base64 (line ends allowed), strict XML.
func decode(encoded string) (*xmltree.Element, error) {
	if len(encoded) > maxEncoded {
		return nil, invalid("the response is too large", nil)
	}
	doc, err := base64.StdEncoding.Strict().DecodeString(strings.Trim(encoded, " \t\r\n"))
	if err != nil {
		return nil, invalid("the response is not base64", nil)
	}
	root, err := xmltree.Parse(doc, responseLimits, nil)
	switch {
	case errors.Is(err, xmltree.ErrTwice): // most often an assertion that stands there twice
		return nil, invalid(oneAssertion+", and no id twice", err)
	case err != nil:
		return nil, invalid("the response is not acceptable XML", err)
	}
	return root, nil
}

func (r *reader) response(encoded string) (idp.Identity, error) {
	root, err := decode(encoded)
	if err != nil {
		return idp.Identity{}, err
	}
	env, err := openEnvelope(root)
	if err != nil {
		return idp.Identity{}, err
	}
	if env.signature != nil {
		if env, err = r.verifyEnvelope(env); err != nil {
			return idp.Identity{}, err
		}
	}
	if err := r.checkEnvelope(env); err != nil {
		return idp.Identity{}, err
	}
	assertion, canonical, err := r.assertion(env)
	if err != nil {
		return idp.Identity{}, err
	}
	return r.identity(assertion, canonical)
}

// verifyEnvelope verifies the Response's signature and opens the Response anew from the bytes that it covers.
func (r *reader) verifyEnvelope(env envelope) (envelope, error) {
	root, _, err := r.verify(env.root, env.signature)
	if err != nil {
		return envelope{}, invalid("the response's signature does not verify", err)
	}
	if env, err = openEnvelope(root); err != nil {
		return envelope{}, err
	}
	env.verified = true
	return env, nil
}

// verify returns a new tree, and its bytes, of what the signature covers.
func (r *reader) verify(el, signature *xmltree.Element) (*xmltree.Element, []byte, error) {
	canonical, err := xmlsig.Verify(el, signature, r.md.keys, r.policy(maxCanonical))
	if err != nil {
		return nil, nil, err
	}
	limits := responseLimits
	limits.Bytes = maxCanonical
	root, err := xmltree.Parse(canonical, limits, nil)
	return root, canonical, err
}

// assertion returns the assertion that a signature covers, parsed from the bytes that it covers.
func (r *reader) assertion(env envelope) (*xmltree.Element, []byte, error) {
	switch {
	case env.encrypted != nil:
		el, canonical, err := r.encryptedAssertion(env)
		if err != nil {
			return nil, nil, invalid("the encrypted assertion cannot be accepted", errEncrypted)
		}
		return el, canonical, nil
	case env.assertion == nil:
		return nil, nil, invalid("the response has no assertion", nil)
	}
	el, canonical, err := r.signedAssertion(env.assertion, env.verified)
	if err != nil {
		return nil, nil, invalid("the assertion's signature is missing or does not verify", err)
	}
	return el, canonical, nil
}

// errEncrypted stands for everything that can go wrong from the ciphertext to the signature inside it.
var errEncrypted = errors.New("not decrypted, or not signed")

func (r *reader) encryptedAssertion(env envelope) (*xmltree.Element, []byte, error) {
	plain, err := r.decrypt(env.encrypted)
	if err != nil {
		return nil, nil, err
	}
	el, err := parseInside(plain, env.encrypted, responseLimits)
	if err != nil {
		return nil, nil, err
	}
	return r.signedAssertion(el, env.verified)
}

func (r *reader) decrypt(el *xmltree.Element) ([]byte, error) {
	keys := make([]crypto.Decrypter, len(r.opt.Encryption))
	for i, k := range r.opt.Encryption {
		keys[i] = k.Key
	}
	return xmlenc.Decrypt(el, keys)
}

// parseInside parses what was decrypted. Most IdPs encrypt a document of its own; a fragment finds its missing
// declarations where its ciphertext stood.
func parseInside(plain []byte, at *xmltree.Element, limits xmltree.Limits) (*xmltree.Element, error) {
	if el, err := xmltree.Parse(plain, limits, nil); err == nil {
		return el, nil
	}
	return xmltree.Parse(plain, limits, at)
}

// signedAssertion verifies the assertion's own signature. Without one, the bytes must have been under the Response's.
func (r *reader) signedAssertion(el *xmltree.Element, covered bool) (*xmltree.Element, []byte, error) {
	if !el.Is(assertionSpace, "Assertion") {
		return nil, nil, errors.New("not an assertion")
	}
	signatures := el.Named(xmlsig.Space, "Signature")
	inner := envelope{assertion: el}
	if err := el.Walk(inner.outOfPlace); err != nil {
		return nil, nil, err
	}
	switch {
	case len(signatures) == 1:
		return r.verify(el, signatures[0])
	case len(signatures) == 0 && covered:
		canonical, err := xmltree.Canonical(el, nil, nil, maxCanonical)
		return el, canonical, err
	}
	return nil, nil, errors.New("there must be one signature over the assertion")
}
