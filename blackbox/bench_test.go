package blackbox

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// verification is V: the time of one RSA-2048 verification, the best of some rounds. Costs are given in it, for machines
// change speed.
func verification(b *testing.B) time.Duration {
	b.Helper()
	const rounds, times = 20, 50
	key := keysOfIssuers().rsa
	digest := sha256.Sum256([]byte("V"))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	if err != nil {
		b.Fatal(err)
	}
	best := time.Hour
	for range rounds {
		start := time.Now()
		for range times {
			if err := rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], sig); err != nil {
				b.Fatal(err)
			}
		}
		best = min(best, time.Since(start)/times)
	}
	return best
}

// exchanges times whole exchanges over kept connections from 16 clients, and reports the broker's own processor time
// beside the time that passes: V-cpu is the broker alone, V-wall has the client and everything else on the machine.
// next makes one exchange; what it prepares is not the broker's time. Allocations are not reported: they would be the
// client's.
func exchanges(b *testing.B, node *process, role string, next func() (answer, error)) {
	b.Helper()
	check := hasRole(role)
	once := func() error {
		a, err := next()
		return errors.Join(err, check(a))
	}
	for range 50 { // connections, keys, caches
		if err := once(); err != nil {
			b.Fatal(err)
		}
	}
	v := verification(b)
	before, err := node.cpu()
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := once(); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.StopTimer()
	after, err := node.cpu()
	if err != nil {
		b.Fatal(err)
	}
	cpu := float64(after-before) / float64(b.N)
	b.ReportMetric(cpu/1e3, "broker-µs/op")
	b.ReportMetric(cpu/float64(v), "V-cpu/op")
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(v), "V-wall/op")
	b.ReportMetric(float64(v)/1e3, "µs/V")
}

func memoryNode(b *testing.B) *process {
	b.Helper()
	node, err := w.single()
	if err != nil {
		b.Fatal(err)
	}
	return node
}

// The same RS256 token again and again, as SDKs send it; credentials from the cache in memory.
func BenchmarkJWTCachedInMemory(b *testing.B) {
	node, token := memoryNode(b), workload("pinned", attackerSub).string()
	exchanges(b, node, "CIAttacker", func() (answer, error) { return bearer(w.memoryURL, token) })
}

// The same with the cache in Redis.
func BenchmarkJWTCachedInRedis(b *testing.B) {
	token := workload("pinned", attackerSub).string()
	exchanges(b, w.nodes[1], "CIAttacker", func() (answer, error) { return bearer(w.nodeURLs[1], token) })
}

// A token that must be accepted once and costs a mark in Redis; cached credentials.
func BenchmarkJWTOnceCachedInRedis(b *testing.B) {
	fresh := func() string {
		return workload("once", attackerSub).by("ES256", "ec", keysOfIssuers().ec).string()
	}
	exchanges(b, w.nodes[1], "CIAttacker", func() (answer, error) { return bearer(w.nodeURLs[1], fresh()) })
}

// Every exchange asks for another session policy, so that each costs a signed token and a call of STS.
func BenchmarkJWTMiss(b *testing.B) {
	token := workload("pinned", attackerSub).string()
	number := counter()
	exchanges(b, w.nodes[1], "CIAttacker", func() (answer, error) {
		body := fmt.Sprintf(`{"policy":"{\"Version\":\"2012-10-17\",\"Statement\":[{\"Sid\":\"S%d\",\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"*\"}]}"}`, number())
		return post(w.nodeURLs[1]+"/api/v1/credentials", "application/json", body, "Authorization", "Bearer "+token)
	})
}

// SAML Response in, cached credentials out; every Response is new, of about 4 KB, its assertion signed by RSA.
func BenchmarkSAMLFormToCredentials(b *testing.B) {
	corp := &target{idp: "corp", entity: entityCorp}
	exchanges(b, w.nodes[1], "Attacker", func() (answer, error) { return direct(w.nodeURLs[1], good(corp, attacker).form()) })
}

func counter() func() int64 {
	var mu sync.Mutex
	n := time.Now().UnixNano()
	return func() int64 {
		mu.Lock()
		defer mu.Unlock()
		n++
		return n
	}
}
