package idp_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
)

func parse(t *testing.T, doc string) idp.Claims {
	t.Helper()
	c, err := idp.ParseClaims([]byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestAt(t *testing.T) {
	c := parse(t, `{"a":"top","o":{"b":{"c":1},"x/y":"slash","m~n":"tilde","":"empty"},"l":["zero",{"d":true}],"a/b":"name","":"none","n":null}`)
	for key, want := range map[string]any{
		"a": "top", "/a": "top", "a/b": "name", "/a~1b": "name", "/o/b/c": int64(1), "/o/x~1y": "slash", "/o/m~0n": "tilde",
		"/o/": "empty", "/": "none", "": "none", "/l/0": "zero", "/l/1/d": true, "/n": nil,
	} {
		if got, ok := c.At(key); !ok || got != want {
			t.Errorf("%q: got %#v, %v; want %#v", key, got, ok, want)
		}
	}
	for _, key := range []string{"/A", "o/b", "/o/c", "/a/b", "/l/2", "/l/-1", "/l/00", "/l/+1", "/l/-", "/l/x", "/n/a", "/o/b/c/d", "//o"} {
		if got, ok := c.At(key); ok {
			t.Errorf("%q: got %#v", key, got)
		}
	}
}

func TestMapAndNames(t *testing.T) {
	c := parse(t, `{"b":[1,2.5,"x",{"y":[null]}],"a":{"k":3}}`)
	want := map[string]any{"b": []any{int64(1), 2.5, "x", map[string]any{"y": []any{nil}}}, "a": map[string]any{"k": int64(3)}}
	if !reflect.DeepEqual(c.Map(), want) {
		t.Errorf("got %#v", c.Map())
	}
	if !slices.Equal(c.Names(), []string{"a", "b"}) {
		t.Errorf("got %q", c.Names())
	}
	if c.Text("b") != "" || c.Text("none") != "" {
		t.Error("Text is for strings only")
	}
}

// The store keeps identities as JSON: types must survive it, also where a float64 happens to be whole.
func TestClaimsSurviveTheStore(t *testing.T) {
	for _, c := range []idp.Claims{
		parse(t, `{"f":5.0,"i":5,"s":"<&>","l":["a"],"o":{"f":1.0},"big":9007199254740993}`),
		idp.NewClaims(map[string]any{"groups": []any{"a", "b"}, "ok": true}),
		{},
	} {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		var back idp.Claims
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(back.Map(), c.Map()) {
			t.Errorf("got %#v, want %#v", back.Map(), c.Map())
		}
	}
	var c idp.Claims
	if err := c.UnmarshalJSON([]byte(`{"a":1,"a":2}`)); err == nil {
		t.Error("the store's JSON is held to the same rules")
	}
}

func TestClaimsAreSafeForConcurrentReaders(t *testing.T) {
	c := parse(t, `{"l":[1,2,3],"o":{"a":1.5}}`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			v, _ := c.Get("l")
			v.([]any)[0] = "changed by its owner" // a decoded value belongs to who asked
			c.Map()
		})
	}
	wg.Wait()
	if v, _ := c.At("/l/0"); v != int64(1) {
		t.Errorf("a reader changed the claims: %v", v)
	}
}

func TestParseClaimsKeepsItsOwnCopy(t *testing.T) {
	doc := []byte(`{"sub":"alice"}`)
	c, err := idp.ParseClaims(doc)
	if err != nil {
		t.Fatal(err)
	}
	copy(doc, `{"sub":"mallo"}`)
	if got := c.Text("sub"); got != "alice" {
		t.Errorf("got %q", got)
	}
}

func TestErrorKeepsTheCauseForOurselves(t *testing.T) {
	cause := errors.New("private cause")
	err := idp.Refuse(idp.KindExpired, "the token has expired", cause)
	if !errors.Is(err, cause) || err.Error() != "the token has expired: private cause" || err.Reason != "the token has expired" {
		t.Errorf("got %q, reason %q", err, err.Reason)
	}
	if got := idp.Refuse(idp.KindInvalid, "no", nil).Error(); got != "no" {
		t.Errorf("got %q", got)
	}
}
