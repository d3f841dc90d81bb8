package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/audit"
)

// lineOf writes one event and returns the line and what it says.
func lineOf(t *testing.T, e broker.Event) ([]byte, broker.Event) {
	t.Helper()
	var out bytes.Buffer
	l, err := audit.Open(audit.Options{Writer: &out, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Record(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	wantSound(t, out.Bytes(), 1)
	var line struct{ Event broker.Event }
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), line.Event
}

// everything fills every text of an event with the same.
func everything(text string, lists int) broker.Event {
	e := broker.Event{
		ID: text, Time: start, Door: text, Action: text, Remote: text, Outcome: text, Detail: text, Cause: text,
		Provider: text, Issuer: text, Subject: text, Username: text, ProofHash: text, Session: text, Role: text, RoleARN: text,
		Rule: text, SessionName: text, SourceIdentity: text, STSAction: text, AccessKeyID: text, AWSRequestID: text,
		Tags: map[string]string{}, Expiration: start, Cached: true, Count: 1 << 60,
	}
	for i := range lists {
		e.Tags[fmt.Sprint(i, text)] = text
		e.Ignored = append(e.Ignored, text)
		e.Ended = append(e.Ended, strings.Repeat("a", 64))
	}
	return e
}

func TestEveryRecordFits(t *testing.T) {
	for name, char := range map[string]string{"ascii": "a", "control": "\x00", "markup": "<", "runes": "日", "invalid": "\xff", "separator": "\u2028"} {
		for _, size := range []int{0, 1, 30, 100, 300, 1000, 100_000} {
			for _, lists := range []int{0, 3, 50, 1000} {
				if lists*size > 1_000_000 {
					continue
				}
				line, got := lineOf(t, everything(strings.Repeat(char, size), lists))
				if len(line) > audit.MaxLine {
					t.Errorf("%s, %d, %d lists: a line of %d bytes", name, size, lists, len(line))
				}
				if size > 0 && (got.Subject == "" || got.Outcome == "" || got.Role == "" || got.Provider == "" || got.Door == "") {
					t.Errorf("%s, %d: who, what or outcome was dropped: %s", name, size, line)
				}
			}
		}
	}
}

func TestLongNamesStayTwoNames(t *testing.T) {
	e := event(1)
	e.Subject = strings.Repeat("s", 20_000) + "1"
	_, one := lineOf(t, e)
	e.Subject = strings.Repeat("s", 20_000) + "2"
	_, two := lineOf(t, e)
	if one.Subject == two.Subject || !strings.Contains(one.Subject, "…[cut ") {
		t.Errorf("%q and %q", one.Subject, two.Subject)
	}
	if one.Issuer != e.Issuer || one.Role != e.Role || one.Outcome != e.Outcome || one.ID != e.ID {
		t.Errorf("short members changed: %+v", one)
	}
}

func TestCutListsSaySo(t *testing.T) {
	e := event(1)
	e.Tags = map[string]string{}
	for i := range 500 {
		e.Ignored = append(e.Ignored, fmt.Sprintf("parameter-%03d", i))
		e.Tags[fmt.Sprintf("key-%03d", i)] = strings.Repeat("v", 100)
	}
	_, got := lineOf(t, e)
	if last := got.Ignored[len(got.Ignored)-1]; !strings.Contains(last, "more]") || got.Ignored[0] != "parameter-000" {
		t.Errorf("ignored: %v", got.Ignored)
	}
	if !strings.Contains(got.Tags["…[cut]"], "more") || got.Tags["key-000"] == "" {
		t.Errorf("tags: %v", got.Tags)
	}
	if len(e.Ignored) != 500 || len(e.Tags) != 500 || e.Ignored[499] != "parameter-499" {
		t.Error("the caller's event was changed")
	}
}

func TestAnEventCannotForgeALine(t *testing.T) {
	e := event(1)
	e.Username = "x\n{\"seq\":2}\r\n\u2028"
	line, got := lineOf(t, e)
	if bytes.Count(line, []byte("\n")) != 1 || got.Username != e.Username {
		t.Errorf("line %q", line)
	}
}
