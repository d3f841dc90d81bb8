package issuer_test

import (
	"testing"

	"github.com/fedbroker/fedbroker/broker/issuer"
)

func BenchmarkWebIdentityToken(b *testing.B) {
	for name, pem := range map[string]string{"ES256": pkcs8(ecKeyP256), "RS256": pkcs8(rsaKey())} {
		b.Run(name, func(b *testing.B) {
			i := newIssuer(b, func(o *issuer.Options) { o.Keys = fixed(b, issuer.PurposeJWT, pem) })
			p := mintRequest()
			b.ReportAllocs()
			for b.Loop() {
				if _, err := i.WebIdentityToken(b.Context(), p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSAMLResponse(b *testing.B) {
	i, p := newIssuer(b), mintRequest()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := i.SAMLResponse(b.Context(), p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSubject(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		issuer.Subject("ci", "repo:acme/shop:ref:refs/heads/main")
	}
}
