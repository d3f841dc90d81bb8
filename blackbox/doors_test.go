package blackbox

import (
	"compress/flate"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// answer is what a door said.
type answer struct {
	status  int
	took    time.Duration
	body    string
	cookies []*http.Cookie
	next    string // Location

	code string // of a problem document or a refusal page
	role string // of credentials
}

// client follows no redirect and keeps no cookie: the tests carry them.
var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	Timeout:       30 * time.Second,
}

var pageCode = regexp.MustCompile(`\b(invalid_request|ambiguous_role|invalid_token|untrusted_issuer|replayed|expired_token|login_required|mfa_required|not_authorized|role_not_granted|revoked|upstream_denied|throttled|upstream_unavailable|store_unavailable|internal)\b`)

func send(req *http.Request) (answer, error) {
	start := time.Now()
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode, took: time.Since(start), body: string(body), cookies: resp.Cookies(), next: resp.Header.Get("Location")}
	var doc struct{ Code, RoleArn string }
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "application/") && json.Unmarshal(body, &doc) == nil {
		a.code, a.role = doc.Code, strings.TrimPrefix(doc.RoleArn, arnBase)
	} else if a.status >= 400 {
		a.code = pageCode.FindString(a.body)
	}
	return a, nil
}

func post(target, contentType, body string, headers ...string) (answer, error) {
	req, err := http.NewRequest(http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	return send(req)
}

const formType = "application/x-www-form-urlencoded"

// bearer presents a JWT at the JSON API. The role is left out: who has one role gets it.
func bearer(node, token string) (answer, error) {
	return post(node+"/api/v1/credentials", "application/json", "{}", "Authorization", "Bearer "+token)
}

// direct presents a SAML Response at the JSON API.
func direct(node, response string) (answer, error) {
	return post(node+"/api/v1/credentials", formType, url.Values{"SAMLResponse": {response}}.Encode())
}

// acs posts a SAML Response as a browser does, with the cookie of a login that it began or without any.
func acs(node, idp, response string, p pending) (answer, error) {
	form := url.Values{"SAMLResponse": {response}}
	var headers []string
	if p.relayState != "" {
		form.Set("RelayState", p.relayState)
		headers = []string{"Cookie", p.cookie}
	}
	return post(node+"/saml/"+idp+"/acs", formType, form.Encode(), headers...)
}

// pending is a login that a browser began.
type pending struct{ requestID, relayState, cookie string }

// begin starts a login at a node and reads the AuthnRequest out of the redirect.
func begin(node, idp string) (pending, error) {
	req, err := http.NewRequest(http.MethodGet, node+"/login/"+idp, nil)
	if err != nil {
		return pending{}, err
	}
	a, err := send(req)
	if err != nil {
		return pending{}, err
	}
	u, err := url.Parse(a.next)
	if err != nil || a.status != http.StatusSeeOther || len(a.cookies) != 1 {
		return pending{}, fmt.Errorf("a login at %s began with status %d and %d cookies: %s", idp, a.status, len(a.cookies), a.body)
	}
	deflated, err := base64.StdEncoding.DecodeString(u.Query().Get("SAMLRequest"))
	if err != nil {
		return pending{}, err
	}
	var request struct {
		ID string `xml:"ID,attr"`
	}
	if err := xml.NewDecoder(flate.NewReader(strings.NewReader(string(deflated)))).Decode(&request); err != nil {
		return pending{}, err
	}
	return pending{request.ID, u.Query().Get("RelayState"), a.cookies[0].Name + "=" + a.cookies[0].Value}, nil
}

// whoami asks a login session who it is.
func whoami(node string, cookies []*http.Cookie) (subject string, err error) {
	req, err := http.NewRequest(http.MethodGet, node+"/api/v1/whoami", nil)
	if err != nil {
		return "", err
	}
	for _, c := range cookies {
		if strings.HasPrefix(c.Name, "__Host-session") && c.MaxAge >= 0 {
			req.Header.Add("Cookie", c.Name+"="+c.Value)
		}
	}
	a, err := send(req)
	if err != nil {
		return "", err
	}
	var doc struct{ Subject string }
	if err := json.Unmarshal([]byte(a.body), &doc); err != nil || a.status != http.StatusOK {
		return "", fmt.Errorf("whoami: %d %s", a.status, a.body)
	}
	return doc.Subject, nil
}

// spCertificate is what identity providers encrypt to, from the metadata that the broker publishes.
var spCertificate = sync.OnceValues(func() (*x509.Certificate, error) {
	resp, err := client.Get(w.nodeURLs[0] + "/saml/corp/metadata")
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	found := regexp.MustCompile(`(?s)use="encryption".*?X509Certificate[^>]*>([^<]+)<`).FindSubmatch(body)
	if found == nil {
		return nil, errors.New("the broker's metadata has no key to encrypt to")
	}
	return x509.ParseCertificate(fromBase64(string(found[1])))
})

func spCert(tb testing.TB) *x509.Certificate {
	tb.Helper()
	cert, err := spCertificate()
	if err != nil {
		tb.Fatal(err)
	}
	return cert
}

// serveProviders is what can be fetched: the CI issuer's discovery document and keys, and a provider's metadata. What
// else is asked for is noted: no URL of a message may be followed.
func serveProviders() *httptest.Server {
	mux := http.NewServeMux()
	var server *httptest.Server
	mux.HandleFunc("GET /.well-known/openid-configuration", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(mustJSON(map[string]any{"issuer": server.URL, "jwks_uri": server.URL + "/jwks", "id_token_signing_alg_values_supported": []string{"RS256"}}))
	})
	mux.HandleFunc("GET /jwks", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(jwks())
	})
	mux.HandleFunc("GET /partner.xml", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/samlmetadata+xml")
		_, _ = rw.Write(metadata(entityPartner, partnerKey()))
	})
	mux.HandleFunc("/", func(rw http.ResponseWriter, r *http.Request) {
		canary.note(r.URL.Path)
		http.NotFound(rw, r)
	})
	server = httptest.NewServer(mux)
	return server
}

// visits remembers which URLs were fetched that nobody should fetch.
type visits struct {
	mu    sync.Mutex
	paths []string
}

var canary visits

func (v *visits) note(path string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.paths = append(v.paths, path)
}

func (v *visits) seen() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.paths...)
}
