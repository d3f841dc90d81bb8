package saml

import (
	"context"
	"fmt"
	"sync"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

var (
	_ idp.Login    = (*Provider)(nil)
	_ idp.Verifier = (*Provider)(nil)
)

// Provider is our service provider towards one identity provider. It is safe for concurrent use.
type Provider struct {
	opt       Options
	source    *source
	deflaters sync.Pool // of *flate.Writer
}

// New checks the options and reads Options.Metadata. It fetches nothing and starts nothing: with a MetadataURL call
// [Provider.Refresh] once at start, to learn early of bad metadata, and let [Provider.Run] keep it fresh.
func New(opt Options) (*Provider, error) {
	opt.setDefaults()
	if err := opt.check(); err != nil {
		return nil, fmt.Errorf("saml provider %q: %w", opt.ID, err)
	}
	src, err := newSource(&opt)
	if err != nil {
		return nil, fmt.Errorf("saml provider %q: %w", opt.ID, err)
	}
	if opt.AllowSHA1 {
		opt.Logger.Warn("SHA-1 signatures are accepted from this identity provider", "idp", opt.ID)
	}
	return &Provider{opt: opt, source: src}, nil
}

// EntityID returns the IdP's entity id, for routing a direct Response by [Issuer]. It is the configured pin, or what the
// metadata said; empty while neither is known.
func (p *Provider) EntityID() string { return p.source.entityID() }

// Refresh fetches the metadata now. What was good before stays in force when it fails. With static metadata it does
// nothing.
func (p *Provider) Refresh(ctx context.Context) error { return p.source.refresh(ctx) }

// Run refreshes the metadata whenever it is due, until ctx ends. With static metadata it returns at once.
func (p *Provider) Run(ctx context.Context) { p.source.run(ctx) }

// Verify reads a base64 SAMLResponse that was presented outside a browser flow. It needs Options.Direct, and takes
// unsolicited Responses only.
func (p *Provider) Verify(ctx context.Context, proof secret.Text) (idp.Identity, error) {
	if !p.opt.Direct {
		return idp.Identity{}, idp.Refuse(idp.KindInvalid, "this identity provider's responses are accepted in a browser sign-in only", nil)
	}
	return p.read(ctx, proof.Reveal(), expectation{})
}

// Finish reads the Response that the browser posted to the ACS: the answer to the request that state remembers, or
// an unsolicited one where Options.AllowIDPInitiated is set.
func (p *Provider) Finish(ctx context.Context, state idp.State, back idp.Callback) (idp.Identity, error) {
	want, err := p.expect(state, back)
	if err != nil {
		return idp.Identity{}, err
	}
	values := back.Form["SAMLResponse"]
	if len(values) != 1 || len(back.Form["SAMLRequest"]) > 0 || len(back.Form["SAMLart"]) > 0 {
		return idp.Identity{}, idp.Refuse(idp.KindInvalid, "the answer must carry exactly one SAMLResponse", nil)
	}
	return p.read(ctx, values[0], want)
}
