package oidc

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/idp"
)

// Limits of a token.
const (
	maxTokenBytes  = 16 << 10
	maxHeaderBytes = 4 << 10
	maxKidBytes    = 256
)

// token is a compact JWS whose form is right. Nothing in it is verified yet.
type token struct {
	raw       string
	input     string // header.payload, as signed
	alg, kid  string
	payload   []byte
	signature []byte
	// unverified are the claims of payload, for choosing a provider; they become an identity's only after the
	// signature over the same bytes has been verified.
	unverified idp.Claims
}

// parseToken is the strict front of identity: RFC 7515 section 7.1 and nothing else.
func parseToken(raw string) (*token, error) { return parseTyped(raw, typeOfJWT) }

// parseTyped takes tokens whose header names a type that is allowed, or none. Limits come first, decoding second.
func parseTyped(raw string, allowed func(typ string) bool) (*token, error) {
	if len(raw) > maxTokenBytes {
		return nil, invalid(fmt.Sprintf("the token is larger than %d bytes", maxTokenBytes))
	}
	parts := strings.SplitN(raw, ".", 4)
	if len(parts) != 3 {
		return nil, invalid("the token is not a JWT in compact form")
	}
	t := &token{raw: raw, input: raw[:len(parts[0])+1+len(parts[1])]}
	header, err := decodeSegment(parts[0])
	if err != nil {
		return nil, invalidBecause("the token's header is not canonical base64url", err)
	}
	if err := t.readHeader(header, allowed); err != nil {
		return nil, err
	}
	if t.payload, err = decodeSegment(parts[1]); err != nil {
		return nil, invalidBecause("the token's claims are not canonical base64url", err)
	}
	if t.signature, err = decodeSegment(parts[2]); err != nil {
		return nil, invalidBecause("the token's signature is not canonical base64url", err)
	}
	if t.unverified, err = idp.ParseClaims(t.payload); err != nil {
		return nil, invalidBecause("the token's claims are not one strict JSON object", err)
	}
	return t, nil
}

// decodeSegment takes one spelling only: encoding/base64 would skip line breaks.
func decodeSegment(s string) ([]byte, error) {
	if s == "" {
		return nil, fmt.Errorf("empty segment")
	}
	if strings.ContainsAny(s, "\r\n") {
		return nil, fmt.Errorf("line break in a segment")
	}
	return base64.RawURLEncoding.Strict().DecodeString(s)
}

// readHeader takes alg, kid and typ from a JOSE header, and refuses members that would change what is signed or how.
// Members that carry or name keys (jwk, jku, x5u, x5c) choose nothing.
func (t *token) readHeader(doc []byte, allowed func(string) bool) error {
	if len(doc) > maxHeaderBytes {
		return invalid("the token's header is too large")
	}
	header, err := idp.ParseClaims(doc)
	if err != nil {
		return invalidBecause("the token's header is not one strict JSON object", err)
	}
	for _, name := range []string{"crit", "b64", "enc", "zip"} {
		if _, ok := header.Get(name); ok {
			return invalid("the token's header asks for an extension that is not supported")
		}
	}
	if t.alg = header.Text("alg"); t.alg == "" {
		return invalid("the token's header names no algorithm")
	}
	if kid, ok := header.Get("kid"); ok {
		if t.kid, ok = kid.(string); !ok || !plainText(t.kid, maxKidBytes) {
			return invalid("the token's key id is malformed")
		}
	}
	typ, given := header.Get("typ")
	if !given {
		return nil
	}
	// RFC 8725 section 3.11; a media type may leave "application/" out (RFC 7515 section 4.1.9).
	if s, ok := typ.(string); !ok || !plainText(s, 32) || !allowed(strings.TrimPrefix(strings.ToLower(s), "application/")) {
		return invalid("the token's type is another one")
	}
	return nil
}

// typeOfJWT keeps other kinds of signed JSON out: logout tokens, DPoP proofs, security events.
func typeOfJWT(typ string) bool { return typ == "jwt" || typ == "jose" || typ == "at+jwt" }

// issuer is the unverified iss, or empty.
func (t *token) issuer() string { return t.unverified.Text("iss") }

// hash is over the signing input, see [Workload.Verify].
func (t *token) hash() string {
	sum := sha256.Sum256([]byte(t.input))
	return hex.EncodeToString(sum[:])
}

// plainText holds a name to UTF-8 of 1 to limit bytes without control and format characters (zero-width, direction
// marks), and with no white space at either end: what looks equal is equal.
func plainText(s string, limit int) bool {
	if s == "" || len(s) > limit || !utf8.ValidString(s) || strings.TrimSpace(s) != s {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) })
}

func invalid(reason string) error { return idp.Refuse(idp.KindInvalid, reason, nil) }

func invalidBecause(reason string, err error) error { return idp.Refuse(idp.KindInvalid, reason, err) }
