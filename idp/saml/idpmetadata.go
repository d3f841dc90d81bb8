package saml

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crewjam/saml"

	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlsig"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

const (
	metadataSpace = "urn:oasis:names:tc:SAML:2.0:metadata"
	protocolSpace = "urn:oasis:names:tc:SAML:2.0:protocol"

	maxEntityID     = 1024 // characters, SAML metadata section 2.2.1
	maxKeys         = 20
	maxCertificates = 40
	maxCertBytes    = 32 << 10
)

var metadataLimits = xmltree.Limits{Bytes: 1 << 20, Depth: 60, Elements: 20_000, Attributes: 64, Namespaces: 32, Value: 4 << 10}

// idpMetadata is what we use of an IdP's metadata. It does not change once made.
type idpMetadata struct {
	entityID   string
	keys       []crypto.PublicKey
	sso        endpoint // SingleSignOnService
	slo        endpoint // SingleLogoutService, for our requests
	sloAnswer  endpoint // and for our answers
	wantSigned bool
	validUntil time.Time // zero: no end
	cache      time.Duration
}

type metadataRules struct {
	entityID  string // the IdP to pick and to hold on to; empty: the document's only one
	allowHTTP bool
	ignored   func(error) // told of what is not used: weak keys, logout addresses
}

func (m *idpMetadata) validAt(now time.Time) bool {
	return m.validUntil.IsZero() || now.Before(m.validUntil)
}

func (m *idpMetadata) sameKeys(other *idpMetadata) bool {
	return slices.EqualFunc(m.keys, other.keys, sameKey)
}

func sameKey(a, b crypto.PublicKey) bool {
	eq, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && eq.Equal(b)
}

// refreshIn is when to fetch again: at the interval, or earlier where the document says so, never in less than a
// minute. Half the time to validUntil leaves room for a source that fails.
func (m *idpMetadata) refreshIn(now time.Time, interval time.Duration) time.Duration {
	wait := interval
	if m.cache > 0 {
		wait = min(wait, m.cache)
	}
	if !m.validUntil.IsZero() {
		wait = min(wait, m.validUntil.Sub(now)/2)
	}
	return max(wait, minRefresh)
}

// parseMetadata reads an EntityDescriptor, or picks one out of an EntitiesDescriptor (SAML metadata section 2.3). It
// reads strictly and by namespace, and only what is used: crewjam's reader takes elements of any namespace and fails
// on a role's cacheDuration. The document's own signature is not looked at: it is trusted for where it came from.
func parseMetadata(doc []byte, rules metadataRules) (md *idpMetadata, err error) {
	defer func() {
		if r := recover(); r != nil {
			md, err = nil, fmt.Errorf("the document is not readable: %v", r)
		}
	}()
	root, err := xmltree.Parse(doc, metadataLimits, nil)
	if err != nil {
		return nil, err
	}
	entity, err := pickEntity(root, rules.entityID)
	if err != nil {
		return nil, err
	}
	role, err := pickRole(entity)
	if err != nil {
		return nil, err
	}
	md = &idpMetadata{}
	if md.entityID, err = entityIDOf(entity); err != nil {
		return nil, err
	}
	for at := role; at != nil; at = at.Parent {
		if err := md.bound(at); err != nil {
			return nil, err
		}
	}
	if want, ok := role.Attr("WantAuthnRequestsSigned"); ok {
		md.wantSigned = want == "true" || want == "1"
	}
	if err := md.signOn(role, rules.allowHTTP); err != nil {
		return nil, err
	}
	md.logout(role, rules)
	return md, md.signingKeys(role, rules.ignored)
}

func entityIDOf(entity *xmltree.Element) (string, error) {
	id, _ := entity.Attr("entityID")
	if strings.TrimSpace(id) != id || id == "" || len(id) > maxEntityID {
		return "", errors.New("the entityID is missing, padded or too long")
	}
	return id, nil
}

// pickEntity finds the IdP's EntityDescriptor: the one with the wanted entity id, or the only one that is an IdP.
func pickEntity(root *xmltree.Element, want string) (*xmltree.Element, error) {
	var found []*xmltree.Element
	_ = root.Walk(func(el *xmltree.Element) error {
		if el.Is(metadataSpace, "EntityDescriptor") && properlyNested(el) && len(el.Named(metadataSpace, "IDPSSODescriptor")) > 0 {
			if id, _ := el.Attr("entityID"); want == "" || id == want {
				found = append(found, el)
			}
		}
		return nil
	})
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return nil, errors.New("the metadata describes more than one identity provider; name its entity id")
	case want != "":
		return nil, errors.New("the metadata does not describe an identity provider with the expected entity id")
	}
	return nil, errors.New("the metadata does not describe an identity provider")
}

// properlyNested admits an EntityDescriptor at the root or in EntitiesDescriptors only, not in an extension.
func properlyNested(el *xmltree.Element) bool {
	for at := el.Parent; at != nil; at = at.Parent {
		if !at.Is(metadataSpace, "EntitiesDescriptor") {
			return false
		}
	}
	return true
}

// pickRole finds the one IDPSSODescriptor that speaks SAML 2.0.
func pickRole(entity *xmltree.Element) (*xmltree.Element, error) {
	var found []*xmltree.Element
	for _, role := range entity.Named(metadataSpace, "IDPSSODescriptor") {
		protocols, _ := role.Attr("protocolSupportEnumeration")
		if slices.Contains(strings.Fields(protocols), protocolSpace) {
			found = append(found, role)
		}
	}
	if len(found) != 1 {
		return nil, errors.New("the metadata must have exactly one IDPSSODescriptor for SAML 2.0")
	}
	return found[0], nil
}

// bound takes validUntil and cacheDuration of one level; the earliest and the shortest count.
func (m *idpMetadata) bound(el *xmltree.Element) error {
	if raw, ok := el.Attr("validUntil"); ok {
		t, err := parseTime(raw)
		if err != nil {
			return fmt.Errorf("validUntil: %w", err)
		}
		if m.validUntil.IsZero() || t.Before(m.validUntil) {
			m.validUntil = t
		}
	}
	if raw, ok := el.Attr("cacheDuration"); ok {
		var d saml.Duration
		if err := d.UnmarshalText([]byte(raw)); err != nil || d < 0 || len(raw) > 40 {
			return errors.New("cacheDuration is not a duration")
		}
		if c := time.Duration(d); m.cache == 0 || c < m.cache {
			m.cache = c
		}
	}
	return nil
}

// signOn takes the first SingleSignOnService of each binding. One bad location spoils the document.
func (m *idpMetadata) signOn(role *xmltree.Element, allowHTTP bool) error {
	for _, svc := range role.Named(metadataSpace, "SingleSignOnService") {
		into := m.sso.of(svc)
		if into == nil {
			continue
		}
		location, _ := svc.Attr("Location")
		if err := checkURL(location, allowHTTP); err != nil {
			return fmt.Errorf("SingleSignOnService: %w", err)
		}
		if *into == "" {
			*into = location
		}
	}
	return nil
}

// logout takes the first SingleLogoutService of each binding. A bad location is passed over: nobody need stay out
// because they cannot leave the provider.
func (m *idpMetadata) logout(role *xmltree.Element, rules metadataRules) {
	for _, svc := range role.Named(metadataSpace, "SingleLogoutService") {
		ask, answer := m.slo.of(svc), m.sloAnswer.of(svc)
		if ask == nil || *ask != "" {
			continue
		}
		location, _ := svc.Attr("Location")
		response, given := svc.Attr("ResponseLocation") // SAML metadata section 2.2.2
		if !given {
			response = location
		}
		if err := errors.Join(checkURL(location, rules.allowHTTP), checkURL(response, rules.allowHTTP)); err != nil {
			rules.ignored(fmt.Errorf("SingleLogoutService: %w", err))
			continue
		}
		*ask, *answer = location, response
	}
}

// of is the place for a service's binding; nil for one that is not spoken here.
func (e *endpoint) of(svc *xmltree.Element) *string {
	switch binding, _ := svc.Attr("Binding"); binding {
	case saml.HTTPRedirectBinding:
		return &e.redirect
	case saml.HTTPPostBinding:
		return &e.post
	}
	return nil
}

// signingKeys collects the keys of KeyDescriptors for signing or for any use. Unusable ones are skipped, and a
// document that leaves none is refused.
func (m *idpMetadata) signingKeys(role *xmltree.Element, ignored func(error)) error {
	seen := 0
	for _, kd := range role.Named(metadataSpace, "KeyDescriptor") {
		if use, ok := kd.Attr("use"); ok && use != "signing" {
			continue
		}
		for _, cert := range certificates(kd) {
			if seen++; seen > maxCertificates {
				return errors.New("the metadata has too many certificates")
			}
			key, err := certificateKey(cert)
			if err != nil {
				ignored(err)
				continue
			}
			if !slices.ContainsFunc(m.keys, func(k crypto.PublicKey) bool { return sameKey(k, key) }) {
				m.keys = append(m.keys, key)
			}
		}
	}
	if len(m.keys) == 0 || len(m.keys) > maxKeys {
		return fmt.Errorf("the metadata must have 1 to %d usable signing keys", maxKeys)
	}
	return nil
}

func certificates(kd *xmltree.Element) []*xmltree.Element {
	var out []*xmltree.Element
	for _, info := range kd.Named(xmlsig.Space, "KeyInfo") {
		for _, data := range info.Named(xmlsig.Space, "X509Data") {
			out = append(out, data.Named(xmlsig.Space, "X509Certificate")...)
		}
	}
	return out
}

// certificateKey takes the public key out of a certificate and nothing else: SAML's metadata interoperability profile
// section 2.6.1 makes the certificate a mere container.
func certificateKey(el *xmltree.Element) (crypto.PublicKey, error) {
	text, err := el.Text()
	if err != nil {
		return nil, err
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil || len(der) > maxCertBytes {
		return nil, errors.New("not a certificate in base64, or too large")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return cert.PublicKey, checkStrength(cert.PublicKey)
}
