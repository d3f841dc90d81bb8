package saml_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

// swap replaces text of the finished document.
func swap(old, with string) func(string) string {
	return func(doc string) string { return strings.Replace(doc, old, with, 1) }
}

func TestHostileLexical(t *testing.T) {
	const name = ">" + alice + "<"
	var cases []hostile
	for what, raw := range map[string]func(string) string{
		"doctype":                      func(s string) string { return "<!DOCTYPE x>" + s },
		"doctype behind a declaration": func(s string) string { return `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "v">]>` + s },
		"external entity": func(s string) string {
			return `<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>` + strings.Replace(s, name, ">&e;<", 1)
		},
		"undefined entity":                  swap(name, ">alice&e;<"),
		"laughs":                            func(s string) string { return `<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>` + s },
		"doctype inside":                    swap("<samlp:Status>", "<!DOCTYPE x><samlp:Status>"),
		"element declaration inside":        swap("<samlp:Status>", "<!ELEMENT x ANY><samlp:Status>"),
		"instruction in front":              func(s string) string { return `<?x y?>` + s },
		"instruction inside":                swap("<samlp:Status>", "<?x y?><samlp:Status>"),
		"instruction in the name":           swap(name, ">alice<?x y?>@example.com<"),
		"declaration inside":                swap("<samlp:Status>", `<?xml version="1.0"?><samlp:Status>`),
		"declaration behind white space":    func(s string) string { return "\n" + `<?xml version="1.0"?>` + s },
		"comment in the name":               swap(name, ">alice@example.com<!---->.evil<"),
		"comment at the end of the name":    swap(name, ">alice@example.com<!--x--><"),
		"comment at the start of the name":  swap(name, "><!--x-->alice@example.com<"),
		"comment in the issuer":             swap(">https://idp.example.com/metadata<", ">https://idp.example.com/<!--x-->metadata<"),
		"comment in the audience":           swap(">"+ourEntityID+"<", "><!--x-->"+ourEntityID+"<"),
		"comment in a value":                swap(">staff<", ">st<!--x-->aff<"),
		"CDATA in the name":                 swap(name, "><![CDATA[alice@example.com]]><"),
		"CDATA in part of the name":         swap(name, ">alice<![CDATA[@example.com]]><"),
		"CDATA in a value":                  swap(">staff<", "><![CDATA[staff]]><"),
		"CDATA between elements":            swap("<samlp:Status>", "<![CDATA[]]><samlp:Status>"),
		"ISO-8859-1":                        func(s string) string { return `<?xml version="1.0" encoding="ISO-8859-1"?>` + s },
		"UTF-7":                             func(s string) string { return `<?xml version="1.0" encoding="UTF-7"?>` + s },
		"UTF-16 in name only":               func(s string) string { return `<?xml version="1.0" encoding="UTF-16"?>` + s },
		"UTF-16":                            utf16,
		"XML 1.1":                           func(s string) string { return `<?xml version="1.1"?>` + s },
		"invalid UTF-8":                     swap(">staff<", ">st\xffaff<"),
		"overlong UTF-8":                    swap(">staff<", ">st\xc0\xafaff<"),
		"a NUL":                             swap(">staff<", ">st\x00aff<"),
		"a control character":               swap(">staff<", ">st\x01aff<"),
		"a written control character":       swap(">staff<", ">st&#1;aff<"),
		"a surrogate":                       swap(">staff<", ">st&#xD800;aff<"),
		"attribute twice":                   swap(` Version="2.0"`, ` Version="2.0" Version="2.0"`),
		"attribute twice in the assertion":  swap("<saml:Assertion ", `<saml:Assertion Version="2.0" `),
		"attribute twice by namespace":      swap("<samlp:Status>", `<samlp:Status xmlns:a="urn:a" xmlns:b="urn:a" a:x="1" b:x="2">`),
		"declaration twice":                 swap("<samlp:Status>", `<samlp:Status xmlns:a="urn:a" xmlns:a="urn:b">`),
		"undeclared prefix":                 swap("<samlp:Status>", `<samlp:Status a:b="c">`),
		"undeclared element prefix":         swap("<samlp:Status>", "<a:b/><samlp:Status>"),
		"two colons":                        swap("<samlp:Status>", `<samlp:Status xmlns:a="urn:a" a:b:c="d">`),
		"a leading colon":                   swap("<samlp:Status>", `<samlp:Status :b="c">`),
		"a trailing colon":                  swap("<samlp:Status>", `<samlp:Status b:="c">`),
		"an element with a leading colon":   swap("<samlp:Status>", "<:b/><samlp:Status>"),
		"a letter from afar":                swap("<samlp:Status>", `<samlp:Status ſ="c">`),
		"an undeclared default":             swap("<samlp:Status>", `<samlp:Status xmlns:a="">`),
		"xml redeclared":                    swap("<samlp:Status>", `<samlp:Status xmlns:xml="urn:x">`),
		"xmlns declared":                    swap("<samlp:Status>", `<samlp:Status xmlns:xmlns="urn:x">`),
		"the xml namespace for another":     swap("<samlp:Status>", `<samlp:Status xmlns:q="http://www.w3.org/XML/1998/namespace">`),
		"relative namespace":                swap("<samlp:Status>", `<samlp:Status xmlns:a="relative">`),
		"relative namespace with a slash":   swap("<samlp:Status>", `<samlp:Status xmlns:a="./x:y">`),
		"id twice":                          swap("<samlp:Status>", `<samlp:Status id="a" ><x id="a"/>`),
		"id twice in two spellings":         swap("<samlp:StatusCode ", `<samlp:StatusCode Id="a" xml:id="a" `),
		"a second root":                     func(s string) string { return s + s },
		"an element behind the root":        func(s string) string { return s + "<a/>" },
		"text behind the root":              func(s string) string { return s + "x" },
		"a comment behind the root":         func(s string) string { return s + "<!--x-->" },
		"text in front of the root":         func(s string) string { return "x" + s },
		"text beside elements":              swap("<samlp:Status>", "x<samlp:Status>"),
		"text beside elements, signed part": swap("<saml:Subject>", "<saml:Subject>x"),
		"mismatched tags":                   swap("</samlp:Status>", "</samlp:status>"),
		"mismatched prefix":                 swap("</samlp:Status>", "</saml:Status>"),
		"no white space between attributes": swap(`" Version="2.0"`, `"Version="2.0"`),
		"an unquoted attribute":             swap(` Version="2.0"`, ` Version=2.0`),
		"an attribute without value":        swap(` Version="2.0"`, ` Version`),
		"less-than in a value":              swap(` Version="2.0"`, ` Version="2.0" x="<"`),
		"bracket end in text":               swap(">staff<", ">]]><"),
		"mixed white space in a value":      swap(` Version="2.0"`, " Version=\"2.0\" x=\"&#10;\n\""),
		"fullwidth markup":                  swap(">staff<", "＜"),
		"an HTML page":                      func(string) string { return "<html><body>sign in</body></html>" },
		"JSON":                              func(string) string { return `{"a":1}` },
		"nothing":                           func(string) string { return "" },
		"white space":                       func(string) string { return " \n" },
		"a declaration only":                func(string) string { return `<?xml version="1.0"?>` },
	} {
		cases = append(cases, hostile{name: what, raw: raw})
	}
	run(t, cases)
}

func utf16(s string) string {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, r := range s {
		b.WriteByte(byte(r))
		b.WriteByte(0)
	}
	return b.String()
}

// bombs are documents that nobody signed and that must cost little to refuse.
func bombs() map[string]string {
	many := func(n int, f func(int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(f(i))
		}
		return b.String()
	}
	open := `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_a"`
	sig := func(info string) string {
		return open + `><ds:Signature><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/><ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"/>` +
			info + `</ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature></samlp:Response>`
	}
	long := "urn:" + strings.Repeat("x", 8000)
	return map[string]string{
		"depth 100000":           open + ">" + strings.Repeat("<a>", 100_000),
		"depth 61":               open + ">" + strings.Repeat("<a>", 60) + strings.Repeat("</a>", 60) + "</samlp:Response>",
		"10000 attributes":       open + many(10_000, func(i int) string { return " a" + strconv.Itoa(i) + `="1"` }) + "/>",
		"10000 namespaces":       open + many(7_000, func(i int) string { return " xmlns:a" + strconv.Itoa(i) + `="u:"` }) + "/>",
		"20000 elements":         open + ">" + strings.Repeat("<a/>", 20_000) + "</samlp:Response>",
		"a megabyte":             open + ">" + strings.Repeat(" ", 1<<20) + "</samlp:Response>",
		"a megabyte in one tag":  open + strings.Repeat(" ", 1<<20) + "/>",
		"thousand references":    sig(strings.Repeat(`<ds:Reference URI="#_a"/>`, 4000)),
		"long namespaces":        `<ds:x xmlns:ds="` + long + `"/>` + sig(strings.Repeat(`<ds:Reference/>`, 4000)),
		"thousand certificates":  open + "><ds:Signature><ds:SignedInfo/><ds:SignatureValue/><ds:KeyInfo>" + strings.Repeat("<ds:X509Certificate>AAAA</ds:X509Certificate>", 2500) + "</ds:KeyInfo></ds:Signature></samlp:Response>",
		"amplified declarations": strings.Replace(sig(strings.Repeat(`<b:a/>`, 28)), open, open+` xmlns:b="`+long+`"`, 1),
		"thousand signatures":    open + ">" + strings.Repeat("<ds:Signature/>", 5000) + "</samlp:Response>",
		"a long attribute":       open + ` a="` + strings.Repeat("x", 60_000) + `"/>`,
		"a long fraction":        open + ` IssueInstant="2026-08-01T12:00:00.` + strings.Repeat("1", 60_000) + `Z"/>`,
	}
}

func TestBombs(t *testing.T) {
	p := newProvider(t, idptest.NewSAMLIDP(clock))
	for name, doc := range bombs() {
		t.Run(name, func(t *testing.T) {
			field := base64.StdEncoding.EncodeToString([]byte(doc))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			id, err := finish(p, field)
			runtime.ReadMemStats(&after)
			refused(t, id, err)
			if used := after.TotalAlloc - before.TotalAlloc; used > 16<<20 {
				t.Errorf("%d bytes allocated", used)
			}
		})
	}
}

// A field beyond the limit is not even decoded.
func TestHugeField(t *testing.T) {
	p := newProvider(t, idptest.NewSAMLIDP(clock))
	field := strings.Repeat("A", 16<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	id, err := finish(p, field)
	runtime.ReadMemStats(&after)
	refused(t, id, err)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}

func TestHostileBase64(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	field := i.Respond(t, good())
	for name, bad := range map[string]string{
		"empty": "", "not base64": "%%%%", "white space inside": field[:40] + " " + field[40:], "a form's spaces": strings.Replace(field, "P", " ", 1),
		"URL alphabet": strings.NewReplacer("+", "-", "/", "_").Replace(field) + "-_", "no padding": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("<ab/>")), "="),
		"data behind": field + "AA=A", "twice": base64.StdEncoding.EncodeToString([]byte(field)), "trailing bits": "PGEvPk==", "200 KB": strings.Repeat("A", 200_000),
		"the document itself": string(i.RespondXML(t, good())),
	} {
		t.Run(name, func(t *testing.T) {
			id, err := finish(p, bad)
			refused(t, id, err)
		})
	}
}

// A document cut anywhere is refused, and one with a bit changed is refused or says the very same.
func TestDamagedMessages(t *testing.T) {
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	random := rand.New(rand.NewPCG(1, 2))
	for name, protect := range variants() {
		a := good()
		protect(&a)
		doc := i.RespondXML(t, a)
		want, err := finish(p, base64.StdEncoding.EncodeToString(doc))
		if err != nil {
			t.Fatal(err)
		}
		for range 150 {
			n := random.IntN(len(doc))
			t.Run(fmt.Sprintf("%s cut at %d", name, n), func(t *testing.T) {
				id, err := finish(p, base64.StdEncoding.EncodeToString(doc[:n]))
				refused(t, id, err)
			})
			bit := byte(1) << random.IntN(8)
			t.Run(fmt.Sprintf("%s bit %d of %d", name, bit, n), func(t *testing.T) {
				flipped := append([]byte(nil), doc...)
				flipped[n] ^= bit
				id, err := finish(p, base64.StdEncoding.EncodeToString(flipped))
				if err != nil {
					refused(t, id, err)
				} else if id.Subject != want.Subject || id.Proof.Hash != want.Proof.Hash {
					t.Errorf("accepted as %+v", id)
				}
			})
		}
	}
}
