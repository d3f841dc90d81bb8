package wire_test

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

func parse(t *testing.T, form string) *wire.Query {
	t.Helper()
	q, err := wire.ParseForm(form)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestLists(t *testing.T) {
	q := parse(t, "T.member.2.Key=b&T.member.01.Key=a&T.member.1.Value=x&T.member.10.Key=c&S.member.3=z&S.member.1=y&Empty=&X-Amz-Date=1")
	got, err := q.Structs("T")
	if err != nil {
		t.Fatal(err)
	}
	if want := "[map[Key:a Value:x] map[Key:b] map[Key:c]]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %s", got, want)
	}
	list, err := q.Strings("S")
	if err != nil || fmt.Sprint(list) != "[y z]" {
		t.Errorf("got %v %v", list, err)
	}
	if list, err := q.Strings("Empty"); err != nil || len(list) != 0 {
		t.Errorf("an empty list: %v %v", list, err)
	}
	if _, ok := q.Get("X-Amz-Date"); ok {
		t.Error("a parameter of the signature is one of the operation")
	}
	for _, form := range []string{"T.member.x=1", "T.member.-1=1", "T.member.=1", "T.member.99999999999=1", "T.member.12=1", "T.member.1.K=1&T.member.001.K=2"} {
		_, err := parse(t, form).Structs("T")
		var refused *wire.Error
		if !errors.As(err, &refused) || refused.Code != "MalformedInput" {
			t.Errorf("%s: %v", form, err)
		}
	}
}

func TestInt(t *testing.T) {
	for raw, want := range map[string]int{"7": 7, "007": 7, "%2B7": 7, "-7": -7, "2147483647": 2147483647} {
		got, ok, err := parse(t, "N="+raw).Int("N")
		if got != want || !ok || err != nil {
			t.Errorf("%s: %d %v %v", raw, got, ok, err)
		}
	}
	for _, raw := range []string{"2147483648", "1.0", "1e3", "0x1", "%201", "1_0", "a"} {
		if _, _, err := parse(t, "N="+raw).Int("N"); err == nil {
			t.Errorf("%s: accepted", raw)
		}
	}
}

func TestChecker(t *testing.T) {
	var check wire.Checker
	check.String("a", "100%s", wire.Shape{Max: 3})
	check.String("b", "", wire.Shape{Min: 2})
	check.String("c", "hush", wire.Shape{Max: 3, Sensitive: true})
	const want = "ValidationError: 2 validation errors detected: Value '100%s' at 'a' failed to satisfy constraint: Member must have length less than or equal to 3; " +
		"Value at 'c' failed to satisfy constraint: Member must have length less than or equal to 3"
	if err := check.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	var many wire.Checker
	for range 1000 {
		many.Int("n", 1, 2, 3)
	}
	if text := many.Err().Error(); !strings.HasPrefix(text, "ValidationError: 1000 validation errors detected: ") || len(text) > 2000 {
		t.Errorf("%d bytes: %.100s", len(text), text)
	}
}

func TestRequestForms(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		method, target, contentType, body, want string
	}{
		"a form":              {"POST", "/", form, "Action=A", ""},
		"a query":             {"GET", "/?Action=A", "", "", ""},
		"a parameter twice":   {"POST", "/", form, "Action=A&Action=B", "MalformedInput"},
		"an action in both":   {"POST", "/?Action=A", form, "Action=A", "MalformedQueryString"},
		"a version in both":   {"POST", "/?Version=A", form, "Action=A", "MalformedQueryString"},
		"a value in the URL":  {"POST", "/?a=b", form, "Action=A", "MalformedQueryString"},
		"a signature there":   {"POST", "/?X-Amz-Date=1", form, "Action=A", ""},
		"a body of a GET":     {"GET", "/?Action=A", "", "x", "MalformedInput"},
		"another method":      {"DELETE", "/", "", "", "MethodNotAllowed"},
		"another type":        {"POST", "/", "text/plain", "Action=A", "MalformedInput"},
		"more than its limit": {"POST", "/", form, "a=" + strings.Repeat("b", wire.MaxBody), "RequestEntityTooLarge"},
	} {
		request := httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
		if test.contentType != "" {
			request.Header.Set("Content-Type", test.contentType)
		}
		body, err := wire.ReadBody(request)
		if err == nil {
			_, err = wire.ParseRequest(request, body)
		}
		got := ""
		if err != nil {
			got = wire.AsError(err).Code
		}
		if got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
