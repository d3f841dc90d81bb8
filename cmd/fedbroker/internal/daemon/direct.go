package daemon

import (
	"context"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/saml"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// directSAML picks the provider whose entity id a Response claims; that provider alone verifies it.
type directSAML []*saml.Provider

var _ idp.Verifier = directSAML(nil)

// Verify implements idp.Verifier.
func (d directSAML) Verify(ctx context.Context, proof secret.Text) (idp.Identity, error) {
	issuer, err := saml.Issuer(proof)
	if err != nil {
		return idp.Identity{}, err
	}
	var chosen *saml.Provider
	unknown := false // whether there is one whose metadata could not be had yet
	for _, p := range d {
		switch entity := p.EntityID(); {
		case entity == "":
			unknown = true
		case entity != issuer:
		case chosen != nil:
			return idp.Identity{}, idp.Refuse(idp.KindUntrusted, "two identity providers share this issuer; the response cannot be told apart", nil)
		default:
			chosen = p
		}
	}
	switch {
	case chosen != nil:
		return chosen.Verify(ctx, proof)
	case unknown:
		return idp.Identity{}, idp.Refuse(idp.KindUnavailable, "the metadata of an identity provider cannot be had yet; try again", nil)
	}
	return idp.Identity{}, idp.Refuse(idp.KindUntrusted, "the issuer of this response is not configured for direct use", nil)
}
