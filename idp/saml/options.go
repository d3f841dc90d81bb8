package saml

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"time"
)

// Options describe one SAML identity provider and our side of the relation with it.
type Options struct {
	// ID is the id of the identity provider in our configuration; it becomes Identity.Provider.
	ID string
	// EntityID is ours: the URL of our metadata. Audiences must equal it.
	EntityID string
	// ACSURL is our assertion consumer service. Destination and Recipient must equal it.
	ACSURL string
	// LogoutURL is our single logout service, by redirect and by POST. Destination must equal it.
	LogoutURL string

	// Signing signs our AuthnRequests and all logout messages; its certificate is published. Required.
	Signing SigningKey
	// Encryption are the keys that open encrypted assertions, newest first; all are tried and all are published.
	// Without any, encrypted assertions are refused.
	Encryption []DecryptionKey

	// Metadata is the IdP's metadata document. Exactly one of Metadata and MetadataURL is set.
	Metadata []byte
	// MetadataURL is where the metadata is fetched: https, or http on loopback with AllowInsecureHTTP.
	MetadataURL string
	// Fetch gets MetadataURL. It owns time, size, redirect and address limits. Required with MetadataURL.
	Fetch func(ctx context.Context, url string) ([]byte, error)
	// RefreshInterval is the longest time between two fetches; default 1 h, at least 1 min. The document's
	// cacheDuration and validUntil shorten it.
	RefreshInterval time.Duration
	// IDPEntityID pins the IdP's entity id and picks one of an EntitiesDescriptor. When it is empty the metadata must
	// describe a single IdP, and the entity id of the first good document is pinned from then on.
	IDPEntityID string

	// AllowIDPInitiated accepts unsolicited Responses at the ACS (SAML profiles 4.1.5).
	AllowIDPInitiated bool
	// Direct accepts unsolicited Responses in Verify, outside a browser flow.
	Direct bool
	// AllowSHA1 accepts SHA-1 in signatures and digests of this IdP. It is logged when the Provider is made.
	AllowSHA1 bool
	// AllowInsecureHTTP accepts http URLs on loopback: in the IdP's metadata, for MetadataURL, ACSURL and LogoutURL.
	AllowInsecureHTTP bool
	// SignRequests signs AuthnRequests even where the metadata does not ask for it.
	SignRequests bool
	// NameIDFormat is asked for in the AuthnRequest; empty leaves the choice to the IdP.
	NameIDFormat string

	// Skew is how far the two clocks may differ; default 60 s, at most 5 min.
	Skew time.Duration
	// MaxAge is how long after its IssueInstant an assertion is accepted; default 5 min, at most 1 h.
	MaxAge time.Duration

	// Claims names the attributes behind the normalised claims.
	Claims ClaimMapping

	// Clock is the time; default time.Now.
	Clock func() time.Time
	// Rand makes request ids and ECDSA signatures; default crypto/rand.
	Rand io.Reader
	// Logger gets what operators must know: SHA-1 switched on, keys ignored, refreshes that failed. Default: nothing.
	Logger *slog.Logger
}

// SigningKey is a key pair with its certificate: RSA of at least 2048 bits or ECDSA on P-256, P-384 or P-521.
type SigningKey struct {
	Key  crypto.Signer
	Cert *x509.Certificate
}

// DecryptionKey is an RSA key pair with its certificate. The Key takes [rsa.OAEPOptions], as *rsa.PrivateKey does.
type DecryptionKey struct {
	Key  crypto.Decrypter
	Cert *x509.Certificate
}

// ClaimMapping names the attributes (by Name, exactly) that become Username, Email, Groups and AMR. The first that the
// assertion carries with a value counts. A nil list means the defaults, an empty one none.
type ClaimMapping struct {
	Username []string
	Email    []string
	Groups   []string
	// AMR is how the person signed in: SAML has a class for it (Identity.ACR), AD FS and Entra ID add an attribute.
	AMR []string
}

const (
	defaultSkew    = time.Minute
	maxSkew        = 5 * time.Minute
	defaultMaxAge  = 5 * time.Minute
	maxMaxAge      = time.Hour
	defaultRefresh = time.Hour
	minRefresh     = time.Minute
	minRSABits     = 2048
	maxRSABits     = 8192
)

func (o *Options) setDefaults() {
	if o.Skew == 0 {
		o.Skew = defaultSkew
	}
	if o.MaxAge == 0 {
		o.MaxAge = defaultMaxAge
	}
	if o.RefreshInterval == 0 {
		o.RefreshInterval = defaultRefresh
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Claims.setDefaults()
}

// check reports everything that is wrong at once.
func (o *Options) check() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.ID == "" {
		bad("ID is empty")
	}
	if o.EntityID == "" || len(o.EntityID) > maxEntityID {
		bad("EntityID must have 1 to %d characters", maxEntityID)
	}
	if err := checkURL(o.ACSURL, o.AllowInsecureHTTP); err != nil {
		bad("ACSURL: %w", err)
	}
	if err := checkURL(o.LogoutURL, o.AllowInsecureHTTP); err != nil {
		bad("LogoutURL: %w", err)
	}
	if o.Skew < 0 || o.Skew > maxSkew {
		bad("skew must be between 0 and %v", maxSkew)
	}
	if o.MaxAge < 0 || o.MaxAge > maxMaxAge {
		bad("max_age must be between 0 and %v", maxMaxAge)
	}
	if o.RefreshInterval < minRefresh {
		bad("refresh interval must be at least %v", minRefresh)
	}
	errs = append(errs, o.checkSource(), o.checkKeys())
	return errors.Join(errs...)
}

func (o *Options) checkSource() error {
	switch hasDoc, hasURL := len(o.Metadata) > 0, o.MetadataURL != ""; {
	case hasDoc == hasURL:
		return errors.New("exactly one of metadata and metadata_url is needed")
	case hasDoc:
		return nil
	case o.Fetch == nil:
		return errors.New("a metadata_url needs Fetch")
	}
	if err := checkURL(o.MetadataURL, o.AllowInsecureHTTP); err != nil {
		return fmt.Errorf("metadata_url: %w", err)
	}
	return nil
}

func (o *Options) checkKeys() error {
	if o.Signing.Key == nil || o.Signing.Cert == nil {
		return errors.New("a signing key with its certificate is needed")
	}
	if err := checkPair(o.Signing.Key.Public(), o.Signing.Cert); err != nil {
		return fmt.Errorf("signing key: %w", err)
	}
	for i, k := range o.Encryption {
		if k.Key == nil || k.Cert == nil {
			return fmt.Errorf("encryption key %d: a key with its certificate is needed", i)
		}
		if _, ok := k.Key.Public().(*rsa.PublicKey); !ok {
			return fmt.Errorf("encryption key %d: not an RSA key", i)
		}
		if err := checkPair(k.Key.Public(), k.Cert); err != nil {
			return fmt.Errorf("encryption key %d: %w", i, err)
		}
	}
	return nil
}

func checkPair(pub crypto.PublicKey, cert *x509.Certificate) error {
	if err := checkStrength(pub); err != nil {
		return err
	}
	if same, ok := pub.(interface{ Equal(crypto.PublicKey) bool }); !ok || !same.Equal(cert.PublicKey) {
		return errors.New("the certificate belongs to another key")
	}
	return nil
}

// checkStrength holds a public key to what we sign, verify and decrypt with.
func checkStrength(pub crypto.PublicKey) error {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSABits || n > maxRSABits {
			return fmt.Errorf("RSA key of %d bits; %d to %d are accepted", n, minRSABits, maxRSABits)
		}
		if k.E < 3 || k.E%2 == 0 {
			return errors.New("RSA key with a bad exponent")
		}
		return nil
	case *ecdsa.PublicKey:
		if ecdsaHash(k) == 0 {
			return errors.New("ECDSA key on a curve other than P-256, P-384 and P-521")
		}
		return nil
	}
	return fmt.Errorf("%T is neither an RSA nor an ECDSA key", pub)
}

// checkURL is the allow-list for every URL that a browser or we are sent to (CVE-2023-45683: javascript:).
func checkURL(raw string, allowHTTP bool) error {
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("not a URL")
	}
	switch {
	case u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return errors.New("an absolute URL with a host is needed")
	case u.User != nil:
		return errors.New("a URL must not carry a password")
	case u.Fragment != "":
		return errors.New("a URL must not carry a fragment")
	case u.Scheme == "https":
		return nil
	case u.Scheme == "http" && allowHTTP && loopback(u.Hostname()):
		return nil
	}
	return errors.New("only https URLs are accepted (http on loopback where switched on)")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
