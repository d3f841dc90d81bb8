package portal

import (
	"testing"
	"time"
)

func TestLeftText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		12 * time.Hour: "12 h 0 min left", 3*time.Hour + 12*time.Minute + 59*time.Second: "3 h 12 min left", time.Hour: "1 h 0 min left",
		59*time.Minute + 59*time.Second: "59 min left", time.Minute: "1 min left", 59 * time.Second: "less than a minute left", -time.Hour: "less than a minute left",
	} {
		if got := leftText(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}
