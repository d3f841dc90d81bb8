package client

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

// Whoami is the identity as the broker's rules see it.
type Whoami struct {
	IdP      string    `json:"idp"`
	Issuer   string    `json:"issuer"`
	Subject  string    `json:"subject"`
	Username string    `json:"username,omitempty"`
	Email    string    `json:"email,omitempty"`
	Groups   []string  `json:"groups,omitempty"`
	AuthTime time.Time `json:"auth_time,omitzero"`
	AMR      []string  `json:"amr,omitempty"`
	ACR      string    `json:"acr,omitempty"`
}

// Role is one granted role. MaxDuration is in seconds.
type Role struct {
	Name        string `json:"name"`
	ARN         string `json:"arn"`
	AccountID   string `json:"account_id"`
	AccountName string `json:"account_name"`
	MaxDuration int64  `json:"max_duration"`
	Console     bool   `json:"console"`
}

// Credentials are temporary keys of AWS for one role.
type Credentials struct {
	AccessKeyID                     string
	SecretAccessKey, SessionToken   secret.Text
	Expiration                      time.Time
	RoleARN, AssumedRoleARN         string
	SourceIdentity, BrokerRequestID string
}

// SignIn is a console sign-in URL.
type SignIn struct {
	URL        secret.Text
	Expiration time.Time
}

// Want is what is asked of the broker: a role by alias or ARN, and for how long (zero: the broker's default).
type Want struct {
	Role     string
	Duration time.Duration
}

func (w Want) body() map[string]any {
	body := map[string]any{"role": w.Role}
	if w.Duration != 0 {
		body["duration"] = int64(w.Duration / time.Second)
	}
	return body
}

// Whoami asks who is signed in.
func (c *Client) Whoami(ctx context.Context) (Whoami, error) {
	var out Whoami
	err := c.api(ctx, http.MethodGet, "/api/v1/whoami", nil, &out)
	return out, err
}

// Credentials asks for temporary keys.
func (c *Client) Credentials(ctx context.Context, want Want) (Credentials, error) {
	var out struct {
		AccessKeyID                   string `json:"AccessKeyId"`
		SecretAccessKey, SessionToken string
		Expiration                    time.Time
		RoleARN                       string `json:"RoleArn"`
		AssumedRoleARN                string `json:"AssumedRoleArn"`
		SourceIdentity                string
		RequestID                     string `json:"RequestId"`
	}
	if err := c.api(ctx, http.MethodPost, "/api/v1/credentials", want.body(), &out); err != nil {
		return Credentials{}, err
	}
	if out.AccessKeyID == "" || out.SecretAccessKey == "" || out.SessionToken == "" || out.Expiration.IsZero() {
		return Credentials{}, &notServed{c.o.Broker, "/api/v1/credentials"}
	}
	return Credentials{
		AccessKeyID: out.AccessKeyID, SecretAccessKey: secret.New(out.SecretAccessKey), SessionToken: secret.New(out.SessionToken),
		Expiration: out.Expiration, RoleARN: out.RoleARN, AssumedRoleARN: out.AssumedRoleARN, SourceIdentity: out.SourceIdentity, BrokerRequestID: out.RequestID,
	}, nil
}

// Console asks for a sign-in URL that opens a page. Which pages there are is the broker's to say.
func (c *Client) Console(ctx context.Context, want Want, page sts.Page) (SignIn, error) {
	body := want.body()
	if page.Destination != "" {
		body["destination"] = page.Destination
	}
	if page.Region != "" {
		body["region"] = page.Region
	}
	var out struct {
		SignInURL  string
		Expiration time.Time
	}
	if err := c.api(ctx, http.MethodPost, "/api/v1/console", body, &out); err != nil {
		return SignIn{}, err
	}
	if out.SignInURL == "" {
		return SignIn{}, &notServed{c.o.Broker, "/api/v1/console"}
	}
	return SignIn{secret.New(out.SignInURL), out.Expiration}, nil
}

// ServesSSO reports whether the broker speaks AWS's SSO portal protocol, which sso-session profiles need.
func (c *Client) ServesSSO(ctx context.Context) (bool, error) {
	t, err := c.token(ctx, "")
	if err != nil {
		return false, err
	}
	var out struct {
		Accounts *[]struct{} `json:"accountList"`
	}
	err = c.wire.call(ctx, http.MethodGet, "/assignment/accounts", map[string]string{"x-amz-sso_bearer_token": t.Access.Reveal()}, nil, &out, apiRefusal)
	var missing *notServed
	switch {
	case err == nil:
		return out.Accounts != nil, nil
	case errors.As(err, &missing):
		return false, nil
	}
	return false, err
}
