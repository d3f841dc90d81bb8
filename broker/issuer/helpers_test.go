package issuer_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"flag"
	"math/big"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
)

var update = flag.Bool("update", false, "write the golden files anew")

const issuerURL = "https://aws.example.com"

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func ecKey(curve elliptic.Curve) *ecdsa.PrivateKey {
	return must(ecdsa.GenerateKey(curve, rand.Reader))
}

func pkcs8(key crypto.Signer) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))}))
}

func certificate(key crypto.Signer) string {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "test"},
		NotBefore: noon.Add(-time.Hour), NotAfter: noon.Add(time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func fixed(t testing.TB, p issuer.Purpose, pems ...string) *issuer.Keyring {
	t.Helper()
	o := issuer.KeyringOptions{Purpose: p}
	for _, s := range pems {
		o.PEM = append(o.PEM, secret.New(s))
	}
	return must(issuer.NewKeyring(o))
}

func newIssuer(t testing.TB, change ...func(*issuer.Options)) *issuer.Issuer {
	t.Helper()
	o := issuer.Options{
		URL: issuerURL, Keys: fixed(t, issuer.PurposeJWT, pkcs8(ecKey(elliptic.P256()))),
		SAML: &issuer.SAMLOptions{Keys: fixed(t, issuer.PurposeSAML, pkcs8(rsaKey())+certificate(rsaKey()))},
	}
	for _, c := range change {
		c(&o)
	}
	return must(issuer.New(o))
}

func mintRequest() broker.MintRequest {
	return broker.MintRequest{
		ID: "01JDHX6T3QF8", Subject: "ci:repo%3Aacme/shop", SessionName: "gha-4711", SourceIdentity: "alice",
		RoleARN: "arn:aws:iam::111122223333:role/team/Deploy", PrincipalARN: "arn:aws:iam::111122223333:saml-provider/fedbroker",
		Tags:           []sts.Tag{{Key: "environment", Value: "prod"}, {Key: "repository", Value: "acme/shop"}},
		TransitiveTags: []string{"repository"},
		Now:            noon, Deadline: noon.Add(time.Hour), Duration: time.Hour,
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs:\n%s", path, got)
	}
}

// clock is a hand-wound clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: noon} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// memory is the smallest store that keeps broker.Store's promises for entries without end.
type memory struct {
	mu   sync.Mutex
	data map[string][]byte
	down bool
	adds int // OpAdd that won
	// forgetful loses what is added.
	forgetful bool
	// gate, when set, holds every OpAdd back until as many have arrived: all nodes have then found the store empty.
	gate *sync.WaitGroup
}

func newMemory() *memory { return &memory{data: map[string][]byte{}} }

func (m *memory) Do(_ context.Context, ops ...broker.Op) ([]broker.Result, error) {
	if m.gate != nil && ops[0].Kind == broker.OpAdd {
		m.gate.Done()
		m.gate.Wait()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return nil, errors.New("store is down")
	}
	out := make([]broker.Result, len(ops))
	for i, op := range ops {
		old, found := m.data[op.Key]
		out[i] = broker.Result{Found: found, Value: old}
		switch op.Kind {
		case broker.OpGet:
		case broker.OpAdd:
			if op.TTL != broker.Forever {
				return nil, errors.New("a signing key must not expire")
			}
			if !found && !m.forgetful {
				m.adds++
				m.data[op.Key] = op.Value
			}
		case broker.OpSet:
			m.data[op.Key] = op.Value
		default:
			return nil, errors.New("the keyring uses get, add and set")
		}
	}
	return out, nil
}

func (m *memory) setDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}
