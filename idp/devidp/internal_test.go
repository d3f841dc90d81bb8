package devidp

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"testing"
	"time"
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
