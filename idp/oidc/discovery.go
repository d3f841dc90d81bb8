package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/fedbroker/fedbroker/idp"
)

// discover reads where an issuer's keys are.
func discover(ctx context.Context, f fetcher, issuer string) (*oidc.ProviderConfig, error) {
	meta, _, err := readMetadata(ctx, f, issuer)
	if err != nil {
		return nil, err
	}
	p := &oidc.ProviderConfig{
		IssuerURL:   issuer,
		AuthURL:     meta.Text("authorization_endpoint"),
		TokenURL:    meta.Text("token_endpoint"),
		UserInfoURL: meta.Text("userinfo_endpoint"),
		JWKSURL:     meta.Text("jwks_uri"),
	}
	if err := checkEndpoint(issuer, p.JWKSURL); err != nil {
		return nil, fmt.Errorf("discovery document: jwks_uri: %w", err)
	}
	return p, nil
}

// readMetadata reads an issuer's metadata (OpenID Connect Discovery 1.0 section 4) by exact member names; the issuer in
// it must be the one that was asked for, byte by byte.
func readMetadata(ctx context.Context, f fetcher, issuer string) (idp.Claims, http.Header, error) {
	doc, header, err := f.Get(ctx, strings.TrimSuffix(issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return idp.Claims{}, nil, err
	}
	meta, err := idp.ParseClaims(doc)
	if err != nil {
		return idp.Claims{}, nil, fmt.Errorf("discovery document: %w", err)
	}
	if meta.Text("issuer") != issuer {
		return idp.Claims{}, nil, errors.New("discovery document: it is another issuer's")
	}
	return meta, header, nil
}

// checkEndpoint wants an absolute URL that is no weaker than the issuer's: http only where the issuer is http itself
// (which the fetcher grants to loopback only).
func checkEndpoint(issuer, endpoint string) error {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return errors.New("not an absolute URL")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !strings.HasPrefix(issuer, "http://")) {
		return errors.New("not https")
	}
	return nil
}
