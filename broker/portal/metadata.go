package portal

import (
	"net/http"

	"github.com/fedbroker/fedbroker/broker"
)

// metadata is what an identity provider must know of us, one document for each. It is public and decides nothing.
func (p *Portal) metadata(_ http.ResponseWriter, r *http.Request) (answer, error) {
	provider, err := p.provider(r)
	if err != nil {
		return answer{}, err
	}
	if provider.Metadata == nil {
		return answer{}, broker.Refuse(broker.CodeUntrustedIssuer, "this identity provider does not speak SAML", nil)
	}
	doc, err := provider.Metadata()
	return answer{document: doc, kind: "application/samlmetadata+xml"}, err
}
