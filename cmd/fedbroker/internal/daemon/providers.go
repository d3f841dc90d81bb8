package daemon

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/idp/saml"
	"github.com/fedbroker/fedbroker/internal/fetch"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// providers are the identity providers of one configuration.
type providers struct {
	workload idp.Verifier // nil without any
	direct   idp.Verifier // nil without any
	portal   []portal.Provider
	saml     []*saml.Provider
}

func buildProviders(f *configs.File, res *resources, o Options) (*providers, error) {
	out := &providers{}
	var workloads []*oidc.Workload
	var direct directSAML
	for i := range f.IdPs {
		p := &f.IdPs[i]
		client, err := fetch.New(fetch.Options{AllowPrivate: p.PrivateNetwork, AllowLoopbackHTTP: p.InsecureHTTP, UserAgent: "fedbroker/" + o.Version})
		if err != nil {
			return nil, err
		}
		if p.Workload != nil {
			w, err := buildWorkload(p, client, o)
			if err != nil {
				return nil, fmt.Errorf("idp %s: %w", p.ID, err)
			}
			workloads = append(workloads, w)
			continue
		}
		s, err := buildSAML(f, p, client, res, o)
		if err != nil {
			return nil, fmt.Errorf("idp %s: %w", p.ID, err)
		}
		out.saml = append(out.saml, s)
		out.portal = append(out.portal, portal.Provider{ID: p.ID, Name: nameOf(p), Login: s, Metadata: s.Metadata})
		if p.SAML.Direct {
			direct = append(direct, s)
		}
	}
	if len(direct) > 0 {
		out.direct = direct
	}
	if len(workloads) > 0 {
		set, err := oidc.NewSet(workloads)
		if err != nil {
			return nil, err
		}
		out.workload = set
	}
	return out, nil
}

func nameOf(p *configs.IdP) string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

func buildWorkload(p *configs.IdP, client *fetch.Client, o Options) (*oidc.Workload, error) {
	w := p.Workload
	tenant := map[string][]string{}
	for claim, values := range w.Tenant {
		tenant[claim] = values
	}
	var jwks []byte
	if p.JWKSFile != "" {
		var err error
		if jwks, err = os.ReadFile(string(p.JWKSFile)); err != nil {
			return nil, fmt.Errorf("jwks_file: %w", err)
		}
	}
	return oidc.NewWorkload(oidc.Options{
		ID: p.ID, Issuer: w.Issuer, Audiences: w.Audiences, AuthorizedParties: p.AuthorizedParties, Tenant: tenant,
		RequiredClaims: w.RequiredClaims, Claims: oidc.ClaimNames{Username: w.Claims.Username, Email: w.Claims.Email, Groups: w.Claims.Groups},
		Skew: p.Skew.Or(0), MaxAge: p.MaxAge.Or(24 * time.Hour), Once: p.Once, JWKSFile: jwks, Fetch: client, Clock: o.Clock, Logger: o.Logger,
	})
}

func buildSAML(f *configs.File, p *configs.IdP, client *fetch.Client, res *resources, o Options) (*saml.Provider, error) {
	key := res.sp
	if p.SAML.SPKey.Given() {
		var err error
		if key, err = parseSPKey(p.SAML.SPKey.Text(), p.SAML.SPCertificate.Text()); err != nil {
			return nil, fmt.Errorf("saml.sp_key: %w", err)
		}
	}
	base := f.Server.PublicURL + "/saml/" + url.PathEscape(p.ID)
	options := saml.Options{
		ID: p.ID, EntityID: base + "/metadata", ACSURL: base + "/acs",
		Signing: saml.SigningKey{Key: key.key, Cert: key.cert}, Encryption: []saml.DecryptionKey{{Key: key.key, Cert: key.cert}},
		MetadataURL: p.SAML.MetadataURL, AllowIDPInitiated: p.SAML.AllowIDPInitiated, Direct: p.SAML.Direct,
		AllowSHA1: p.SAML.AllowSHA1, SignRequests: p.SAML.SignRequests, Skew: p.Skew.Or(0), MaxAge: p.MaxAge.Or(0),
		AllowInsecureHTTP: p.InsecureHTTP || configs.IsLoopback(hostOf(f.Server.PublicURL)),
		Claims:            saml.ClaimMapping{Username: list(p.SAML.Claims.Username), Email: list(p.SAML.Claims.Email), Groups: list(p.SAML.Claims.Groups)},
		Clock:             o.Clock, Rand: o.Rand, Logger: o.Logger,
		Fetch: func(ctx context.Context, url string) ([]byte, error) {
			doc, _, err := client.Get(ctx, url)
			return doc, err
		},
	}
	if p.SAML.MetadataFile != "" {
		var err error
		if options.Metadata, err = os.ReadFile(string(p.SAML.MetadataFile)); err != nil {
			return nil, fmt.Errorf("saml.metadata_file: %w", err)
		}
	}
	return saml.New(options)
}

// list is nil for a name that was left out: the provider's defaults then apply.
func list(name string) []string {
	if name == "" {
		return nil
	}
	return []string{name}
}

func hostOf(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// directSAML picks the provider whose entity id a Response claims; that provider alone verifies it.
type directSAML []*saml.Provider

func (d directSAML) Verify(ctx context.Context, proof secret.Text) (idp.Identity, error) {
	issuer, err := saml.Issuer(proof)
	if err != nil {
		return idp.Identity{}, err
	}
	var chosen *saml.Provider
	for _, p := range d {
		if p.EntityID() != issuer || issuer == "" {
			continue
		}
		if chosen != nil {
			return idp.Identity{}, idp.Refuse(idp.KindUntrusted, "two identity providers share this issuer; the response cannot be told apart", nil)
		}
		chosen = p
	}
	if chosen == nil {
		return idp.Identity{}, idp.Refuse(idp.KindUntrusted, "the issuer of this response is not configured for direct use", nil)
	}
	return chosen.Verify(ctx, proof)
}
