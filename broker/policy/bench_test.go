package policy

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
)

// repositories is a company with a rule for each of n repositories, a deny rule for all of them, and the identity of a
// job in the middle one. The rules differ in their pins and share their expressions.
func repositories(t testing.TB, n int) (*Policy, *idp.Identity) {
	t.Helper()
	p, problems := Compile(Options{IdPs: []IdP{{ID: "ci", Kind: KindWorkload}}, Roles: worldRoles(), Rules: repositoryRules(n)})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return p, jobIdentity(t, n)
}

func repositoryRules(n int) []Rule {
	rules := make([]Rule, 0, n)
	rules = append(rules, Rule{Name: "no forks", IdP: "ci", Deny: true, Roles: []string{"*"}, When: `claims.event_name == "pull_request_target"`})
	for i := range n - 1 {
		rules = append(rules, Rule{
			Name: fmt.Sprint("repository ", i), IdP: "ci",
			Match:   map[string][]string{"repository_id": {fmt.Sprint(i)}, "ref": {"refs/heads/main"}},
			When:    `claims.event_name != "pull_request"`,
			Roles:   []string{fmt.Sprint("r", i%4)},
			Session: Session{Name: `"gha-" + claims.run_id`, Tags: map[string]string{"repository": "claims.repository"}},
		})
	}
	return rules
}

func jobIdentity(t testing.TB, n int) *idp.Identity {
	t.Helper()
	claims, err := idp.ParseClaims(fmt.Appendf(nil, `{"sub":"repo:acme/shop:ref:refs/heads/main","repository_id":"%d",
		"repository":"acme/shop","ref":"refs/heads/main","event_name":"push","run_id":"77","actor":"alice","sha":"abc",
		"workflow":"deploy","run_attempt":"1","environment":"prod","repository_owner_id":"9919"}`, n/2))
	if err != nil {
		t.Fatal(err)
	}
	return &idp.Identity{Provider: "ci", Issuer: "https://ci.example.com", Subject: "repo:acme/shop:ref:refs/heads/main", Claims: claims}
}

func BenchmarkDecide(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n, "_rules"), func(b *testing.B) {
			p, id := repositories(b, n)
			b.ReportAllocs()
			for b.Loop() {
				if len(p.Decide(id, propertyNow).Grants) != 1 {
					b.Fatal("not granted")
				}
			}
		})
	}
}

// BenchmarkCandidates is the index alone, which is what must stay flat.
func BenchmarkCandidates(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n, "_rules"), func(b *testing.B) {
			p, id := repositories(b, n)
			v := newView(id)
			b.ReportAllocs()
			for b.Loop() {
				p.idps["ci"].index.candidates(v, nil)
			}
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		rules := repositoryRules(n)
		b.Run(fmt.Sprint(n, "_rules"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, problems := Compile(Options{IdPs: []IdP{{ID: "ci", Kind: KindWorkload}}, Roles: worldRoles(), Rules: rules}); len(problems) > 0 {
					b.Fatal(problems)
				}
			}
		})
	}
}

func BenchmarkExplain(b *testing.B) {
	p, id := repositories(b, 1000)
	b.ReportAllocs()
	for b.Loop() {
		p.Explain(id, "r0", propertyNow)
	}
}

// BenchmarkMemory reports what a rule keeps, over and above the configuration it was made from.
func BenchmarkMemory(b *testing.B) {
	const n = 100_000
	rules := repositoryRules(n)
	for b.Loop() {
		before := heap()
		p, problems := Compile(Options{IdPs: []IdP{{ID: "ci", Kind: KindWorkload}}, Roles: worldRoles(), Rules: rules})
		if len(problems) > 0 {
			b.Fatal(problems)
		}
		b.ReportMetric(float64(heap()-before)/n, "B/rule")
		runtime.KeepAlive(p)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
