package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// maxToken is what STS takes as WebIdentityToken, in characters (facts, oidc-aws section A.1).
const maxToken = 20_000

// claims is the JWT's body (design.md section 5; AWS's claims: facts, oidc-aws sections A.6 and A.7).
type claims struct {
	Issuer         string      `json:"iss"`
	Subject        string      `json:"sub"`
	Audience       string      `json:"aud"`
	Expiry         int64       `json:"exp"`
	IssuedAt       int64       `json:"iat"`
	NotBefore      int64       `json:"nbf"`
	ID             string      `json:"jti"`
	SourceIdentity string      `json:"https://aws.amazon.com/source_identity,omitempty"`
	Tags           *tagsClaims `json:"https://aws.amazon.com/tags,omitempty"`
	Roles          string      `json:"https://aws.amazon.com/roles"`
}

// tagsClaims holds arrays of exactly one string: AWS takes no other form.
type tagsClaims struct {
	Principal  map[string][]string `json:"principal_tags"`
	Transitive []string            `json:"transitive_tag_keys,omitempty"`
}

// WebIdentityToken returns a compact JWT that lives five minutes from p.Now and is good for p.RoleARN only.
func (i *Issuer) WebIdentityToken(ctx context.Context, p broker.MintRequest) (secret.Text, error) {
	if err := checkCommon(p); err != nil {
		return secret.Text{}, fmt.Errorf("minting a web identity token: %w", err)
	}
	key, err := i.keys.Current(ctx)
	if err != nil {
		return secret.Text{}, err
	}
	body, err := json.Marshal(i.claims(p))
	if err != nil {
		return secret.Text{}, fmt.Errorf("minting a web identity token: %w", err)
	}
	signed, err := key.jws.Sign(body)
	if err != nil {
		return secret.Text{}, fmt.Errorf("signing a web identity token: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return secret.Text{}, fmt.Errorf("signing a web identity token: %w", err)
	}
	if len(token) > maxToken {
		return secret.Text{}, errors.New("the session tags make the web identity token longer than AWS takes")
	}
	return secret.New(token), nil
}

func (i *Issuer) claims(p broker.MintRequest) claims {
	c := claims{
		Issuer: i.url, Subject: p.Subject, Audience: i.audience, ID: p.ID,
		IssuedAt: p.Now.Unix(), NotBefore: p.Now.Unix(), Expiry: p.Now.Add(proofLife).Unix(),
		SourceIdentity: p.SourceIdentity, Roles: string(p.RoleARN),
	}
	if len(p.Tags) > 0 {
		c.Tags = &tagsClaims{Principal: make(map[string][]string, len(p.Tags)), Transitive: p.TransitiveTags}
		for _, t := range p.Tags {
			c.Tags.Principal[t.Key] = []string{t.Value}
		}
	}
	return c
}
