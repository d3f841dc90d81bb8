package saml_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/elliptic"
	"encoding/base64"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

// TestHostileMetadata: a Provider is not made from any of these.
func TestHostileMetadata(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	doc := string(i.Metadata())
	cert := base64.StdEncoding.EncodeToString(i.Keys[0].Cert.Raw)
	weak, p224 := idptest.WeakRSAKey(), idptest.ECDSAKey(elliptic.P224())
	location := func(s string) string { return strings.ReplaceAll(doc, "https://idp.example.com/sso/redirect", s) }
	many := idptest.NewSAMLIDP(clock)
	many.Keys = nil
	for range 21 {
		many.Keys = append(many.Keys, idptest.ECDSAKey(elliptic.P256()))
	}
	start := strings.Index(doc, "<md:KeyDescriptor")
	end := strings.Index(doc, "</md:KeyDescriptor>") + len("</md:KeyDescriptor>")
	key := doc[start:end]
	cases := map[string]string{
		"not XML":                    "hello",
		"HTML":                       "<html/>",
		"doctype":                    "<!DOCTYPE x>" + doc,
		"another root":               `<a>` + doc + `</a>`,
		"our own role only":          strings.ReplaceAll(doc, "IDPSSODescriptor", "SPSSODescriptor"),
		"another namespace":          strings.Replace(doc, "SAML:2.0:metadata", "SAML:2.0:other", 1),
		"SAML 1.1 only":              strings.Replace(doc, "SAML:2.0:protocol", "SAML:1.1:protocol", 1),
		"no protocol":                strings.Replace(doc, "protocolSupportEnumeration", "other", 1),
		"two roles":                  strings.Replace(doc, "<md:IDPSSODescriptor", `<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/><md:IDPSSODescriptor`, 1),
		"no entity id":               strings.Replace(doc, "entityID", "other", 1),
		"blank entity id":            strings.Replace(doc, i.EntityID, " ", 1),
		"padded entity id":           strings.Replace(doc, i.EntityID, " "+i.EntityID, 1),
		"long entity id":             strings.Replace(doc, i.EntityID, strings.Repeat("a", 1025), 1),
		"two IdPs":                   `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + doc + strings.Replace(doc, i.EntityID, "urn:b", 1) + `</md:EntitiesDescriptor>`,
		"hidden in an extension":     `<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:a"><md:Extensions>` + doc + `</md:Extensions></md:EntityDescriptor>`,
		"no key":                     doc[:start] + doc[end:],
		"an encryption key only":     strings.Replace(doc, `use="signing"`, `use="encryption"`, 1),
		"an unknown use":             strings.Replace(doc, `use="signing"`, `use="Signing"`, 1),
		"an empty use":               strings.Replace(doc, `use="signing"`, `use=""`, 1),
		"not base64":                 strings.Replace(doc, cert, "%%%", 1),
		"not a certificate":          strings.Replace(doc, cert, "AAAA", 1),
		"a cut certificate":          strings.Replace(doc, cert, cert[:400], 1),
		"a huge certificate":         strings.Replace(doc, cert, strings.Repeat("AAAA", 20_000), 1),
		"RSA 1024":                   strings.Replace(doc, cert, base64.StdEncoding.EncodeToString(weak.Cert.Raw), 1),
		"P-224":                      strings.Replace(doc, cert, base64.StdEncoding.EncodeToString(p224.Cert.Raw), 1),
		"21 keys":                    string(many.Metadata()),
		"41 certificates":            doc[:start] + strings.Repeat(key, 41) + doc[end:],
		"key elements elsewhere":     strings.Replace(doc, "<md:KeyDescriptor", `<md:Extensions><md:KeyDescriptor`, 1),
		"javascript":                 location("javascript:alert(1)"),
		"data":                       location("data:text/html,x"),
		"http":                       location("http://idp.example.com/sso"),
		"http on loopback":           location("http://127.0.0.1/sso"),
		"relative":                   location("/sso"),
		"no host":                    location("https:///sso"),
		"a password":                 location("https://a:b@idp.example.com/sso"),
		"a fragment":                 location("https://idp.example.com/sso#x"),
		"an empty location":          location(""),
		"a control character":        location("https://idp.example.com/&#10;x"),
		"expired":                    strings.Replace(doc, "entityID=", `validUntil="2026-08-01T12:00:00Z" entityID=`, 1),
		"expired role":               strings.Replace(doc, "<md:IDPSSODescriptor", `<md:IDPSSODescriptor validUntil="2020-01-01T00:00:00Z"`, 1),
		"expired group":              `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" validUntil="2020-01-01T00:00:00Z">` + doc + `</md:EntitiesDescriptor>`,
		"validUntil without zone":    strings.Replace(doc, "entityID=", `validUntil="2030-08-01T12:00:00" entityID=`, 1),
		"a bad cacheDuration":        strings.Replace(doc, "entityID=", `cacheDuration="soon" entityID=`, 1),
		"a negative cacheDuration":   strings.Replace(doc, "entityID=", `cacheDuration="-PT1H" entityID=`, 1),
		"a long cacheDuration":       strings.Replace(doc, "entityID=", `cacheDuration="PT`+strings.Repeat("1", 60)+`S" entityID=`, 1),
		"too large":                  doc + strings.Repeat(" ", 1<<20),
		"too deep":                   strings.Replace(doc, "<md:IDPSSODescriptor", "<md:Extensions>"+strings.Repeat("<md:a>", 70)+strings.Repeat("</md:a>", 70)+"</md:Extensions><md:IDPSSODescriptor", 1),
		"too many elements":          strings.Replace(doc, "<md:IDPSSODescriptor", "<md:Extensions>"+strings.Repeat("<md:a/>", 20_000)+"</md:Extensions><md:IDPSSODescriptor", 1),
		"attribute twice":            strings.Replace(doc, "entityID=", `entityID="urn:evil" entityID=`, 1),
		"an instruction":             strings.Replace(doc, "<md:IDPSSODescriptor", "<?x y?><md:IDPSSODescriptor", 1),
		"a comment in a certificate": strings.Replace(doc, cert, cert[:40]+"<!-- -->"+cert[40:], 1),
	}
	for name, bad := range cases {
		t.Run(name, func(t *testing.T) {
			if bad == doc {
				t.Fatal("the case changes nothing")
			}
			opt := options(i)
			opt.Metadata = []byte(bad)
			if p, err := saml.New(opt); err == nil {
				t.Errorf("accepted, entity id %q", p.EntityID())
			}
		})
	}
}

func TestBenignMetadata(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	doc := string(i.Metadata())
	ec := `<md:KeyDescriptor><ds:KeyInfo><ds:KeyName>k</ds:KeyName><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`
	for name, ok := range map[string]string{
		"as it is":                    doc,
		"byte order mark":             "\ufeff" + doc,
		"declaration":                 `<?xml version="1.0" encoding="utf-8"?>` + doc,
		"key for any use":             strings.Replace(doc, ` use="signing"`, "", 1),
		"a group of one":              `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + doc + `</md:EntitiesDescriptor>`,
		"a bad key beside a good one": strings.Replace(doc, "<md:KeyDescriptor", ec+"<md:KeyDescriptor", 1),
		"two protocols":               strings.Replace(doc, `"urn:oasis:names:tc:SAML:2.0:protocol"`, `"urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol"`, 1),
		"validUntil ahead":            strings.Replace(doc, "entityID=", `validUntil="2026-08-01T12:00:01Z" cacheDuration="P1D" entityID=`, 1),
		"cacheDuration of the role":   strings.Replace(doc, "<md:IDPSSODescriptor", `<md:IDPSSODescriptor cacheDuration="PT1H"`, 1),
		"unknown bindings":            strings.Replace(doc, "<md:SingleSignOnService", `<md:SingleSignOnService Binding="urn:x" Location="soap.beep:x"/><md:SingleSignOnService`, 1),
		"other roles":                 strings.Replace(doc, "<md:IDPSSODescriptor", `<md:RoleDescriptor protocolSupportEnumeration="http://docs.oasis-open.org/wsfed/federation/200706"/><md:IDPSSODescriptor`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t, i, func(o *saml.Options) { o.Metadata = []byte(ok) })
			if id, err := finish(p, i.Respond(t, good())); err != nil || id.Issuer != i.EntityID || p.EntityID() != i.EntityID {
				t.Errorf("got %v, %v", id.Issuer, err)
			}
		})
	}
	t.Run("the pinned one of two", func(t *testing.T) {
		two := `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">` + strings.Replace(doc, i.EntityID, "urn:b", 1) + doc + `</md:EntitiesDescriptor>`
		p := newProvider(t, i, func(o *saml.Options) { o.Metadata, o.IDPEntityID = []byte(two), i.EntityID })
		if p.EntityID() != i.EntityID {
			t.Errorf("got %q", p.EntityID())
		}
	})
	t.Run("http on loopback where allowed", func(t *testing.T) {
		d := strings.Replace(doc, "https://idp.example.com/sso/redirect", "http://127.0.0.1:8081/sso", 1)
		newProvider(t, i, func(o *saml.Options) { o.Metadata, o.AllowInsecureHTTP = []byte(d), true })
	})
}

func TestOptions(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	weak := idptest.WeakRSAKey()
	ec := idptest.ECDSAKey(elliptic.P256())
	fetch := func(context.Context, string) ([]byte, error) { return nil, errors.New("unused") }
	for name, f := range map[string]func(*saml.Options){
		"no id":                       func(o *saml.Options) { o.ID = "" },
		"no entity id":                func(o *saml.Options) { o.EntityID = "" },
		"no ACS":                      func(o *saml.Options) { o.ACSURL = "" },
		"http ACS":                    func(o *saml.Options) { o.ACSURL = "http://broker.example.com/acs" },
		"no signing key":              func(o *saml.Options) { o.Signing = saml.SigningKey{} },
		"weak signing key":            func(o *saml.Options) { o.Signing = saml.SigningKey{Key: weak.Signer, Cert: weak.Cert} },
		"foreign certificate":         func(o *saml.Options) { o.Signing.Cert = ec.Cert },
		"decryption key without cert": func(o *saml.Options) { o.Encryption[0].Cert = nil },
		"decryption key, other cert":  func(o *saml.Options) { o.Encryption[0].Cert = idptest.RSAKey(0).Cert },
		"ECDSA decryption key": func(o *saml.Options) {
			o.Encryption[0] = saml.DecryptionKey{Key: notRSA{ec.Signer}, Cert: ec.Cert}
		},
		"no metadata":               func(o *saml.Options) { o.Metadata = nil },
		"both kinds of metadata":    func(o *saml.Options) { o.MetadataURL, o.Fetch = "https://idp.example.com/md", fetch },
		"no fetcher":                func(o *saml.Options) { o.Metadata, o.MetadataURL = nil, "https://idp.example.com/md" },
		"http metadata":             func(o *saml.Options) { o.Metadata, o.MetadataURL, o.Fetch = nil, "http://idp.example.com/md", fetch },
		"negative skew":             func(o *saml.Options) { o.Skew = -1 },
		"huge skew":                 func(o *saml.Options) { o.Skew = time.Hour },
		"negative age":              func(o *saml.Options) { o.MaxAge = -1 },
		"huge age":                  func(o *saml.Options) { o.MaxAge = 2 * time.Hour },
		"a second between refreshs": func(o *saml.Options) { o.RefreshInterval = time.Second },
		"another entity id":         func(o *saml.Options) { o.IDPEntityID = "urn:other" },
	} {
		t.Run(name, func(t *testing.T) {
			opt := options(i)
			f(&opt)
			if _, err := saml.New(opt); err == nil {
				t.Error("accepted")
			}
		})
	}
}

// notRSA decrypts nothing.
type notRSA struct{ crypto.Signer }

func (notRSA) Decrypt(_ io.Reader, _ []byte, _ crypto.DecrypterOpts) ([]byte, error) {
	return nil, errors.New("unused")
}

// remote is a metadata source whose document, error and time the test sets.
type remote struct {
	mu      sync.Mutex
	doc     []byte
	err     error
	fetched atomic.Int64
	now     time.Time
}

func (r *remote) set(doc []byte, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.doc, r.err = doc, err
}

func (r *remote) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *remote) pass(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now = r.now.Add(d)
}

func (r *remote) options(o *saml.Options) {
	o.Metadata, o.MetadataURL, o.Clock = nil, "https://idp.example.com/md", r.clock
	o.Fetch = func(context.Context, string) ([]byte, error) {
		r.fetched.Add(1)
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.doc, r.err
	}
}

func TestMetadataRefresh(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	r := &remote{now: noon, err: errors.New("down")}
	p := newProvider(t, i, r.options)
	ctx := context.Background()

	_, _, err := p.Begin(ctx, idp.LoginRequest{})
	wantKind(t, err, idp.KindUnavailable)
	_, err = finish(p, i.Respond(t, good()))
	wantKind(t, err, idp.KindUnavailable)
	if n := r.fetched.Load(); n != 1 || p.EntityID() != "" {
		t.Fatalf("%d fetches: logins do not hammer the source", n)
	}

	r.set(i.Metadata(), nil)
	r.pass(11 * time.Second)
	if _, err = finish(p, i.Respond(t, good())); err != nil || p.EntityID() != i.EntityID {
		t.Fatalf("after the outage: %v", err)
	}

	// A document that is bad in any way leaves the good one in force.
	moved := idptest.NewSAMLIDP(clock)
	moved.EntityID = "urn:other"
	keyless := idptest.NewSAMLIDP(clock)
	keyless.Keys = nil
	for name, bad := range map[string][]byte{"no keys": keyless.Metadata(), "another entity id": moved.Metadata(), "garbage": []byte("x"), "nothing": nil} {
		r.set(bad, nil)
		if p.Refresh(ctx) == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err = finish(p, i.Respond(t, good())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	// A rollover takes hold, and the old key goes.
	old := i.Respond(t, good())
	i.Keys = []idptest.SAMLKey{idptest.RSAKey(1)}
	r.set(i.Metadata(), nil)
	if err := p.Refresh(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err = finish(p, i.Respond(t, good())); err != nil {
		t.Error(err)
	}
	if id, err := finish(p, old); err == nil {
		t.Errorf("the old key is still good: %v", id.Subject)
	}
}

func TestMetadataPastItsEnd(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	r := &remote{now: noon}
	doc := func(until string) []byte {
		return []byte(strings.Replace(string(i.Metadata()), "entityID=", `validUntil="`+until+`" entityID=`, 1))
	}
	r.set(doc("2026-08-01T13:00:00Z"), nil)
	p := newProvider(t, i, r.options)
	if err := p.Refresh(context.Background()); err != nil {
		t.Fatal(err)
	}
	r.pass(time.Hour)
	_, err := finish(p, i.Respond(t, good()))
	wantKind(t, err, idp.KindUnavailable)
	r.set(doc("2026-08-01T14:00:00Z"), nil)
	r.pass(11 * time.Second)
	i.Clock = r.clock
	if _, err = finish(p, i.Respond(t, good())); err != nil {
		t.Errorf("a login fetches what has ended: %v", err)
	}

	static := newProvider(t, i, func(o *saml.Options) { o.Metadata, o.Clock = doc("2026-08-01T13:30:00Z"), r.clock })
	r.pass(time.Hour)
	_, err = finish(static, i.Respond(t, good()))
	wantKind(t, err, idp.KindUnavailable)
}

func TestConcurrentLoginsFetchOnce(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	release := make(chan struct{})
	var fetched atomic.Int64
	p := newProvider(t, i, func(o *saml.Options) {
		o.Metadata, o.MetadataURL = nil, "https://idp.example.com/md"
		o.Fetch = func(context.Context, string) ([]byte, error) {
			fetched.Add(1)
			<-release
			return i.Metadata(), nil
		}
	})
	response := i.Respond(t, good())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := finish(p, response); err != nil {
				t.Error(err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := fetched.Load(); n < 1 || n > 8 {
		t.Errorf("%d fetches", n)
	}
}

// Run fetches at once, then when the document or the interval says so, and again a minute after a failure.
func TestRun(t *testing.T) {
	for name, c := range map[string]struct {
		attrs string
		err   error
		next  time.Duration
	}{
		"the interval":        {"", nil, time.Hour},
		"cacheDuration":       {`cacheDuration="PT10M"`, nil, 10 * time.Minute},
		"a long one":          {`cacheDuration="P9D"`, nil, time.Hour},
		"a short one":         {`cacheDuration="PT1S"`, nil, time.Minute},
		"validUntil":          {`validUntil="2000-01-01T00:40:00Z"`, nil, 20 * time.Minute},
		"a failure":           {"", errors.New("down"), time.Minute},
		"validUntil is close": {`validUntil="2000-01-01T00:00:30Z"`, nil, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			i := idptest.NewSAMLIDP(time.Now)
			_ = i.Keys[0] // made outside the bubble: key generation is not part of its time
			doc := []byte(strings.Replace(string(i.Metadata()), "entityID=", c.attrs+" entityID=", 1))
			opt := options(i)
			synctest.Test(t, func(t *testing.T) {
				var fetched atomic.Int64
				opt.Metadata, opt.MetadataURL, opt.Clock = nil, "https://idp.example.com/md", time.Now
				opt.Fetch = func(context.Context, string) ([]byte, error) {
					fetched.Add(1)
					return doc, c.err
				}
				p, err := saml.New(opt)
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				go p.Run(ctx)
				synctest.Wait()
				if n := fetched.Load(); n != 1 {
					t.Fatalf("%d fetches at the start", n)
				}
				time.Sleep(c.next - time.Second)
				synctest.Wait()
				if n := fetched.Load(); n != 1 {
					t.Fatalf("%d fetches before it is due", n)
				}
				time.Sleep(2 * time.Second)
				synctest.Wait()
				if n := fetched.Load(); n != 2 {
					t.Fatalf("%d fetches when due", n)
				}
				cancel()
				synctest.Wait()
			})
		})
	}
	newProvider(t, idptest.NewSAMLIDP(clock)).Run(context.Background()) // static metadata: returns
}

func TestRefreshOfStaticMetadata(t *testing.T) {
	if err := newProvider(t, idptest.NewSAMLIDP(clock)).Refresh(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestWhatStaysInForceIsSaidAsItIs(t *testing.T) {
	const stays, nobody = "stays in force", "nobody can sign in"
	i := idptest.NewSAMLIDP(clock)
	r := &remote{now: noon, err: errors.New("down")}
	var log bytes.Buffer
	p := newProvider(t, i, r.options, func(o *saml.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_ = p.Refresh(t.Context())
	if got := log.String(); !strings.Contains(got, nobody) || strings.Contains(got, stays) {
		t.Errorf("with no metadata: %s", got)
	}
	r.set(i.Metadata(), nil)
	if err := p.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	log.Reset()
	r.set(nil, errors.New("down"))
	_ = p.Refresh(t.Context())
	if got := log.String(); strings.Contains(got, nobody) || !strings.Contains(got, stays) {
		t.Errorf("with good metadata: %s", got)
	}
}
