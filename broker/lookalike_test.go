package broker_test

import (
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
)

// lookAlikes are 64 subjects that a careless cache key, folding, trimming or joining, would take for one another.
func lookAlikes() []string {
	subjects := []string{
		"alice", "Alice", "ALICE", "alicE", " alice", "alice ", "alice\t", "alice\n", "\nalice", "alice\x00", "alice\x00x", "\u200balice", "alice\u200b",
		"аlice", "alıce", "aliсe", "ａlice", "alice\u0301", "alic\u00e9", "alice/", "/alice", "alice:", ":alice", "corp:alice", "alice|", "alice,",
		"alice%00", "alice%20", "alice+", "alice@corp", "alice@corp.example", "alice@corp@evil.example", "alice..", "../alice", "alice#", "alice?", "alice;",
		"al", "ali", "alic", "alicee", "aalice", "alice\"", "\"alice\"", "'alice'", "{\"sub\":\"alice\"}", "alice\\", "alice\r", "alice\r\n", "null", "0", "00",
	}
	for n := len(subjects); n < 64; n++ {
		subjects = append(subjects, strings.Repeat("alice", n))
	}
	return subjects
}

// Look-alikes ask at once, many times each: nobody gets what was issued for another.
func TestNobodyGetsWhatALookAlikeGot(t *testing.T) {
	w := newWorld(t)
	type answer struct{ subject, key string }
	subjects := lookAlikes()
	answers := make(chan answer, 8*len(subjects))
	var wait sync.WaitGroup
	for range 8 {
		for _, s := range subjects {
			wait.Go(func() {
				issued, err := w.exchange(w.identity(s), broker.Want{Role: "prod/deploy"})
				if err != nil {
					t.Errorf("%q: %v", s, err)
				}
				answers <- answer{s, issued.Credentials.AccessKeyID}
			})
		}
	}
	wait.Wait()
	close(answers)
	for a := range answers {
		n, err := strconv.Atoi(strings.TrimPrefix(a.key, "ASIA"))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := w.sts.calls[n-1].WebIdentityToken.Reveal(), "jwt for corp:"+a.subject; got != want {
			t.Errorf("%q was given what was issued with %q", a.subject, got)
		}
	}
}
