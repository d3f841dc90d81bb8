package iampolicy

import (
	"strings"
	"testing"
)

func BenchmarkEvaluateTrust(b *testing.B) {
	in := TrustInput{
		RoleARN: roleARN, TrustPolicy: source(b, githubTrust, Trust), Action: webIdentity,
		Principal: NewFederated(github), Context: githubRequest().context(),
	}
	b.ReportAllocs()
	for b.Loop() {
		if !EvaluateTrust(in).Allowed {
			b.Fatal("refused")
		}
	}
}

func BenchmarkParseTrust(b *testing.B) {
	doc := []byte(githubTrust)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, Trust); err != nil {
			b.Fatal(err)
		}
	}
}

// The worst pattern that a session policy has room for against a long claim.
func BenchmarkGlobWorstCase(b *testing.B) {
	g, text := newGlob(strings.Repeat("*a?", 600)+"b"), strings.Repeat("a", 20000)
	b.ReportAllocs()
	for b.Loop() {
		g.match(text)
	}
}
