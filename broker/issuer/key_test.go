package issuer_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"reflect"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/issuer"
	"github.com/fedbroker/fedbroker/internal/secret"
)

var ecKeyP256 = ecKey(elliptic.P256())

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// reasons are for refusals that somebody can mend only when told what is wrong.
var reasons = map[string]string{
	"SAML without certificate":  "needs its certificate beside it",
	"SAML with ECDSA":           "with an RSA key",
	"another key's certificate": "belongs to another key",
	"nothing":                   "no private key in PEM form",
}

func TestPEM(t *testing.T) {
	sec1 := block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(ecKeyP256)))
	pkcs1 := block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey()))
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	ec, rs := pkcs8(ecKeyP256), pkcs8(rsaKey())
	for _, c := range []struct {
		name    string
		purpose issuer.Purpose
		pem     string
		ok      bool
	}{
		{"PKCS 8, P-256", issuer.PurposeJWT, ec, true},
		{"SEC 1 behind its parameters", issuer.PurposeJWT, block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}) + sec1, true},
		{"PKCS 1", issuer.PurposeJWT, pkcs1, true},
		{"text around it", issuer.PurposeJWT, "comment\n" + ec + "comment\n", true},
		{"RSA with certificate", issuer.PurposeSAML, certificate(rsaKey()) + rs, true},

		{"nothing", issuer.PurposeJWT, "", false},
		{"P-384", issuer.PurposeJWT, pkcs8(ecKey(elliptic.P384())), false},
		{"Ed25519", issuer.PurposeJWT, pkcs8(edwards), false},
		{"RSA of 1024 bits", issuer.PurposeJWT, pkcs8(small), false},
		{"two keys", issuer.PurposeJWT, ec + rs, false},
		{"a certificate for JWTs", issuer.PurposeJWT, rs + certificate(rsaKey()), false},
		{"a public key", issuer.PurposeJWT, block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(rsaKey().Public()))), false},
		{"damaged", issuer.PurposeJWT, block("PRIVATE KEY", []byte("damaged")), false},
		{"SAML without certificate", issuer.PurposeSAML, rs, false},
		{"SAML with ECDSA", issuer.PurposeSAML, ec + certificate(ecKeyP256), false},
		{"another key's certificate", issuer.PurposeSAML, rs + certificate(small), false},
		{"two certificates", issuer.PurposeSAML, rs + certificate(rsaKey()) + certificate(rsaKey()), false},
		{"damaged certificate", issuer.PurposeSAML, rs + block("CERTIFICATE", []byte("damaged")), false},
	} {
		_, err := issuer.NewKeyring(issuer.KeyringOptions{Purpose: c.purpose, PEM: []secret.Text{secret.New(c.pem)}})
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if want := reasons[c.name]; err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", c.name, err, want)
		}
		if err != nil && c.pem != "" && strings.Contains(err.Error(), strings.Split(c.pem, "\n")[1]) {
			t.Errorf("%s: the key is in the error", c.name)
		}
	}
}

func TestGeneratedCertificate(t *testing.T) {
	k := node(t, newMemory(), newClock(), func(o *issuer.KeyringOptions) { o.Purpose = issuer.PurposeSAML })
	key, err := k.Current(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(key.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if err := cert.CheckSignature(cert.SignatureAlgorithm, cert.RawTBSCertificate, cert.Signature); err != nil {
		t.Errorf("not self-signed: %v", err)
	}
	if pub, ok := cert.PublicKey.(*rsa.PublicKey); !ok || pub.N.BitLen() != 2048 {
		t.Error("not RSA-2048")
	}
	seen := map[string]bool{}
	for _, ext := range cert.Extensions {
		if seen[ext.Id.String()] {
			t.Errorf("extension %s is repeated: AWS refuses the metadata", ext.Id)
		}
		seen[ext.Id.String()] = true
	}
	if cert.SignatureAlgorithm != x509.SHA256WithRSA || cert.SerialNumber.Sign() <= 0 {
		t.Error("signature algorithm or serial number")
	}
	if cert.NotBefore.After(noon) || cert.NotAfter.Before(noon.AddDate(9, 0, 0)) {
		t.Errorf("valid from %v to %v", cert.NotBefore, cert.NotAfter)
	}
}

// Invariant 11: the issuer key signs proofs for STS and nothing else. Nothing that a caller can reach from the exported
// names is a private key or signs bytes of the caller's choice.
func TestNoExportedNameHandsOutAKey(t *testing.T) {
	signer := reflect.TypeFor[crypto.Signer]()
	for _, typ := range []reflect.Type{reflect.TypeFor[*issuer.Issuer](), reflect.TypeFor[*issuer.Keyring](), reflect.TypeFor[*issuer.Key]()} {
		for i := range typ.NumMethod() {
			m := typ.Method(i)
			if strings.Contains(m.Name, "Sign") {
				t.Errorf("%s.%s", typ, m.Name)
			}
			for out := range m.Type.NumOut() {
				if m.Type.Out(out).Implements(signer) {
					t.Errorf("%s.%s returns a signer", typ, m.Name)
				}
			}
		}
		for i := range typ.Elem().NumField() {
			if f := typ.Elem().Field(i); f.IsExported() && (f.Type.Implements(signer) || f.Type.Kind() == reflect.Interface) {
				t.Errorf("%s.%s may hold a private key", typ, f.Name)
			}
		}
	}
}
