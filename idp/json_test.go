package idp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp"
)

func repeat(s string, n int) string { return strings.Repeat(s, n) }

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `%q:0,`, fmt.Sprint("n", i))
	}
	return "{" + strings.TrimSuffix(b.String(), ",") + "}"
}

// refusedDocuments must not be read at all.
func refusedDocuments() map[string]string {
	return map[string]string{
		"nothing":                     ``,
		"white space":                 "  \n",
		"null":                        `null`,
		"array":                       `[]`,
		"string":                      `"sub"`,
		"number":                      `1`,
		"two objects":                 `{}{}`,
		"trailing text":               `{} x`,
		"trailing NUL":                "{}\x00",
		"trailing comma":              `{"a":1,}`,
		"leading comma":               `{,"a":1}`,
		"two commas":                  `{"a":1,,"b":2}`,
		"no colon":                    `{"a" 1}`,
		"two colons":                  `{"a"::1}`,
		"no value":                    `{"a":}`,
		"no name":                     `{:1}`,
		"bare name":                   `{a:1}`,
		"single quotes":               `{'a':1}`,
		"number as name":              `{1:1}`,
		"null as name":                `{null:1}`,
		"open object":                 `{"a":1`,
		"open string":                 `{"a":"b}`,
		"open name":                   `{"a`,
		"open array":                  `{"a":[1`,
		"array, trailing comma":       `{"a":[1,]}`,
		"array, leading comma":        `{"a":[,1]}`,
		"array, no comma":             `{"a":[1 2]}`,
		"wrong bracket":               `{"a":[1}}`,
		"wrong opening":               `["a":1}`,
		"comment":                     `{"a":1}//`,
		"inner comment":               `{/**/"a":1}`,
		"byte order mark":             "\ufeff{}",
		"no-break space":              "{\u00a0}",
		"form feed":                   "{\f}",
		"UTF-16":                      "{\x00\"\x00a\x00\"\x00:\x001\x00}\x00",
		"broken UTF-8":                "{\"a\":\"\xff\"}",
		"overlong UTF-8":              "{\"s\":\"\xc0\xa2\"}",
		"surrogate in UTF-8":          "{\"s\":\"\xed\xa0\x80\"}",
		"control in string":           "{\"a\":\"\n\"}",
		"NUL in string":               "{\"a\":\"\x00\"}",
		"escape at the end":           `{"a":"\`,
		"escaped quote at the end":    `{"a":"\"`,
		"unknown escape":              `{"a":"\x41"}`,
		"octal escape":                `{"a":"\012"}`,
		"escaped apostrophe":          `{"a":"\'"}`,
		"short unicode escape":        `{"a":"\u41"}`,
		"signed unicode escape":       `{"a":"\u+041"}`,
		"unicode escape with _":       `{"a":"\u0_41"}`,
		"upper case \\U":              `{"a":"\U0041"}`,
		"lone high surrogate":         `{"a":"\ud800"}`,
		"lone low surrogate":          `{"a":"\udc00"}`,
		"two high surrogates":         `{"a":"\ud800\ud800"}`,
		"reversed surrogates":         `{"a":"\udc00\ud800"}`,
		"high surrogate, then text":   `{"a":"\ud800x"}`,
		"high surrogate, then escape": `{"a":"\ud800\n"}`,
		"high surrogate, short":       `{"a":"\ud800\udc"}`,
		"lone surrogate as name":      `{"\ud800":1}`,
		"lone surrogate, nested":      `{"a":{"b":["\udfff"]}}`,
		"True":                        `{"a":True}`,
		"tru":                         `{"a":tru}`,
		"truefalse":                   `{"a":truefalse}`,
		"undefined":                   `{"a":undefined}`,
		"NaN":                         `{"a":NaN}`,
		"Infinity":                    `{"a":Infinity}`,
		"-Infinity":                   `{"a":-Infinity}`,
		"leading zero":                `{"a":01}`,
		"leading plus":                `{"a":+1}`,
		"two minus":                   `{"a":--1}`,
		"minus alone":                 `{"a":-}`,
		"leading dot":                 `{"a":.5}`,
		"trailing dot":                `{"a":1.}`,
		"dot, then e":                 `{"a":1.e5}`,
		"e without digits":            `{"a":1e}`,
		"e with sign only":            `{"a":1e+}`,
		"e with two signs":            `{"a":1e+-1}`,
		"hexadecimal":                 `{"a":0x10}`,
		"grouped":                     `{"a":1_000}`,
		"number over float64":         `{"a":1e400}`,
		"number under -float64":       `{"a":-1e400}`,
		"number over float64, nested": `{"a":[{"b":1e309}]}`,
		"41 digits":                   `{"a":` + repeat("1", 41) + `}`,
		"a long fraction":             `{"a":0.` + repeat("0", 50000) + `1}`,
		"a long exponent":             `{"a":1e` + repeat("0", 50000) + `1}`,
		"too deep, arrays":            `{"a":` + repeat("[", 16) + repeat("]", 16) + `}`,
		"too deep, objects":           repeat(`{"a":`, 16) + `{}` + repeat("}", 16),
		"far too deep":                `{"a":` + repeat("[", 100000),
		"too many names":              manyNames(2001),
		"too many names, nested":      `{"a":` + manyNames(2000) + `}`,
		"too large":                   `{"a":"` + repeat("x", 1<<18) + `"}`,
		"twice":                       `{"sub":"a","sub":"b"}`,
		"twice, same value":           `{"sub":"a","sub":"a"}`,
		"twice, far apart":            `{"sub":"a","x":{"y":[1,2]},"z":null,"sub":"b"}`,
		"twice, first escaped":        `{"\u0073ub":"a","sub":"b"}`,
		"twice, second escaped":       `{"sub":"a","s\u0075b":"b"}`,
		"twice, both escaped":         `{"\u0073ub":"a","s\u0075b":"b"}`,
		"twice, hex case":             `{"\u006a":1,"\u006A":2}`,
		"twice, escaped solidus":      `{"a/b":1,"a\/b":2}`,
		"twice, pair and UTF-8":       `{"\ud83d\ude00":1,"😀":2}`,
		"twice, empty":                `{"":1,"":2}`,
		"twice, nested":               `{"a":{"b":1,"b":2}}`,
		"twice, nested in array":      `{"a":[0,{"b":1,"\u0062":2}]}`,
	}
}

func TestParseClaimsRefuses(t *testing.T) {
	for name, doc := range refusedDocuments() {
		t.Run(name, func(t *testing.T) {
			if c, err := idp.ParseClaims([]byte(doc)); err == nil {
				t.Errorf("accepted with names %q", c.Names())
			}
		})
	}
}

func TestParseClaimsReads(t *testing.T) {
	for _, tc := range []struct {
		name, doc, claim string
		want             any
	}{
		{"string", `{"sub":"a"}`, "sub", "a"},
		{"spaces", " \t\r\n{ \"sub\" \n:\t\"a\" \r, \"b\" : 1 } \n", "sub", "a"},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}`, "a", "\"\\/\b\f\n\r\té😀"},
		{"escaped name", `{"\u0073ub":"a"}`, "sub", "a"},
		{"empty name", `{"":1}`, "", int64(1)},
		{"same name, other level", `{"sub":"a","x":{"sub":"b"}}`, "sub", "a"},
		{"same value text as name", `{"a":"sub","sub":"b"}`, "sub", "b"},
		{"true", `{"a":true}`, "a", true},
		{"false", `{"a":false}`, "a", false},
		{"null", `{"a":null}`, "a", nil},
		{"zero", `{"a":0}`, "a", int64(0)},
		{"minus zero", `{"a":-0}`, "a", int64(0)},
		{"integer", `{"a":-12}`, "a", int64(-12)},
		{"greatest int64", `{"a":9223372036854775807}`, "a", int64(9223372036854775807)},
		{"past int64", `{"a":9223372036854775808}`, "a", float64(9223372036854775808)},
		{"fraction", `{"a":1.50}`, "a", 1.5},
		{"integer with fraction", `{"a":5.0}`, "a", 5.0},
		{"exponent", `{"a":1E+2}`, "a", 100.0},
		{"tiny", `{"a":1e-400}`, "a", 0.0},
		{"40 digits", `{"a":` + repeat("1", 40) + `}`, "a", 1.1111111111111112e39},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := idp.ParseClaims([]byte(tc.doc))
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := c.Get(tc.claim); !ok || got != tc.want {
				t.Errorf("got %#v, %v; want %#v", got, ok, tc.want)
			}
		})
	}
}

func TestParseClaimsReadsUpToTheLimits(t *testing.T) {
	for name, doc := range map[string]string{
		"deep":  `{"a":` + repeat("[", 15) + repeat("]", 15) + `}`,
		"names": manyNames(2000),
		"large": `{"a":"` + repeat("x", 1<<18-8) + `"}`,
		"empty": `{}`,
	} {
		if _, err := idp.ParseClaims([]byte(doc)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Names that look alike are other names: none of them is ever read as sub.
func TestLookAlikesAreNeverTheOtherClaim(t *testing.T) {
	for _, name := range []string{"Sub", "SUB", "ſub", "sub ", " sub", "sub\\u0000", "ѕub", "sub\\u200b", "s\\u0075B", "ｓub"} {
		c, err := idp.ParseClaims([]byte(`{"sub":"alice","` + name + `":"mallory"}`))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if got := c.Text("sub"); got != "alice" {
			t.Errorf("%q beside sub: sub is %q", name, got)
		}
		c, err = idp.ParseClaims([]byte(`{"` + name + `":"mallory"}`))
		if got, ok := c.Get("sub"); err != nil || ok {
			t.Errorf("%q alone: sub is %q, %v", name, got, err)
		}
	}
}

// oracle reads a document with the standard library's tokens, slowly: the grammar and names that ParseClaims must
// agree with. It knows no limits but those the caller keeps.
func oracle(doc string) error {
	dec := json.NewDecoder(strings.NewReader(doc))
	dec.UseNumber()
	tok, err := dec.Token()
	if err != nil {
		return err
	}
	if tok != json.Delim('{') {
		return errors.New("no object")
	}
	if err := oracleMembers(dec, true); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("data after the object")
	}
	return nil
}

func oracleMembers(dec *json.Decoder, object bool) error {
	seen := map[string]bool{}
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		if object {
			name := tok.(string)
			if seen[name] {
				return errors.New("twice")
			}
			seen[name] = true
			if tok, err = dec.Token(); err != nil {
				return err
			}
		}
		if d, ok := tok.(json.Delim); ok {
			if err := oracleMembers(dec, d == '{'); err != nil {
				return err
			}
		}
	}
	_, err := dec.Token()
	return err
}

// FuzzParseClaims holds the scanner to the standard library: what it reads is valid JSON without equal names, and
// what it gives back survives being written and read again.
func FuzzParseClaims(f *testing.F) {
	for _, doc := range refusedDocuments() {
		if len(doc) < 1000 {
			f.Add(doc)
		}
	}
	f.Add(`{"iss":"https://x","aud":["a","b"],"exp":1.5e9,"n":{"a":[true,false,null,-0.1e-5]},"s":"\u00e9\ud83d\ude00\/"}`)
	f.Fuzz(func(t *testing.T, doc string) {
		c, err := idp.ParseClaims([]byte(doc))
		if err != nil {
			return
		}
		if !json.Valid([]byte(doc)) {
			t.Fatalf("accepted, and not JSON: %q", doc)
		}
		if err := oracle(doc); err != nil {
			t.Fatalf("accepted, and the oracle says %v: %q", err, doc)
		}
		written, err := json.Marshal(c)
		if err != nil {
			t.Fatalf("cannot be written: %v", err)
		}
		var again idp.Claims
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("cannot be read again: %v: %s", err, written)
		}
		if fmt.Sprintf("%#v", again.Map()) != fmt.Sprintf("%#v", c.Map()) {
			t.Fatalf("changed: %#v, then %#v", c.Map(), again.Map())
		}
	})
}

func githubPayload() []byte {
	return []byte(`{"jti":"0a1b2c3d-7f3a-4c52-9a5e-3e2f4a5b6c7d","sub":"repo:octo-org/shop:ref:refs/heads/main","aud":"https://aws.example.com","ref":"refs/heads/main","sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e","repository":"octo-org/shop","repository_owner":"octo-org","repository_owner_id":"9919","run_id":"8145620345","run_number":"42","run_attempt":"1","repository_visibility":"private","repository_id":"1296269","actor_id":"583231","actor":"octocat","workflow":"deploy","head_ref":"","base_ref":"","event_name":"push","ref_protected":"true","ref_type":"branch","workflow_ref":"octo-org/shop/.github/workflows/deploy.yml@refs/heads/main","workflow_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e","job_workflow_ref":"octo-org/shop/.github/workflows/deploy.yml@refs/heads/main","job_workflow_sha":"6dcb09b5b57875f334f61aebed695e2e4193db5e","runner_environment":"github-hosted","iss":"https://token.actions.githubusercontent.com","nbf":1790000000,"exp":1790000900,"iat":1790000300}`)
}

// BenchmarkParseClaims is one pass over a GitHub token's payload and three look-ups, as a rule with exact pins makes.
func BenchmarkParseClaims(b *testing.B) {
	doc := githubPayload()
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		c, err := idp.ParseClaims(doc)
		if err != nil || c.Text("sub") == "" || c.Text("repository_id") == "" || c.Text("ref") == "" {
			b.Fatal(err)
		}
	}
}
