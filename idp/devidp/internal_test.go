package devidp

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"testing"
	"time"

	dsig "github.com/russellhaering/goxmldsig"

	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestExpiringKeepsTheNewest(t *testing.T) {
	now := time.Unix(0, 0)
	e := newExpiring[int](time.Minute, func() time.Time { return now })
	for i := range maxKept + 10 {
		e.put(strconv.Itoa(i), i)
	}
	if len(e.items) != maxKept || len(e.queue) != maxKept {
		t.Fatalf("%d items, %d queued", len(e.items), len(e.queue))
	}
	if _, ok := e.get("9"); ok {
		t.Error("the oldest must make room")
	}
	if v, ok := e.get(strconv.Itoa(maxKept + 9)); !ok || v != maxKept+9 {
		t.Error("the newest must be there")
	}
	now = now.Add(time.Minute)
	if _, ok := e.get(strconv.Itoa(maxKept + 9)); ok {
		t.Error("at its end a value is gone")
	}
	e.put("next", 1)
	if len(e.items) != 1 {
		t.Errorf("%d items kept after their end", len(e.items))
	}
}

func TestTakenIsGone(t *testing.T) {
	e := newExpiring[int](time.Minute, time.Now)
	e.put("a", 1)
	if _, ok := e.take("a"); !ok {
		t.Fatal("not there")
	}
	if _, ok := e.take("a"); ok {
		t.Error("taken twice")
	}
	if _, ok := e.get(""); ok {
		t.Error("the empty handle finds something")
	}
}

func TestRandomnessThatFailsStopsTheStart(t *testing.T) {
	for _, have := range []int{0, passwordBytes, 4 * passwordBytes, 4*passwordBytes + handleBytes - 1} {
		keys, err := sharedKeys()
		if err != nil {
			t.Fatal(err)
		}
		broken := io.LimitReader(zeros{}, int64(have))
		if _, err := newServer(Options{BaseURL: "http://127.0.0.1:1", Rand: broken}, keys); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("with %d bytes: %v", have, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestNobodyIsNotAPerson(t *testing.T) {
	password := secret.New("somebody guessed it")
	p := people{entries: map[string]*entry{}, stranger: newEntry(Person{}, password)}
	if _, result := p.check("nobody", password.Reveal(), time.Now()); result != wrongPassword {
		t.Errorf("outcome %d", result)
	}
}

func TestSignatureOfOnePartyDoesNotSpeakForAnother(t *testing.T) {
	signed := []byte(`<p:AuthnRequest xmlns:p="` + nsProtocol + `" xmlns="` + nsAssertion + `"><Issuer>other</Issuer></p:AuthnRequest>`)
	verify := func(ServiceProvider) ([]byte, error) { return signed, nil }
	if _, err := verified(ServiceProvider{EntityID: "sp"}, verify); err == nil {
		t.Error("the verified request names another issuer")
	}
	if _, err := verified(ServiceProvider{EntityID: "other"}, verify); err != nil {
		t.Error(err)
	}
}

func TestWhatIsReadIsWhatIsSigned(t *testing.T) {
	query := map[string]string{"SAMLRequest": "a", "RelayState": "b", "SigAlg": "c"}
	if octets, ok := signedOctets("SigAlg=c&RelayState=b&SAMLRequest=a&Signature=d", query); !ok || string(octets) != "SAMLRequest=a&RelayState=b&SigAlg=c" {
		t.Errorf("%s, %v", octets, ok)
	}
	for _, raw := range []string{"SAMLRequest=a&Relay%53tate=b&SigAlg=c", "SAML%52equest=a&RelayState=b&SigAlg=c", "SAMLRequest=a&SigAlg=c"} {
		if _, ok := signedOctets(raw, query); ok {
			t.Errorf("%s: a parameter would be read unverified", raw)
		}
	}
}

func TestSignatureAlgorithms(t *testing.T) {
	method := func(alg string) string { return `<SignatureMethod Algorithm="` + alg + `"/>` }
	digest := func(alg string) string { return `<DigestMethod Algorithm="` + alg + `"/>` }
	const sha256Digest = "http://www.w3.org/2001/04/xmlenc#sha256"
	for doc, want := range map[string]bool{
		method(dsig.RSASHA256SignatureMethod) + digest(sha256Digest):                             true,
		method(dsig.RSASHA512SignatureMethod) + digest(sha256Digest):                             true,
		method(dsig.RSASHA1SignatureMethod) + digest(sha256Digest):                               false,
		method(dsig.RSASHA256SignatureMethod) + digest("http://www.w3.org/2000/09/xmldsig#sha1"): false,
		method("http://www.w3.org/2000/09/xmldsig#hmac-sha1") + digest(sha256Digest):             false,
		digest(sha256Digest):                  false,
		method(dsig.RSASHA256SignatureMethod): false,
		method(dsig.RSASHA256SignatureMethod) + digest(sha256Digest) + digest(sha256Digest):                  false,
		method(dsig.RSASHA256SignatureMethod) + method(dsig.RSASHA256SignatureMethod) + digest(sha256Digest): false,
	} {
		root, err := parseXML([]byte("<r>" + doc + "</r>"))
		if err != nil {
			t.Fatal(err)
		}
		if allowedSignature(root) != want {
			t.Errorf("%s: %v", doc, !want)
		}
	}
}

// FuzzAuthnRequest holds the reader to its promises: no panic, and whatever passes names a registered consumer.
func FuzzAuthnRequest(f *testing.F) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	sp := ServiceProvider{EntityID: "sp", ACS: []string{"http://localhost/acs"}}
	good := `<p:AuthnRequest xmlns:p="` + nsProtocol + `" xmlns="` + nsAssertion + `" ID="_1" Version="2.0" IssueInstant="2026-11-25T12:00:00Z" AssertionConsumerServiceURL="http://localhost/acs"><Issuer>sp</Issuer></p:AuthnRequest>`
	for _, seed := range []string{good, "", "<a/>", "<!DOCTYPE a>" + good, good[:80], good + good, `<a xmlns:b="" b:c="d"/>`, "<a:b/>", "\xff\xfe<"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		request, err := parseAuthnRequest(doc)
		if err != nil {
			return
		}
		flow, err := request.flow(sp, "http://127.0.0.1:1/saml/sso", now)
		if err == nil && (flow.acs != sp.ACS[0] || flow.requestID == "" || bytes.Contains(doc, []byte("<!DOCTYPE"))) {
			t.Errorf("passed: %+v", flow)
		}
	})
}

func FuzzParseServiceProvider(f *testing.F) {
	f.Add([]byte(`<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="sp"><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><AssertionConsumerService Binding="` + bindingPOST + `" Location="http://localhost/acs" index="0"/></SPSSODescriptor></EntityDescriptor>`))
	f.Add([]byte("<EntityDescriptor/>"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		sp, err := ParseServiceProvider(doc)
		if err != nil {
			return
		}
		for _, acs := range sp.ACS {
			if _, err := webOrigin(acs); err != nil {
				t.Errorf("passed: %v", err)
			}
		}
	})
}

func benchServer(b *testing.B) *Server {
	b.Helper()
	keys, err := sharedKeys()
	if err != nil {
		b.Fatal(err)
	}
	s, err := newServer(Options{BaseURL: "http://127.0.0.1:1"}, keys)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func BenchmarkSAMLResponse(b *testing.B) {
	s := benchServer(b)
	f := samlFlow{sp: ServiceProvider{EntityID: "sp"}, acs: "http://localhost/acs", requestID: "_1", format: formatPersistent}
	sess := session{person: DefaultPeople()[0], at: s.clock(), index: "_x"}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.samlResponse(f, sess); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCIToken(b *testing.B) {
	s := benchServer(b)
	run, err := newCIRun(DefaultRepos()[0], map[string]string{"audience": "a"})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		claims, err := s.ciClaims(run)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := s.ciJWT.sign(claims); err != nil {
			b.Fatal(err)
		}
	}
}
