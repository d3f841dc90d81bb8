package xmltree_test

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 16, Depth: 60, Elements: 1000, Attributes: 40, Namespaces: 20, Value: 4096}

const maxCanonical = 1 << 18

//go:embed testdata/canonical.json
var vectors []byte

func parse(tb testing.TB, doc string) *xmltree.Element {
	tb.Helper()
	el, err := xmltree.Parse([]byte(doc), limits, nil)
	if err != nil {
		tb.Fatalf("%s: %v", doc, err)
	}
	return el
}

func canonical(tb testing.TB, el *xmltree.Element, prefixes ...string) string {
	tb.Helper()
	out, err := xmltree.Canonical(el, prefixes, nil, maxCanonical)
	if err != nil {
		tb.Fatal(err)
	}
	return string(out)
}

// The canonical form is that of another implementation, and stable.
func TestCanonicalVectors(t *testing.T) {
	var cases []struct{ Doc, Canonical string }
	if err := json.Unmarshal(vectors, &cases); err != nil || len(cases) == 0 {
		t.Fatal(err)
	}
	for _, c := range cases {
		got := canonical(t, parse(t, c.Doc))
		if got != c.Canonical {
			t.Errorf("%s\ngot  %s\nwant %s", c.Doc, got, c.Canonical)
		}
		if again := canonical(t, parse(t, got)); again != got {
			t.Errorf("%s\nthen %s", got, again)
		}
	}
}

// The example of Exclusive XML Canonicalization section 2.2: the same element in two places.
func TestCanonicalDoesNotDependOnThePlace(t *testing.T) {
	const want = `<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"></n3:stuff></n1:elem2>`
	const elem = `<n1:elem2 xmlns:n1="http://example.net" xml:lang="en"><n3:stuff xmlns:n3="ftp://example.org"/></n1:elem2>`
	for _, around := range []string{
		`<n0:pdu xmlns:n0="http://a.example" xmlns:n1="http://b.example">` + elem + `</n0:pdu>`,
		`<n2:pdu xmlns:n1="http://example.com" xmlns:n2="http://foo.example" xml:lang="fr" xml:space="retain">` + elem + `</n2:pdu>`,
		`<x xmlns="urn:default">` + elem + `</x>`,
	} {
		if got := canonical(t, parse(t, around).Elements()[0]); got != want {
			t.Errorf("got %s", got)
		}
	}
}

func TestPrefixList(t *testing.T) {
	const doc = `<r xmlns="urn:d" xmlns:a="urn:a" xmlns:b="urn:b"><p:x xmlns:p="urn:p"><b:y xmlns:a="urn:a2"/></p:x></r>`
	for _, c := range []struct {
		prefixes []string
		want     string
	}{
		{nil, `<p:x xmlns:p="urn:p"><b:y xmlns:b="urn:b"></b:y></p:x>`},
		{[]string{"a"}, `<p:x xmlns:a="urn:a" xmlns:p="urn:p"><b:y xmlns:a="urn:a2" xmlns:b="urn:b"></b:y></p:x>`},
		{[]string{"b", "a", "a"}, `<p:x xmlns:a="urn:a" xmlns:b="urn:b" xmlns:p="urn:p"><b:y xmlns:a="urn:a2"></b:y></p:x>`},
		{[]string{xmltree.DefaultPrefix}, `<p:x xmlns="urn:d" xmlns:p="urn:p"><b:y xmlns:b="urn:b"></b:y></p:x>`},
		{[]string{"xml", "nowhere"}, `<p:x xmlns:p="urn:p"><b:y xmlns:b="urn:b"></b:y></p:x>`},
	} {
		if got := canonical(t, parse(t, doc).Elements()[0], c.prefixes...); got != c.want {
			t.Errorf("%v\ngot  %s\nwant %s", c.prefixes, got, c.want)
		}
	}
}

func TestCanonicalSkipsAndStops(t *testing.T) {
	root := parse(t, `<a><b/><c/></a>`)
	out, err := xmltree.Canonical(root, nil, root.Elements()[0], maxCanonical)
	if err != nil || string(out) != "<a><c></c></a>" {
		t.Errorf("got %s, %v", out, err)
	}
	long := parse(t, `<a xmlns:p="urn:`+strings.Repeat("x", 4000)+`">`+strings.Repeat("<p:b/>", 500)+`</a>`)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if out, err := xmltree.Canonical(long, nil, nil, 1<<16); err == nil {
		t.Errorf("%d bytes", len(out))
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
		t.Errorf("%d bytes allocated for what is refused", used)
	}
}

func TestParseRefuses(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	attrs := func(n int, name string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(" " + name + strings.Repeat("x", i) + `="urn:a"`)
		}
		return "<a" + b.String() + "/>"
	}
	for name, c := range map[string]struct{ ok, bad string }{
		"size":           {"<a>" + strings.Repeat("b", 1<<16-7) + "</a>", "<a>" + strings.Repeat("b", 1<<16-6) + "</a>"},
		"depth":          {nested(60), nested(61)},
		"elements":       {"<r>" + strings.Repeat("<a/>", 999) + "</r>", "<r>" + strings.Repeat("<a/>", 1000) + "</r>"},
		"attributes":     {attrs(40, "b"), attrs(41, "b")},
		"namespaces":     {attrs(20, "xmlns:b"), attrs(21, "xmlns:b")},
		"value":          {`<a b="` + strings.Repeat("c", 4096) + `"/>`, `<a b="` + strings.Repeat("c", 4097) + `"/>`},
		"ids":            {`<a id="x"><b ID="y"/></a>`, `<a id="x"><b ID="x"/></a>`},
		"names":          {`<a-b.c_1/>`, `<é/>`},
		"comments":       {`<a><!--x--><b/></a>`, `<a>x<!--x--></a>`},
		"mixed":          {`<a> <b/> </a>`, `<a>x<b/></a>`},
		"xml element":    {`<a xml:lang="x"/>`, `<xml:a/>`},
		"xml declared":   {`<a xmlns:xml="http://www.w3.org/XML/1998/namespace"/>`, `<a xmlns:xml="urn:x"/>`},
		"empty":          {`<a/>`, ``},
		"open":           {`<a></a>`, `<a>`},
		"default twice":  {`<a xmlns="urn:a"/>`, `<a xmlns="urn:a" xmlns="urn:b"/>`},
		"second root":    {`<a/> `, `<a/><b/>`},
		"lone end":       {`<a/>`, `</a>`},
		"namespace name": {`<a xmlns:b="a+1-.2:c"/>`, `<a xmlns:b="1a:c"/>`},
		"scheme only":    {`<a xmlns:b="a:c"/>`, `<a xmlns:b="a:"/>`},
		"prefix":         {`<a xmlns:b="a:c"/>`, `<a xmlns:é="a:c"/>`},
		"set apart":      {`<a b="c" d="e"/>`, `<a b="c"d="e"/>`},
		"CDATA":          {`<a>x</a>`, `<a><![CDATA[x]]></a>`},
	} {
		if _, err := xmltree.Parse([]byte(c.ok), limits, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := xmltree.Parse([]byte(c.bad), limits, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := xmltree.Parse([]byte("<a/>"), xmltree.Limits{}, nil); err == nil {
		t.Error("the zero limits admit something")
	}
}

func TestScope(t *testing.T) {
	outer := parse(t, `<o xmlns="urn:d" xmlns:p="urn:p"/>`)
	el, err := xmltree.Parse([]byte(`<p:a><b/></p:a>`), limits, outer)
	if err != nil || el.Space != "urn:p" || el.Elements()[0].Space != "urn:d" {
		t.Errorf("got %+v, %v", el, err)
	}
	if len(outer.Nodes) != 0 {
		t.Error("the scope was changed")
	}
}

func TestAccessors(t *testing.T) {
	el := parse(t, `<a xmlns:p="urn:p" b="1" p:b="2"><p:c/><c/>  <p:c/></a>`)
	if v, ok := el.Attr("b"); !ok || v != "1" {
		t.Errorf("got %q", v)
	}
	if v, ok := el.Attr("p:b"); ok {
		t.Errorf("got %q", v)
	}
	if n := len(el.Named("urn:p", "c")); n != 2 || len(el.Elements()) != 3 {
		t.Errorf("got %d", n)
	}
	if _, err := el.Text(); err == nil {
		t.Error("text of an element with elements")
	}
	if got, err := parse(t, `<a> x&#32; </a>`).Text(); err != nil || got != " x  " {
		t.Errorf("got %q, %v", got, err)
	}
}

// FuzzParse holds the invariant: what is parsed has one canonical form, which parses to the same again; and etree, with
// goxmldsig's canonicaliser, agrees that it is canonical.
func FuzzParse(f *testing.F) {
	var cases []struct{ Doc string }
	if err := json.Unmarshal(vectors, &cases); err != nil {
		f.Fatal(err)
	}
	for _, c := range cases {
		f.Add([]byte(c.Doc), "a")
	}
	f.Add([]byte(`<a xmlns:p="urn:p"><p:b xmlns="urn:d" p:c="&#10;"/></a>`), "p #default")
	f.Fuzz(func(t *testing.T, doc []byte, list string) {
		el, err := xmltree.Parse(doc, limits, nil)
		if err != nil {
			return
		}
		first, err := xmltree.Canonical(el, strings.Fields(list), nil, 1<<20)
		if err != nil {
			return
		}
		wide := limits
		wide.Bytes = 1 << 20
		again, err := xmltree.Parse(first, wide, nil)
		if err != nil {
			t.Fatalf("the canonical form %q does not parse: %v", first, err)
		}
		if second, err := xmltree.Canonical(again, strings.Fields(list), nil, 1<<20); err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %q, then %q (%v)", first, second, err)
		}
		other := etree.NewDocument()
		if err := other.ReadFromBytes(first); err != nil {
			t.Fatalf("etree does not read %q: %v", first, err)
		}
		third, err := dsig.MakeNullCanonicalizer().Canonicalize(other.Root())
		if err != nil || !bytes.Equal(sortless(third), sortless(first)) {
			t.Fatalf("etree reads %q as %q", first, third)
		}
	})
}

// sortless drops what goxmldsig orders otherwise: attributes of namespaces that are declared further up.
func sortless(b []byte) []byte {
	out := bytes.Clone(b)
	slices.Sort(out)
	return out
}

func BenchmarkParse(b *testing.B) {
	doc := []byte(`<a>` + strings.Repeat(`<saml:b xmlns:saml="urn:oasis" c="d">some text</saml:b>`, 110) + `</a>`)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmltree.Parse(doc, limits, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCanonical(b *testing.B) {
	el := parse(b, `<a>`+strings.Repeat(`<saml:b xmlns:saml="urn:oasis" c="d">some text</saml:b>`, 110)+`</a>`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := xmltree.Canonical(el, nil, nil, maxCanonical); err != nil {
			b.Fatal(err)
		}
	}
}
