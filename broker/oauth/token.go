package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
)

// tokens is what CreateToken answers; expiresIn is in seconds.
type tokens struct {
	AccessToken  string `json:"accessToken"`
	TokenType    string `json:"tokenType"`
	ExpiresIn    int64  `json:"expiresIn"`
	RefreshToken string `json:"refreshToken"`
}

// token is CreateToken.
func (s *Server) token(ctx context.Context, v *broker.Visit, _ string, p params) (any, error) {
	if err := p.need("clientId", "clientSecret", "grantType"); err != nil {
		return nil, err
	}
	c, err := s.clients.authenticate(p.text("clientId"), p.secret("clientSecret"))
	if err != nil {
		return nil, err
	}
	v.Client(c.Name)
	if err := onlyScope(p.lists["scope"]); err != nil {
		return nil, err
	}
	grants := map[string]func(context.Context, *broker.Visit, *client, params) (issued, error){
		grantCode: s.byCode, grantDevice: s.byDevice, grantRefresh: s.byRefresh,
	}
	grant := grants[p.text("grantType")]
	switch {
	case grant == nil:
		return nil, unsupportedGrantType.refuse("grantType may be authorization_code, refresh_token or device_code")
	case !c.mayUse(p.text("grantType")):
		return nil, unauthorizedClient.refuse("this client did not register for this grant type")
	}
	out, err := grant(ctx, v, &c, p)
	if err != nil {
		return nil, err
	}
	return tokens{
		AccessToken: out.access.Reveal(), TokenType: "Bearer", ExpiresIn: int64(out.lifetime / time.Second), RefreshToken: out.refresh.Reveal(),
	}, nil
}

// byCode spends an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
func (s *Server) byCode(ctx context.Context, v *broker.Visit, c *client, p params) (issued, error) {
	if err := p.need("code", "redirectUri", "codeVerifier"); err != nil {
		return issued{}, err
	}
	code := p.secret("code")
	record, err := s.Tokens.take(ctx, code, c)
	switch {
	case errors.Is(err, session.ErrNone):
		return issued{}, invalidGrant.refuse("this code is not known, was used, or is over")
	case errors.Is(err, errSpent):
		return issued{}, usedGrant.refuse("this code was used before; the login that it began is over")
	case err != nil:
		return issued{}, storeDown(err)
	case record.RedirectURI != p.text("redirectUri"):
		return issued{}, invalidGrant.refuse("redirectUri is not that of the request")
	case !verifies(p.text("codeVerifier"), record.Challenge):
		return issued{}, invalidGrant.refuse("codeVerifier is not that of the request")
	}
	out, err := s.begin(ctx, v, c, record.Login)
	if err != nil {
		return issued{}, err
	}
	if err := s.Tokens.spend(ctx, code, c, out.session); err != nil {
		return issued{}, storeDown(err)
	}
	return out, nil
}

// byDevice answers a poll (RFC 8628 section 3.4).
func (s *Server) byDevice(ctx context.Context, v *broker.Visit, c *client, p params) (issued, error) {
	if err := p.need("deviceCode"); err != nil {
		return issued{}, err
	}
	login, err := s.devices.poll(ctx, p.secret("deviceCode"), c)
	if err != nil {
		return issued{}, err
	}
	return s.begin(ctx, v, c, login)
}

// begin makes a family for the login that approved it; that may have ended since.
func (s *Server) begin(ctx context.Context, v *broker.Visit, c *client, login string) (issued, error) {
	from, err := s.Sessions.Find(ctx, login)
	if err != nil {
		return issued{}, gone(err)
	}
	v.Resume(&from.Identity, from.ID, from.Expires)
	out, err := s.Tokens.begin(ctx, from, c, v.Remote())
	if err != nil {
		return issued{}, gone(err)
	}
	v.Resume(&from.Identity, out.session.ID, out.session.Expires) // the record names the session that began
	return out, nil
}

// byRefresh rotates (RFC 6749 section 6, RFC 9700 section 4.14.2).
func (s *Server) byRefresh(ctx context.Context, v *broker.Visit, c *client, p params) (issued, error) {
	if err := p.need("refreshToken"); err != nil {
		return issued{}, err
	}
	token := p.secret("refreshToken")
	family, err := s.Tokens.family(ctx, token, c)
	if err != nil {
		return issued{}, gone(err)
	}
	v.Resume(&family.Identity, family.ID, family.Expires)
	out, stale, err := s.Tokens.refresh(ctx, token, family, c)
	switch {
	case err != nil:
		return issued{}, storeDown(err)
	case stale:
		return issued{}, usedGrant.refuse("this refresh token was used before; the login is over, sign in again")
	}
	return out, nil
}

// gone tells a login that is over from a store that does not answer.
func gone(err error) error {
	if errors.Is(err, session.ErrNone) {
		return invalidGrant.refuse("this login is over; sign in again")
	}
	return storeDown(err)
}
