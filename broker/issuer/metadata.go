package issuer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/beevik/etree"
	"github.com/go-jose/go-jose/v4"
)

// discovery is the part of OpenID Connect Discovery 1.0 section 3 that AWS reads. The broker is no login provider for
// AWS, so there are no endpoints in it but the keys.
type discovery struct {
	Issuer        string   `json:"issuer"`
	JWKSURI       string   `json:"jwks_uri"`
	ResponseTypes []string `json:"response_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	Claims        []string `json:"claims_supported"`
}

func discoveryDocument(issuerURL string) ([]byte, error) {
	return json.Marshal(discovery{
		Issuer: issuerURL, JWKSURI: issuerURL + pathJWKS,
		ResponseTypes: []string{"id_token"}, SubjectTypes: []string{"public"},
		// Both stay listed whatever key signs today: a rotation from one kind to the other must not meet a cached page.
		Algorithms: []string{string(jose.RS256), string(jose.ES256)},
		Claims:     []string{"iss", "sub", "aud", "exp", "iat", "nbf", "jti"},
	})
}

// Discovery returns the OpenID Connect discovery document, JSON.
func (i *Issuer) Discovery() []byte { return i.discovery }

// JWKS returns the public keys as a JSON Web Key Set (RFC 7517). There is no x5c and no key_ops: AWS drops keys that
// have the latter (facts, oidc-aws section A.3).
func (i *Issuer) JWKS(ctx context.Context) ([]byte, error) {
	keys, err := i.keys.Published(ctx)
	if err != nil {
		return nil, err
	}
	set := jose.JSONWebKeySet{Keys: make([]jose.JSONWebKey, len(keys))}
	for n, k := range keys {
		set.Keys[n] = jose.JSONWebKey{Key: k.signer.Public(), KeyID: k.ID, Algorithm: k.Algorithm, Use: "sig"}
	}
	return json.Marshal(set)
}

// Metadata returns the SAML metadata to upload as an IAM SAML provider: an IDPSSODescriptor with every published
// certificate (saml-metadata section 2.4.3). It has no validUntil: AWS would stop trusting it then.
func (i *Issuer) Metadata(ctx context.Context) ([]byte, error) {
	if i.saml == nil {
		return nil, errNoSAML
	}
	keys, err := i.saml.Keys.Published(ctx)
	if err != nil {
		return nil, err
	}
	root := etree.NewElement("md:EntityDescriptor")
	set(root, "xmlns:md", nsMetadata, "xmlns:ds", nsSignature, "entityID", i.saml.EntityID)
	idp := child(root, "md:IDPSSODescriptor",
		"protocolSupportEnumeration", nsProtocol, "WantAuthnRequestsSigned", "false")
	for _, k := range keys {
		info := child(child(idp, "md:KeyDescriptor", "use", "signing"), "ds:KeyInfo")
		child(child(info, "ds:X509Data"), "ds:X509Certificate").SetText(base64.StdEncoding.EncodeToString(k.Certificate))
	}
	child(idp, "md:NameIDFormat").SetText(formatPersistent)
	// The schema wants one; people begin at the broker, so it is the portal's login page.
	child(idp, "md:SingleSignOnService",
		"Binding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect", "Location", i.url+"/login")
	doc := etree.NewDocument()
	doc.CreateProcInst("xml", `version="1.0" encoding="UTF-8"`)
	doc.AddChild(root)
	doc.Indent(2)
	out, err := doc.WriteToBytes()
	if err != nil {
		return nil, fmt.Errorf("writing SAML metadata: %w", err)
	}
	return bytes.TrimSpace(out), nil // some strict readers take nothing after the root, not even the last newline
}
