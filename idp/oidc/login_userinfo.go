package oidc

import (
	"context"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// protocolClaims are taken from the signed ID token only: userinfo must not date or strengthen a sign-in, nor say who
// it is for.
func protocolClaims() []string {
	return []string{"iss", "aud", "azp", "exp", "nbf", "iat", "jti", "nonce", "at_hash", "c_hash", "s_hash", "sid", "auth_time", "acr", "amr"}
}

// enrich adds the claims of userinfo that the ID token does not have, and maps anew. Everything about the proof stays.
func (l *Login) enrich(ctx context.Context, meta *provider, access secret.Text, id idp.Identity) (idp.Identity, error) {
	if meta.userinfo == "" {
		return idp.Identity{}, idp.Refuse(idp.KindUnavailable, "the identity provider has no userinfo endpoint; userinfo must be turned off for it", nil)
	}
	info, err := l.userinfo(ctx, meta.userinfo, access)
	if err != nil {
		return idp.Identity{}, err
	}
	if info.Text("sub") != id.Subject {
		return idp.Identity{}, invalid("userinfo speaks of another person than the token") // OIDC Core section 5.3.2
	}
	out, err := l.tokens.identity(merge(id.Claims, info))
	if err != nil {
		return idp.Identity{}, err
	}
	out.Proof = id.Proof
	return out, nil
}

// merge lets the token win, but for an address: it is unverified when either says so.
func merge(token, info idp.Claims) idp.Claims {
	all := info.Map()
	for _, name := range protocolClaims() {
		delete(all, name)
	}
	maps.Copy(all, token.Map())
	for _, c := range []idp.Claims{token, info} {
		if v, ok := c.Get("email_verified"); ok && v != true && v != "true" {
			all["email_verified"] = false
		}
	}
	return idp.NewClaims(all)
}

// userinfo asks with the access token (OIDC Core section 5.3.1). Signed answers (application/jwt) are not read: they
// come only where a client asked for them at its registration.
func (l *Login) userinfo(ctx context.Context, endpoint string, access secret.Text) (idp.Claims, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return idp.Claims{}, unreachable(err)
	}
	r.Header.Set("Authorization", "Bearer "+access.Reveal())
	r.Header.Set("Accept", "application/json")
	resp, err := l.opts.Fetch.HTTPClient().Do(r)
	if err != nil {
		return idp.Claims{}, unreachable(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return idp.Claims{}, userinfoFailed(resp.StatusCode)
	}
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return idp.Claims{}, invalidBecause("userinfo is not JSON; signed userinfo must be turned off at the provider", fmt.Errorf("media type %q", clipped(kind)))
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return idp.Claims{}, unreachable(err)
	}
	info, err := idp.ParseClaims(body)
	if err != nil {
		return idp.Claims{}, invalidBecause("userinfo is not one strict JSON object", err)
	}
	return info, nil
}

func userinfoFailed(status int) error {
	cause := fmt.Errorf("userinfo: status %d", status)
	if slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden}, status) {
		return invalidBecause("the identity provider refuses its userinfo; the scopes may be too few", cause)
	}
	return unreachable(cause)
}

func clipped(s string) string { return s[:min(len(s), 64)] }
