package web_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/web"
)

func TestThrottle(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := web.NewThrottle(2, 3, func() time.Time { return now })
	allowed := func(address string, n int) (ok int) {
		for range n {
			if th.Allow(address) {
				ok++
			}
		}
		return ok
	}
	if got := allowed("192.0.2.1", 10); got != 3 {
		t.Errorf("a burst of %d", got)
	}
	if got := allowed("192.0.2.2", 10); got != 3 {
		t.Errorf("another address was let through %d times", got)
	}
	if got := allowed("::ffff:192.0.2.1", 10); got != 0 {
		t.Errorf("the same address in IPv6 clothes was let through %d times", got)
	}
	if got := allowed("2001:db8::1", 2) + allowed("2001:db8::2", 2) + allowed("2001:db8::ffff:3", 2); got != 3 {
		t.Errorf("one /64 was let through %d times", got)
	}
	if got := allowed("x", 2) + allowed("y", 2); got != 3 {
		t.Errorf("what is not an address was let through %d times", got)
	}
	now = now.Add(time.Second)
	if got := allowed("192.0.2.1", 10); got != 2 {
		t.Errorf("after a second %d", got)
	}
}

func TestThrottleRemembersABoundedNumber(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	th := web.NewThrottle(1, 1, func() time.Time { return now })
	for i := range 1 << 14 {
		now = now.Add(time.Millisecond)
		th.Allow(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255))
	}
	th.Allow("192.0.2.9") // makes room
	if th.Allow("192.0.2.9") {
		t.Error("the newcomer was not counted")
	}
	if th.Allow(fmt.Sprintf("10.0.%d.%d", (1<<14-1)>>8, (1<<14-1)&255)) {
		t.Error("the one seen last was forgotten")
	}
}
