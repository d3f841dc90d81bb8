package client

import (
	"context"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Grant types of the token endpoint.
const (
	grantCode    = "authorization_code"
	grantRefresh = "refresh_token"
	grantDevice  = "urn:ietf:params:oauth:grant-type:device_code"
)

// scope is what AWS's own clients ask for.
const scope = "sso:account:access"

// callback is where a code comes back. It is registered without a port, which is chosen anew for each login (RFC 8252
// section 7.3).
const callback = "/oauth/callback"

// registration is this command line's own client at one broker (SSO-OIDC RegisterClient). Its "secret" is that of a
// public client: it proves nothing.
type registration struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	ExpiresAt    int64  `json:"clientSecretExpiresAt"` // seconds since 1970
}

// registrationMargin is how long a registration must still last: longer than a login takes.
const registrationMargin = time.Hour

func (r registration) usable(now time.Time) bool {
	return r.ClientID != "" && now.Add(registrationMargin).Unix() < r.ExpiresAt
}

func (w *wire) register(ctx context.Context, name string) (registration, error) {
	in := map[string]any{
		"clientName": name, "clientType": "public", "scopes": []string{scope}, "issuerUrl": w.base,
		"grantTypes": []string{grantCode, grantRefresh, grantDevice}, "redirectUris": []string{"http://127.0.0.1" + callback},
	}
	var out registration
	err := w.call(ctx, http.MethodPost, "/client/register", nil, in, &out, oauthRefusal)
	return out, err
}

// deviceCode is the answer of SSO-OIDC StartDeviceAuthorization. Times are in seconds.
type deviceCode struct {
	DeviceCode              string `json:"deviceCode"`
	UserCode                string `json:"userCode"`
	VerificationURI         string `json:"verificationUri"`
	VerificationURIComplete string `json:"verificationUriComplete"`
	ExpiresIn               int64  `json:"expiresIn"`
	Interval                int64  `json:"interval"`
}

func (w *wire) startDevice(ctx context.Context, r registration) (deviceCode, error) {
	in := map[string]any{"clientId": r.ClientID, "clientSecret": r.ClientSecret, "startUrl": w.base}
	var out deviceCode
	err := w.call(ctx, http.MethodPost, "/device_authorization", nil, in, &out, oauthRefusal)
	return out, err
}

// tokenRequest is what SSO-OIDC CreateToken takes.
type tokenRequest struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
	GrantType    string `json:"grantType"`
	Code         string `json:"code,omitempty"`
	RedirectURI  string `json:"redirectUri,omitempty"`
	CodeVerifier string `json:"codeVerifier,omitempty"`
	DeviceCode   string `json:"deviceCode,omitempty"`
	RefreshToken string `json:"refreshToken,omitempty"`
}

type tokenAnswer struct {
	AccessToken  string `json:"accessToken"`
	RefreshToken string `json:"refreshToken"`
	ExpiresIn    int64  `json:"expiresIn"`
}

// token calls SSO-OIDC CreateToken. The access token's end is counted from before the call.
func (w *wire) token(ctx context.Context, now time.Time, in tokenRequest) (Tokens, error) {
	var out tokenAnswer
	if err := w.call(ctx, http.MethodPost, "/token", nil, in, &out, oauthRefusal); err != nil {
		return Tokens{}, err
	}
	if out.AccessToken == "" || out.ExpiresIn <= 0 {
		return Tokens{}, &notServed{w.base, "/token"}
	}
	return Tokens{
		ClientID: in.ClientID, ClientSecret: in.ClientSecret,
		Access: secret.New(out.AccessToken), Refresh: secret.New(out.RefreshToken), Expires: now.Add(time.Duration(min(out.ExpiresIn, maxExpiresIn)) * time.Second),
	}, nil
}

// maxExpiresIn is the longest life of an access token that is believed, in seconds.
const maxExpiresIn = 30 * 24 * 60 * 60

// endSession tells the broker to end the login session (SSO Logout).
func (w *wire) endSession(ctx context.Context, access secret.Text) error {
	return w.call(ctx, http.MethodPost, "/logout", map[string]string{"x-amz-sso_bearer_token": access.Reveal()}, nil, nil, apiRefusal)
}
