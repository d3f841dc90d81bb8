package webidentity

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"regexp"
	"strings"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

// MaxToken is the longest token in characters (STS API reference).
const MaxToken = 20000

// compactPattern is the one form that is read: three parts of unpadded base64url. It keeps line breaks out, which
// Go's base64 would skip.
var compactPattern = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)

// Token is a token whose form is good and whose signature is not yet verified.
type Token struct {
	raw     string
	payload []byte
	alg     string
	kid     string
	hasKid  bool
	issuer  string
}

// invalidToken is AWS's sentence for a token that it cannot read or verify.
func invalidToken() error {
	return wire.InvalidIdentityToken("The web identity token provided could not be validated. " +
		"See the AssumeRoleWithWebIdentity documentation for requirements.")
}

// Parse reads a token's form, algorithm, key id and the issuer it claims.
func Parse(raw string) (*Token, error) {
	if len(raw) > MaxToken || !compactPattern.MatchString(raw) {
		return nil, wire.InvalidIdentityToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
	header, payload, _ := strings.Cut(raw, ".")
	payload, _, _ = strings.Cut(payload, ".")
	t := &Token{raw: raw}
	if err := t.readHeader(header); err != nil {
		return nil, err
	}
	var err error
	if t.payload, err = base64.RawURLEncoding.Strict().DecodeString(payload); err != nil {
		return nil, invalidToken()
	}
	claims, err := parseObject(t.payload)
	if err != nil {
		return nil, invalidToken()
	}
	issuer, ok := claims["iss"].(string)
	if !ok || issuer == "" {
		return nil, missing("iss")
	}
	t.issuer = issuer
	return t, nil
}

func missing(claim string) error {
	return wire.InvalidIdentityToken("Missing a required claim: %s", claim)
}

func (t *Token) readHeader(encoded string) error {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return invalidToken()
	}
	header, err := parseObject(raw)
	if err != nil {
		return invalidToken()
	}
	if _, critical := header["crit"]; critical {
		return invalidToken()
	}
	t.alg, _ = header["alg"].(string)
	if _, ok := algorithms()[t.alg]; !ok {
		return invalidToken()
	}
	if kid, present := header["kid"]; present {
		if t.kid, t.hasKid = kid.(string); !t.hasKid {
			return invalidToken()
		}
	}
	return nil
}

// Issuer is the issuer that the token claims: good for finding the provider, proven by [Token.Verify] only.
func (t *Token) Issuer() string { return t.issuer }

// algorithms are AWS's, with the bits of the curve that each needs; zero is RSA.
func algorithms() map[string]int {
	return map[string]int{"RS256": 0, "RS384": 0, "RS512": 0, "ES256": 256, "ES384": 384, "ES512": 521}
}

// Verify checks the signature with keys from pinned, or by discovery of the issuer where pinned is nil, and returns
// the claims.
func (t *Token) Verify(ctx context.Context, fetcher *Fetcher, pinned *KeySet) (*Claims, error) {
	keys := pinned
	if keys == nil {
		fetched, err := fetcher.keys(ctx, t.issuer, t.kid, t.hasKid)
		if err != nil {
			return nil, err
		}
		keys = fetched
	}
	key, ok := keys.find(t.kid, t.hasKid)
	if !ok {
		return nil, noKey(errors.New("no key of that kid"))
	}
	if !suits(key, algorithms()[t.alg]) {
		return nil, invalidToken()
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{t.alg}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
	parsed, err := parser.Parse(t.raw, func(*jwt.Token) (any, error) { return key, nil })
	if err != nil || !parsed.Valid {
		return nil, invalidToken()
	}
	all, err := parseObject(t.payload)
	if err != nil {
		return nil, invalidToken()
	}
	return &Claims{all: all, issuer: t.issuer}, nil
}

// suits says whether a key is of the type and curve that an algorithm needs.
func suits(key crypto.PublicKey, curveBits int) bool {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return curveBits == 0
	case *ecdsa.PublicKey:
		return k.Curve.Params().BitSize == curveBits
	default:
		return false
	}
}
