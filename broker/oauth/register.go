package oauth

import (
	"context"

	"github.com/fedbroker/fedbroker/broker"
)

// maxStartURL bounds what a client sends and we do not use, in bytes.
const maxStartURL = 2 << 10

// registration is what RegisterClient answers; times are seconds since 1970.
type registration struct {
	ClientID              string `json:"clientId"`
	ClientSecret          string `json:"clientSecret"`
	ClientIDIssuedAt      int64  `json:"clientIdIssuedAt"`
	ClientSecretExpiresAt int64  `json:"clientSecretExpiresAt"`
	AuthorizationEndpoint string `json:"authorizationEndpoint"`
	TokenEndpoint         string `json:"tokenEndpoint"`
}

// register is RegisterClient. Registering proves nothing and is worth nothing without an approval.
func (s *Server) register(_ context.Context, v *broker.Visit, _ string, p params) (any, error) {
	if err := p.need("clientName", "clientType"); err != nil {
		return nil, err
	}
	if p.text("clientType") != "public" {
		return nil, invalidClientMetadata.refuse("clientType must be public")
	}
	if err := onlyScope(p.lists["scopes"]); err != nil {
		return nil, err
	}
	now := s.Clock()
	c := client{
		Name: p.text("clientName"), RedirectURIs: p.lists["redirectUris"], GrantTypes: p.lists["grantTypes"], Expires: now.Add(registrationLifetime).Unix(),
	}
	if len(c.GrantTypes) == 0 {
		c.GrantTypes = defaultGrants(c.RedirectURIs)
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	id, proof, err := s.clients.seal(c)
	if err != nil {
		return nil, err
	}
	return registration{
		ClientID: id, ClientSecret: proof.Reveal(), ClientIDIssuedAt: now.Unix(), ClientSecretExpiresAt: c.Expires,
		AuthorizationEndpoint: s.PublicURL + "/authorize", TokenEndpoint: s.PublicURL + "/token",
	}, nil
}

// defaultGrants are those of a client that names none: AWS's command line does not for devices.
func defaultGrants(redirectURIs []string) []string {
	if len(redirectURIs) == 0 {
		return []string{grantDevice, grantRefresh}
	}
	return []string{grantCode, grantDevice, grantRefresh}
}

// deviceAuthorization is what StartDeviceAuthorization answers; times are seconds.
type deviceAuthorization struct {
	DeviceCode              string `json:"deviceCode"`
	UserCode                string `json:"userCode"`
	VerificationURI         string `json:"verificationUri"`
	VerificationURIComplete string `json:"verificationUriComplete"`
	ExpiresIn               int64  `json:"expiresIn"`
	Interval                int64  `json:"interval"`
}

// deviceAuthorization is StartDeviceAuthorization. The start URL names a directory at AWS; there is one here.
func (s *Server) deviceAuthorization(ctx context.Context, v *broker.Visit, remote string, p params) (any, error) {
	if err := p.need("clientId", "clientSecret", "startUrl"); err != nil {
		return nil, err
	}
	if len(p.text("startUrl")) > maxStartURL {
		return nil, invalidRequest.refuse("startUrl is too long")
	}
	c, err := s.clients.authenticate(p.text("clientId"), p.secret("clientSecret"))
	if err != nil {
		return nil, err
	}
	v.Client(c.Name)
	if !c.mayUse(grantDevice) {
		return nil, unauthorizedClient.refuse("this client did not register for device codes")
	}
	code, userCode, err := s.devices.begin(ctx, &c, remote)
	if err != nil {
		return nil, storeDown(err)
	}
	shown := showUserCode(userCode)
	return deviceAuthorization{
		DeviceCode: code.Reveal(), UserCode: shown, VerificationURI: s.PublicURL + "/device", VerificationURIComplete: s.PublicURL + "/device?user_code=" + shown,
		ExpiresIn: int64(deviceLifetime.Seconds()), Interval: int64(pollInterval.Seconds()),
	}, nil
}
