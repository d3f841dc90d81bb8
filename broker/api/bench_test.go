package api_test

import "testing"

// BenchmarkCredentials is the whole door with a bearer token: reading, verification, rules and an answer of the cache.
func BenchmarkCredentials(b *testing.B) {
	d := newDoor(b)
	token := bearer(d.Token())
	b.ReportAllocs()
	for b.Loop() {
		if w := d.do(credentials, `{"role":"prod/deploy","duration":"1h"}`, token); w.Code != 200 {
			b.Fatalf("%d %s", w.Code, w.Body)
		}
	}
}
