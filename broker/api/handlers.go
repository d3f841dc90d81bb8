package api

import (
	"context"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/sts"
)

// Credentials is credential_process form (AWS SDKs, version 1) plus what the broker knows. Expiration is in whole
// seconds, as STS writes it.
type Credentials struct {
	Version         int
	AccessKeyID     string `json:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      time.Time
	RoleARN         string `json:"RoleArn"`
	AssumedRoleARN  string `json:"AssumedRoleArn"`
	SourceIdentity  string `json:",omitempty"`
	RequestID       string `json:"RequestId"`
}

func (c *Credentials) identify(id string) { c.RequestID = id }

func (req *request) want() broker.Want {
	return broker.Want{Role: req.role, Duration: req.duration, Policy: req.policy, PolicyARNs: req.policyARNs, Proof: req.bearer}
}

func (a *API) credentials(ctx context.Context, v *broker.Visit, req *request) (any, error) {
	issued, err := v.Issue(ctx, req.want())
	if err != nil {
		return nil, err
	}
	c := issued.Credentials
	return &Credentials{
		Version: 1, AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey.Reveal(), SessionToken: c.SessionToken.Reveal(),
		Expiration: c.Expiration.UTC().Truncate(time.Second), RoleARN: string(issued.Grant.Role.ARN), AssumedRoleARN: c.AssumedRoleARN, SourceIdentity: issued.Grant.SourceIdentity,
	}, nil
}

// SignIn is a console sign-in URL: a secret until Expiration.
type SignIn struct {
	SignInURL  string
	Expiration time.Time
}

func (a *API) console(ctx context.Context, v *broker.Visit, req *request) (any, error) {
	signIn, _, err := v.Console(ctx, req.want(), req.page)
	if err != nil {
		return nil, err
	}
	return SignIn{SignInURL: signIn.URL.Reveal(), Expiration: signIn.Expires.UTC().Truncate(time.Second)}, nil
}

func (a *API) explain(_ context.Context, v *broker.Visit, req *request) (any, error) {
	return v.Explain(req.role)
}

// Roles lists what is granted.
type Roles struct {
	Roles []Role `json:"roles"`
}

// Role is one granted role; MaxDuration is in seconds. Console says whether whoever asks may have a console sign-in of
// it: pass-through needs the upstream proof in the request itself, which a browser's session does not carry.
type Role struct {
	Name        string `json:"name"`
	ARN         string `json:"arn"`
	AccountID   string `json:"account_id"`
	AccountName string `json:"account_name"`
	MaxDuration int64  `json:"max_duration"`
	Console     bool   `json:"console"`
}

func (a *API) roles(_ context.Context, v *broker.Visit, req *request) (any, error) {
	decision, err := v.Decide()
	if err != nil {
		return nil, err
	}
	out := Roles{Roles: []Role{}}
	for _, g := range decision.Grants {
		out.Roles = append(out.Roles, Role{
			Name: g.Role.Name, ARN: string(g.Role.ARN), AccountID: g.Role.ARN.AccountID(), AccountName: g.Role.AccountName,
			MaxDuration: seconds(a.Broker.MostOf(&g)), Console: g.Role.Mode != sts.ModePassThrough || !req.bearer.Empty(),
		})
	}
	return out, nil
}

// Whoami is the identity as the rules see it.
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

func (a *API) whoami(_ context.Context, v *broker.Visit, _ *request) (any, error) {
	id := v.Identity()
	return Whoami{
		IdP: id.Provider, Issuer: id.Issuer, Subject: id.Subject, Username: id.Username, Email: id.Email, Groups: id.Groups,
		AuthTime: id.AuthTime.UTC(), AMR: id.AMR, ACR: id.ACR,
	}, nil
}
