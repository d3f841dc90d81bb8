package daemon

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"reflect"
	"time"

	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/configs"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/ldap"
	"github.com/fedbroker/fedbroker/idp/oauth2"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/idp/saml"
	"github.com/fedbroker/fedbroker/internal/fetch"
)

// provider is one identity provider and all that it was made from. A reload takes it over, with the keys and metadata
// that it has fetched, where nothing of that changed: the outage of an issuer does not become ours by a reload.
type provider struct {
	config    configs.IdP
	publicURL string
	document  string // the content of jwks_file or metadata_file

	workload *oidc.Workload // one of these
	saml     *saml.Provider
	oidc     *oidc.Login
	oauth2   *oauth2.Login
	ldap     *ldap.Directory
}

func (p *provider) madeLike(other *provider) bool {
	return other != nil && p.publicURL == other.publicURL && p.document == other.document && reflect.DeepEqual(p.config, other.config)
}

// providers are the identity providers of one configuration.
type providers struct {
	byID             map[string]*provider
	workload, direct idp.Verifier // nil without any
	portal           []portal.Provider
	saml             []*saml.Provider
	fresh            []*saml.Provider // those that were not taken over: their metadata must be fetched
}

// makings are what providers are made with besides the file.
type makings struct {
	opts    Options
	clients *clients
	sp      spKey
	life    context.Context // ends with the daemon: fetches outlive the request that began them, but not the daemon
	old     *providers      // those in force; nil at start
}

// buildProviders makes every provider, or says where in the file is what is wrong with it. It fetches nothing.
func buildProviders(f *configs.File, m makings) (*providers, configs.Problems) {
	out := &providers{byID: map[string]*provider{}}
	var problems configs.Problems
	var workloads []*oidc.Workload
	var direct directSAML
	for i := range f.IdPs {
		p, wrong := m.provider(f, i)
		switch {
		case wrong != nil:
			problems = append(problems, wrong...)
			continue
		case p.workload != nil:
			workloads = append(workloads, p.workload)
		default:
			out.portal = append(out.portal, p.forPeople())
		}
		if p.saml != nil {
			out.addSAML(p, p.madeLike(m.taken(p.config.ID)))
			if p.config.SAML.Direct {
				direct = append(direct, p.saml)
			}
		}
		out.byID[p.config.ID] = p
	}
	if len(direct) > 0 {
		out.direct = direct
	}
	if len(workloads) > 0 {
		set, err := oidc.NewSet(workloads)
		if err != nil {
			problems = append(problems, problemAt(f, "idps", err)...)
		}
		out.workload = set
	}
	return out, problems
}

// speak reports whether a provider is there and speaks for an issuer. A SAML provider whose metadata cannot be had yet
// is not known to speak for another one. OAuth 2.0 services and directories are told apart by their id only.
func (out *providers) speak(id, issuer string) bool {
	p := out.byID[id]
	switch {
	case p == nil:
		return false
	case p.workload != nil:
		return p.workload.Issuer() == issuer
	case p.saml != nil:
		known := p.saml.EntityID()
		return known == "" || known == issuer
	case p.config.OIDC != nil:
		return p.config.OIDC.Issuer == issuer
	}
	return true
}

func (out *providers) addSAML(p *provider, taken bool) {
	out.saml = append(out.saml, p.saml)
	if !taken {
		out.fresh = append(out.fresh, p.saml)
	}
}

// forPeople is the provider as the portal knows it.
func (p *provider) forPeople() portal.Provider {
	out := portal.Provider{ID: p.config.ID, Name: nameOf(&p.config), Domains: p.config.Domains}
	switch {
	case p.ldap != nil:
		out.Directory = p.ldap
		return out
	case p.oauth2 != nil:
		out.Login, out.Kind = p.oauth2, idp.ProofCode
		return out
	case p.oidc != nil:
		out.Login, out.Kind, out.Leaver, out.Logouts = p.oidc, idp.ProofJWT, p.oidc, p.oidc
	default:
		out.Login, out.Kind, out.Leaver, out.Logouts, out.Metadata = p.saml, idp.ProofSAML, p.saml, p.saml, p.saml.Metadata
	}
	if !leaves(&p.config) {
		out.Leaver = nil
	}
	return out
}

func nameOf(p *configs.IdP) string {
	if p.Name != "" {
		return p.Name
	}
	return p.ID
}

func (m makings) taken(id string) *provider {
	if m.old == nil {
		return nil
	}
	return m.old.byID[id]
}

// provider takes over or makes the provider of idps[i].
func (m makings) provider(f *configs.File, i int) (*provider, configs.Problems) {
	p := &provider{config: f.IdPs[i], publicURL: f.Server.PublicURL}
	path := fmt.Sprintf("idps[%d]", i)
	if file, key := documentOf(&p.config); file != "" {
		document, err := os.ReadFile(string(file))
		if err != nil {
			return nil, problemAt(f, path+"."+key, err)
		}
		p.document = string(document)
	}
	if old := m.taken(p.config.ID); p.madeLike(old) {
		return old, nil
	}
	if p.config.LDAP != nil {
		var err error
		if p.ldap, err = m.buildLDAP(p); err != nil {
			return nil, problemAt(f, path+".ldap", err)
		}
		return p, nil
	}
	client, err := m.clients.to(&p.config)
	if err != nil {
		return nil, problemAt(f, path, err)
	}
	switch {
	case p.config.Workload != nil:
		p.workload, err = m.buildWorkload(p, client)
	case p.config.OIDC != nil:
		p.oidc, err = m.buildOIDC(p, client)
	case p.config.OAuth2 != nil:
		p.oauth2, err = m.buildOAuth2(p, client)
	default:
		p.saml, err = m.buildSAML(p, client)
	}
	if err != nil {
		return nil, problemAt(f, path, err)
	}
	return p, nil
}

// documentOf is the file that a provider's keys or metadata are read from, and its key; empty without one.
func documentOf(p *configs.IdP) (file configs.Path, key string) {
	if p.SAML != nil {
		return p.SAML.MetadataFile, "saml.metadata_file"
	}
	return p.JWKSFile, "jwks_file"
}

func (m makings) buildWorkload(p *provider, client *fetch.Client) (*oidc.Workload, error) {
	c, w := &p.config, p.config.Workload
	return oidc.NewWorkload(oidc.Options{
		ID: c.ID, Issuer: w.Issuer, Audiences: w.Audiences, AuthorizedParties: c.AuthorizedParties, Tenant: pins(w.Tenant),
		RequiredClaims: w.RequiredClaims, Claims: claimNames(w.Claims),
		Skew: c.Skew.Or(0), MaxAge: c.MaxAge.Or(24 * time.Hour), Once: c.Once, JWKSFile: p.pinnedKeys(), Fetch: client,
		Clock: m.opts.Clock, Logger: m.opts.Logger,
	})
}

func (m makings) buildSAML(p *provider, client *fetch.Client) (*saml.Provider, error) {
	c, s, key := &p.config, p.config.SAML, m.sp
	if s.SPKey.Given() {
		var err error
		if key, err = parseSPKey(s.SPKey.Text(), s.SPCertificate.Text()); err != nil {
			return nil, fmt.Errorf("saml.sp_key: %w", err)
		}
	}
	base := p.publicURL + "/saml/" + url.PathEscape(c.ID)
	return saml.New(saml.Options{
		ID: c.ID, EntityID: base + "/metadata", ACSURL: base + "/acs", LogoutURL: base + "/slo", Signing: key.signing, Encryption: key.encryption,
		MetadataURL: s.MetadataURL, Metadata: []byte(p.document), Fetch: m.fetchMetadata(client),
		AllowIDPInitiated: s.AllowIDPInitiated, Direct: s.Direct, AllowSHA1: s.AllowSHA1, SignRequests: s.SignRequests,
		AllowInsecureHTTP: c.InsecureHTTP || configs.IsLoopback(hostOf(p.publicURL)),
		Skew:              c.Skew.Or(0), MaxAge: c.MaxAge.Or(0),
		Claims: saml.ClaimMapping{Username: list(s.Claims.Username), Email: list(s.Claims.Email), Groups: list(s.Claims.Groups)},
		Clock:  m.opts.Clock, Rand: m.opts.Rand, Logger: m.opts.Logger,
	})
}

// fetchMetadata ends with the daemon.
func (m makings) fetchMetadata(client *fetch.Client) func(context.Context, string) ([]byte, error) {
	return func(ctx context.Context, url string) ([]byte, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(m.life, cancel)()
		document, _, err := client.Get(ctx, url)
		return document, err
	}
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
