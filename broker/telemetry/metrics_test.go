package telemetry_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/telemetry"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

func newMetrics(t testing.TB, clock func() time.Time) *telemetry.Metrics {
	t.Helper()
	m, err := telemetry.New(telemetry.Options{Version: "v1", Revision: "abc", Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func scrape(t *testing.T, m *telemetry.Metrics) string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.String()
}

func wantLines(t *testing.T, page string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("missing: %s", line)
		}
	}
}

func TestObserver(t *testing.T) {
	m := newMetrics(t, time.Now)
	m.Exchange(sts.ModeWebIdentity, "ok", true, time.Millisecond)
	m.Exchange(sts.ModeWebIdentity, "ok", false, 2*time.Second)
	m.Authentication(idp.ProofJWT, string(broker.CodeReplayed), time.Millisecond)
	m.STSCall("AssumeRole", string(broker.CodeThrottled), 300*time.Millisecond)
	wantLines(t, scrape(t, m),
		`fedbroker_exchange_duration_seconds_count{cached="true",mode="web-identity",outcome="ok"} 1`,
		`fedbroker_exchange_duration_seconds_sum{cached="false",mode="web-identity",outcome="ok"} 2`,
		`fedbroker_exchange_duration_seconds_bucket{cached="true",mode="web-identity",outcome="ok",le="0.0005"} 0`,
		`fedbroker_exchange_duration_seconds_bucket{cached="true",mode="web-identity",outcome="ok",le="0.001"} 1`,
		`fedbroker_authentication_duration_seconds_count{kind="jwt",outcome="replayed"} 1`,
		`fedbroker_sts_call_duration_seconds_sum{action="AssumeRole",outcome="throttled"} 0.3`,
		`fedbroker_build_info{revision="abc",version="v1"} 1`,
	)
}

func TestEveryCodeHasItsOwnLabel(t *testing.T) {
	m := newMetrics(t, time.Now)
	codes := []broker.Code{
		"ok", broker.CodeInvalidRequest, broker.CodeAmbiguousRole, broker.CodeInvalidToken, broker.CodeUntrustedIssuer,
		broker.CodeReplayed, broker.CodeExpiredToken, broker.CodeLoginRequired, broker.CodeMFARequired, broker.CodeNotAuthorized,
		broker.CodeRoleNotGranted, broker.CodeRevoked, broker.CodeUpstreamDenied, broker.CodeThrottled,
		broker.CodeUpstreamUnavailable, broker.CodeStoreUnavailable, broker.CodeInternal,
	}
	for _, code := range codes {
		m.Authentication(idp.ProofSAML, string(code), time.Millisecond)
	}
	for _, mode := range []sts.Mode{sts.ModeWebIdentity, sts.ModeSAML, sts.ModePassThrough, sts.ModeAssumeRole} {
		m.STSCall(mode.Action(), "ok", time.Millisecond)
		m.Exchange(mode, "ok", false, time.Millisecond)
	}
	page := scrape(t, m)
	for _, code := range codes {
		wantLines(t, page, `fedbroker_authentication_duration_seconds_count{kind="saml",outcome="`+string(code)+`"} 1`)
	}
	if strings.Contains(page, `"other"`) {
		t.Error("something of ours counts as other")
	}
}

func TestNothingFromARequestBecomesALabel(t *testing.T) {
	const canary = "canary-7f3a"
	m := newMetrics(t, time.Now)
	m.Exchange(canary, canary, false, time.Millisecond)
	m.Authentication(canary, canary, time.Millisecond)
	m.STSCall(canary, canary, time.Millisecond)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /login/{idp}", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := m.Middleware(mux)
	for _, target := range []string{"/login/" + canary, "/" + canary + "?t=" + canary, "/login/x?" + canary} {
		for _, method := range []string{http.MethodGet, canary} {
			r := httptest.NewRequest(method, target, nil)
			r.Host = canary
			r.Header.Set("User-Agent", canary)
			server.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	page := scrape(t, m)
	if strings.Contains(page, canary) {
		t.Error("the canary shows")
	}
	wantLines(t, page,
		`fedbroker_exchange_duration_seconds_count{cached="false",mode="other",outcome="other"} 1`,
		`fedbroker_authentication_duration_seconds_count{kind="other",outcome="other"} 1`,
		`fedbroker_sts_call_duration_seconds_count{action="other",outcome="other"} 1`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="GET /login/{idp}",status="204"} 2`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1`,
		`fedbroker_http_request_duration_seconds_count{method="other",route="unmatched",status="405"} 2`,
	)
}

func TestMiddlewareStatus(t *testing.T) {
	now := time.Unix(0, 0)
	m := newMetrics(t, func() time.Time { return now })
	mux := http.NewServeMux()
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) { now = now.Add(3 * time.Second) })
	mux.HandleFunc("/body", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("x")) })
	mux.HandleFunc("/early", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusSeeOther)
		w.WriteHeader(http.StatusOK) // superfluous: the first final one counts
	})
	mux.HandleFunc("/odd", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("x") })
	mux.HandleFunc("/flush", func(w http.ResponseWriter, _ *http.Request) {
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("flush: %v", err)
		}
	})
	server := m.Middleware(mux)
	for _, path := range []string{"/silent", "/body", "/early", "/odd", "/panic", "/flush"} {
		func() {
			defer func() {
				if r := recover(); (r != nil) != (path == "/panic") {
					t.Errorf("%s: recovered %v", path, r)
				}
			}()
			server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		}()
	}
	wantLines(t, scrape(t, m),
		`fedbroker_http_request_duration_seconds_sum{method="GET",route="/silent",status="200"} 3`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="/body",status="200"} 1`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="/early",status="303"} 1`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="/odd",status="other"} 1`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="/panic",status="500"} 1`,
		`fedbroker_http_request_duration_seconds_count{method="GET",route="/flush",status="200"} 1`,
		`fedbroker_http_requests_in_flight 0`,
	)
}

func TestTwoBrokersInOneProcess(t *testing.T) {
	one, two := newMetrics(t, time.Now), newMetrics(t, time.Now)
	one.STSCall("AssumeRole", "ok", time.Millisecond)
	if strings.Contains(scrape(t, two), `action="AssumeRole"`) {
		t.Error("metrics are shared")
	}
	if _, err := telemetry.New(telemetry.Options{}); err == nil {
		t.Error("no clock: no error")
	}
}

func TestObserveAtOnce(t *testing.T) {
	m := newMetrics(t, time.Now)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for range 100 {
				m.Exchange(sts.ModeSAML, "ok", true, time.Millisecond)
			}
		})
	}
	wait.Wait()
	wantLines(t, scrape(t, m), `fedbroker_exchange_duration_seconds_count{cached="true",mode="saml",outcome="ok"} 800`)
}

func BenchmarkExchange(b *testing.B) {
	m := newMetrics(b, time.Now)
	b.ReportAllocs()
	for b.Loop() {
		m.Exchange(sts.ModeWebIdentity, "ok", true, time.Millisecond)
	}
}
