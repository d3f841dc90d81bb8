package oidc_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
	"github.com/fedbroker/fedbroker/internal/secret"
)

func TestLoginSignsIn(t *testing.T) {
	f := newLogin(t)
	f.op.SetClaims(map[string]any{"groups": []string{"admins", "dev"}, "amr": []string{"pwd", "otp"}, "acr": "high", "jti": "id-7", "email_verified": true})
	id := f.signsIn(t, idp.LoginRequest{})
	switch {
	case id.Provider != "corp" || id.Issuer != f.op.URL || id.Subject != "u1001" || id.Username != "alice" || id.Email != "alice@example.com":
		t.Errorf("got %+v", id)
	case !slices.Equal(id.Groups, []string{"admins", "dev"}) || !slices.Equal(id.AMR, []string{"pwd", "otp"}) || id.ACR != "high":
		t.Errorf("got %+v", id)
	case !id.AuthTime.Equal(f.clock.now()):
		t.Errorf("signed in at %s", id.AuthTime)
	}
	p := id.Proof
	if p.Kind != idp.ProofJWT || !p.Once || p.ID != "id-7" || len(p.Hash) != 64 || !p.IssuedAt.Equal(f.clock.now()) || !p.Expires.Equal(f.clock.now().Add(5*time.Minute)) {
		t.Errorf("proof %+v", p)
	}
	if !f.op.UsedBasic() {
		t.Error("a document that names no method means client_secret_basic")
	}
}

func TestLoginAsksForWhatItNeeds(t *testing.T) {
	for name, tc := range map[string]struct {
		want idp.LoginRequest
		ask  url.Values
	}{
		"nothing":    {idp.LoginRequest{}, url.Values{"prompt": nil, "max_age": nil, "acr_values": nil, "login_hint": nil}},
		"whom":       {idp.LoginRequest{Hint: "ana+aws@example.com"}, url.Values{"login_hint": {"ana+aws@example.com"}, "prompt": nil}},
		"force":      {idp.LoginRequest{Force: true}, url.Values{"prompt": {"login"}, "max_age": {"0"}}},
		"age":        {idp.LoginRequest{MaxAge: 15 * time.Minute}, url.Values{"prompt": nil, "max_age": {"900"}}},
		"force wins": {idp.LoginRequest{Force: true, MaxAge: time.Hour}, url.Values{"prompt": {"login"}, "max_age": {"0"}}},
		"classes":    {idp.LoginRequest{ACR: []string{"a", "b"}}, url.Values{"acr_values": {"a b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t)
			f.op.SetClaims(map[string]any{"acr": "b"})
			f.signsIn(t, tc.want)
			request := f.op.Requests()[0]
			for name, values := range tc.ask {
				if !slices.Equal(request[name], values) {
					t.Errorf("%s: %q, want %q", name, request[name], values)
				}
			}
			if request.Get("state") != handle || request.Get("scope") != "openid profile email" {
				t.Errorf("asked %v", request)
			}
		})
	}
}

func TestEveryAttemptHasItsOwnNonceAndVerifier(t *testing.T) {
	f := newLogin(t)
	a, b := f.attempt(idp.LoginRequest{}), f.attempt(idp.LoginRequest{})
	for _, name := range []string{"nonce", "code_verifier"} {
		if len(a.state[name]) != 43 || a.state[name] == b.state[name] {
			t.Errorf("%s: %q and %q", name, a.state[name], b.state[name])
		}
	}
	for _, r := range f.op.Requests() {
		if strings.Contains(r.Encode(), a.state["code_verifier"]) {
			t.Error("the verifier travels with the request")
		}
	}
}

// TestLoginRefusesTokens changes one thing of a good ID token or of the answer that carries it.
func TestLoginRefusesTokens(t *testing.T) {
	absent := idptest.Absent{}
	for name, tc := range map[string]struct {
		claims map[string]any
		kind   idp.Kind
	}{
		"no nonce":                 {map[string]any{"nonce": absent}, idp.KindInvalid},
		"empty nonce":              {map[string]any{"nonce": ""}, idp.KindInvalid},
		"another nonce":            {map[string]any{"nonce": "another"}, idp.KindInvalid},
		"nonce in a list":          {map[string]any{"nonce": []string{"another"}}, idp.KindInvalid},
		"another audience":         {map[string]any{"aud": "somebody"}, idp.KindInvalid},
		"no audience":              {map[string]any{"aud": absent}, idp.KindInvalid},
		"another client":           {map[string]any{"azp": "somebody"}, idp.KindInvalid},
		"azp empty":                {map[string]any{"azp": ""}, idp.KindInvalid},
		"azp of another type":      {map[string]any{"azp": []string{"broker"}}, idp.KindInvalid},
		"two audiences, no azp":    {map[string]any{"aud": []string{"broker", "somebody"}}, idp.KindInvalid},
		"two audiences, their azp": {map[string]any{"aud": []string{"broker", "somebody"}, "azp": "somebody"}, idp.KindInvalid},
		"another access token":     {map[string]any{"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, idp.KindInvalid},
		"at_hash of another type":  {map[string]any{"at_hash": 1}, idp.KindInvalid},
		"at_hash null":             {map[string]any{"at_hash": nil}, idp.KindInvalid},
		"another issuer":           {map[string]any{"iss": "https://other.example"}, idp.KindUntrusted},
		"expired":                  {map[string]any{"exp": int64(1790000000 - 61)}, idp.KindInvalid},
		"issued long ago":          {map[string]any{"iat": int64(1790000000 - 361)}, idp.KindExpired},
		"not issued":               {map[string]any{"iat": absent}, idp.KindInvalid},
		"of the future":            {map[string]any{"nbf": int64(1790000000 + 61)}, idp.KindInvalid},
		"no subject":               {map[string]any{"sub": absent}, idp.KindInvalid},
		"too many groups":          {map[string]any{"_claim_names": map[string]any{"groups": "src1"}, "_claim_sources": map[string]any{"src1": map[string]any{"endpoint": "https://graph.example"}}}, idp.KindInvalid},
		"hasgroups":                {map[string]any{"hasgroups": true}, idp.KindInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t)
			f.op.SetClaims(tc.claims)
			f.turnsAway(t, tc.kind, idp.LoginRequest{})
		})
	}
}

func TestLoginTakes(t *testing.T) {
	for name, claims := range map[string]map[string]any{
		"our azp":                {"azp": "broker"},
		"two audiences, our azp": {"aud": []string{"broker", "somebody"}, "azp": "broker"},
		"no at_hash":             {"at_hash": idptest.Absent{}},
		"no auth_time":           {"auth_time": idptest.Absent{}},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t)
			f.op.SetClaims(claims)
			f.signsIn(t, idp.LoginRequest{})
		})
	}
}

// TestProvidersThatPassOverWhatWasAsked are detected.
func TestProvidersThatPassOverWhatWasAsked(t *testing.T) {
	f := newLogin(t)
	for name, tc := range map[string]struct {
		want   idp.LoginRequest
		claims map[string]any
		taken  bool
	}{
		"force, old sign-in":   {idp.LoginRequest{Force: true}, map[string]any{"auth_time": f.ago(2 * time.Minute)}, false},
		"force, no time":       {idp.LoginRequest{Force: true}, map[string]any{"auth_time": idptest.Absent{}}, false},
		"force, new":           {idp.LoginRequest{Force: true}, nil, true},
		"age, old sign-in":     {idp.LoginRequest{MaxAge: 10 * time.Minute}, map[string]any{"auth_time": f.ago(11*time.Minute + time.Second)}, false},
		"age, no time":         {idp.LoginRequest{MaxAge: 10 * time.Minute}, map[string]any{"auth_time": idptest.Absent{}}, false},
		"age, young":           {idp.LoginRequest{MaxAge: 10 * time.Minute}, map[string]any{"auth_time": f.ago(9 * time.Minute)}, true},
		"class, another":       {idp.LoginRequest{ACR: []string{"a", "b"}}, map[string]any{"acr": "c"}, false},
		"class, none":          {idp.LoginRequest{ACR: []string{"a", "b"}}, nil, false},
		"class, both in one":   {idp.LoginRequest{ACR: []string{"a", "b"}}, map[string]any{"acr": "a b"}, false},
		"class, one of":        {idp.LoginRequest{ACR: []string{"a", "b"}}, map[string]any{"acr": "b"}, true},
		"nothing asked, old":   {idp.LoginRequest{}, map[string]any{"auth_time": f.ago(24 * time.Hour)}, true},
		"time of the future":   {idp.LoginRequest{Force: true}, map[string]any{"auth_time": f.ago(-2 * time.Minute)}, false},
		"time in milliseconds": {idp.LoginRequest{Force: true}, map[string]any{"auth_time": f.ago(0) * 1000}, false},
	} {
		t.Run(name, func(t *testing.T) {
			f.op.SetClaims(tc.claims)
			if tc.taken {
				f.signsIn(t, tc.want)
				return
			}
			f.turnsAway(t, idp.KindInvalid, tc.want)
		})
	}
}

// TestLoginRefusesAnswers changes what the browser brings back.
func TestLoginRefusesAnswers(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*attempt)
		kind   idp.Kind
	}{
		"no state":             {func(a *attempt) { a.back.Del("state") }, idp.KindInvalid},
		"another state":        {func(a *attempt) { a.back.Set("state", "another") }, idp.KindInvalid},
		"state twice":          {func(a *attempt) { a.back.Add("state", handle) }, idp.KindInvalid},
		"nothing remembered":   {func(a *attempt) { a.state = nil; a.back.Set("state", "") }, idp.KindInvalid},
		"no iss":               {func(a *attempt) { a.back.Del("iss") }, idp.KindInvalid},
		"another iss":          {func(a *attempt) { a.back.Set("iss", "https://other.example") }, idp.KindInvalid},
		"iss twice":            {func(a *attempt) { a.back.Add("iss", a.back.Get("iss")) }, idp.KindInvalid},
		"no code":              {func(a *attempt) { a.back.Del("code") }, idp.KindInvalid},
		"code twice":           {func(a *attempt) { a.back.Add("code", "x") }, idp.KindInvalid},
		"another code":         {func(a *attempt) { a.back.Set("code", "canary") }, idp.KindInvalid},
		"a huge code":          {func(a *attempt) { a.back.Set("code", strings.Repeat("x", 8193)) }, idp.KindInvalid},
		"no verifier":          {func(a *attempt) { delete(a.state, "code_verifier") }, idp.KindInvalid},
		"another verifier":     {func(a *attempt) { a.state["code_verifier"] = strings.Repeat("v", 43) }, idp.KindInvalid},
		"nonce not remembered": {func(a *attempt) { delete(a.state, "nonce") }, idp.KindInvalid},
		"denied":               {func(a *attempt) { a.back.Set("error", "access_denied") }, idp.KindDenied},
		"denied, with markup":  {func(a *attempt) { a.back.Set("error", "<script>") }, idp.KindDenied},
		"denied, empty":        {func(a *attempt) { a.back.Set("error", "") }, idp.KindDenied},
		"denied for its own":   {func(a *attempt) { a.back.Set("error", "login_required") }, idp.KindDenied},
		"too weak":             {func(a *attempt) { a.back.Set("error", "unmet_authentication_requirements") }, idp.KindDenied},
		"trouble":              {func(a *attempt) { a.back.Set("error", "server_error") }, idp.KindUnavailable},
		"denied by another":    {func(a *attempt) { a.back.Set("error", "access_denied"); a.back.Set("iss", "https://other.example") }, idp.KindInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t)
			a := f.attempt(idp.LoginRequest{})
			tc.change(&a)
			id, err := f.finish(a)
			wantKind(t, tc.kind, id, err)
			if err != nil && strings.Contains(err.(*idp.Error).Reason, "script") {
				t.Errorf("the reason quotes the answer: %q", err.(*idp.Error).Reason)
			}
		})
	}
}

// TestAnEmptyNonceBindsNothing, whichever side forgot it.
func TestAnEmptyNonceBindsNothing(t *testing.T) {
	f := newLogin(t)
	for _, nonce := range []any{"", idptest.Absent{}} {
		f.op.SetClaims(map[string]any{"nonce": nonce})
		a := f.attempt(idp.LoginRequest{})
		a.state["nonce"] = ""
		id, err := f.finish(a)
		wantKind(t, idp.KindInvalid, id, err)
	}
}

// TestReasonsSayWhatToDo where another check would refuse as well, but less clearly.
func TestReasonsSayWhatToDo(t *testing.T) {
	f := newLogin(t)
	reason := func(want idp.LoginRequest) string {
		_, err := f.finish(f.attempt(want))
		var refusal *idp.Error
		if !errors.As(err, &refusal) {
			t.Fatalf("got %v", err)
		}
		return refusal.Reason
	}
	f.op.SetClaims(map[string]any{"auth_time": idptest.Absent{}})
	if got := reason(idp.LoginRequest{Force: true}); !strings.Contains(got, "does not say when") {
		t.Errorf("got %q", got)
	}
	f.op.SetToken(0, map[string]any{"id_token": idptest.Absent{}})
	if got := reason(idp.LoginRequest{}); !strings.Contains(got, "openid must be among the scopes") {
		t.Errorf("got %q", got)
	}
}

func TestUnsolicitedAnswersAreRefused(t *testing.T) {
	f := newLogin(t)
	a := f.attempt(idp.LoginRequest{})
	id, err := f.Finish(t.Context(), a.state, idp.Callback{Form: a.back, Unsolicited: true})
	wantKind(t, idp.KindInvalid, id, err)
}

func TestACodeIsRedeemedOnce(t *testing.T) {
	f := newLogin(t)
	a := f.attempt(idp.LoginRequest{})
	if _, err := f.finish(a); err != nil {
		t.Fatal(err)
	}
	id, err := f.finish(a)
	wantKind(t, idp.KindInvalid, id, err)
}

func TestIssMayBeMissingWhereItIsNotPromised(t *testing.T) {
	f := newLogin(t)
	f.op.SetDiscovery(f.op.Metadata(map[string]any{"authorization_response_iss_parameter_supported": false}))
	a := f.attempt(idp.LoginRequest{})
	a.back.Del("iss")
	if _, err := f.finish(a); err != nil {
		t.Error(err)
	}
	b := f.attempt(idp.LoginRequest{})
	b.back.Set("iss", "https://other.example")
	id, err := f.finish(b)
	wantKind(t, idp.KindInvalid, id, err)
}

func TestTokenEndpoint(t *testing.T) {
	for name, tc := range map[string]struct {
		status  int
		changes map[string]any
		kind    idp.Kind
	}{
		"no ID token":      {0, map[string]any{"id_token": idptest.Absent{}}, idp.KindInvalid},
		"ID token no text": {0, map[string]any{"id_token": 7}, idp.KindInvalid},
		"ID token garbage": {0, map[string]any{"id_token": "canary"}, idp.KindInvalid},
		"no access token":  {0, map[string]any{"access_token": idptest.Absent{}}, idp.KindUnavailable},
		"not bearer":       {0, map[string]any{"token_type": "DPoP"}, idp.KindInvalid},
		"error with 200":   {0, map[string]any{"error": "invalid_grant", "error_description": "canary"}, idp.KindInvalid},
		"invalid client":   {401, map[string]any{"error": "invalid_client"}, idp.KindUnavailable},
		"throttled":        {429, nil, idp.KindUnavailable},
		"down":             {503, nil, idp.KindUnavailable},
		"refused":          {400, nil, idp.KindInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t)
			f.op.SetToken(tc.status, tc.changes)
			f.turnsAway(t, tc.kind, idp.LoginRequest{})
		})
	}
}

func TestClientAuthentication(t *testing.T) {
	for name, tc := range map[string]struct {
		methods any
		secret  string
		basic   bool
		fails   bool
	}{
		"basic":          {[]string{"client_secret_post", "client_secret_basic"}, "s3cret-canary", true, false},
		"post":           {[]string{"private_key_jwt", "client_secret_post"}, "s3cret-canary", false, false},
		"not said":       {nil, "s3cret-canary", true, false},
		"none of ours":   {[]string{"private_key_jwt"}, "s3cret-canary", false, true},
		"malformed":      {"client_secret_basic; x", "s3cret-canary", false, true},
		"numbers":        {[]int{1}, "s3cret-canary", false, true},
		"public client":  {[]string{"none"}, "", false, false},
		"public, unsaid": {nil, "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t, func(o *oidc.LoginOptions) { o.ClientSecret = secret.New(tc.secret) })
			f.op.ClientSecret = tc.secret
			if tc.methods != nil {
				f.op.SetDiscovery(f.op.Metadata(map[string]any{"token_endpoint_auth_methods_supported": tc.methods}))
			}
			if tc.fails {
				_, _, err := f.Begin(t.Context(), idp.LoginRequest{Handle: handle})
				wantKind(t, idp.KindUnavailable, idp.Identity{}, err)
				return
			}
			f.signsIn(t, idp.LoginRequest{})
			if f.op.UsedBasic() != tc.basic {
				t.Errorf("basic %v, want %v", f.op.UsedBasic(), tc.basic)
			}
		})
	}
}

func TestUserinfo(t *testing.T) {
	withUserinfo := func(o *oidc.LoginOptions) { o.Userinfo = true }
	f := newLogin(t, withUserinfo)
	f.op.SetClaims(map[string]any{"email": idptest.Absent{}, "acr": "low"})
	f.op.SetUserinfo(map[string]any{
		"sub": "u1001", "groups": []string{"admins"}, "email": "a@example.com", "preferred_username": "mallory",
		"acr": "high", "amr": []string{"otp"}, "auth_time": 1, "azp": "x", "jti": "y", "aud": "z",
	})
	id := f.signsIn(t, idp.LoginRequest{})
	if !slices.Equal(id.Groups, []string{"admins"}) || id.Email != "a@example.com" || id.Username != "alice" {
		t.Errorf("got %+v", id)
	}
	if id.ACR != "low" || id.AMR != nil || !id.AuthTime.Equal(f.clock.now()) || !id.Proof.Once || id.Proof.ID != "" {
		t.Errorf("userinfo dates or strengthens the sign-in: %+v", id)
	}
	for _, name := range []string{"azp", "jti", "amr"} {
		if v, ok := id.Claims.Get(name); ok {
			t.Errorf("%s is taken from userinfo: %v", name, v)
		}
	}
	for name, info := range map[string]map[string]any{
		"another person":  {"sub": "u1002", "groups": []string{"admins"}},
		"nobody":          {"groups": []string{"admins"}},
		"too many groups": {"sub": "u1001", "_claim_names": map[string]any{"groups": "src1"}},
		"odd groups":      {"sub": "u1001", "groups": 7},
	} {
		t.Run(name, func(t *testing.T) {
			f.op.SetUserinfo(info)
			f.turnsAway(t, idp.KindInvalid, idp.LoginRequest{})
		})
	}
	t.Run("not verified, says userinfo", func(t *testing.T) {
		f.op.SetClaims(map[string]any{"email_verified": true})
		f.op.SetUserinfo(map[string]any{"sub": "u1001", "email_verified": false})
		if id := f.signsIn(t, idp.LoginRequest{}); id.Email != "" {
			t.Errorf("got %q", id.Email)
		}
	})
	t.Run("no such endpoint", func(t *testing.T) {
		f := newLogin(t, withUserinfo)
		f.op.SetDiscovery(f.op.Metadata(map[string]any{"userinfo_endpoint": ""}))
		f.turnsAway(t, idp.KindUnavailable, idp.LoginRequest{})
	})
	t.Run("not asked for", func(t *testing.T) {
		f := newLogin(t)
		f.op.SetUserinfo(map[string]any{"sub": "u1002"})
		f.signsIn(t, idp.LoginRequest{})
	})
}

func TestLoginTenant(t *testing.T) {
	f := newLogin(t, func(o *oidc.LoginOptions) { o.Tenant = map[string][]string{"hd": {"example.com"}}; o.Userinfo = true })
	f.op.SetUserinfo(map[string]any{"sub": "u1001", "hd": "example.com"})
	f.turnsAway(t, idp.KindUntrusted, idp.LoginRequest{})
	f.op.SetClaims(map[string]any{"hd": "example.com"})
	f.signsIn(t, idp.LoginRequest{})
}

func TestProviderMetadata(t *testing.T) {
	for name, changes := range map[string]map[string]any{
		"no authorization endpoint": {"authorization_endpoint": ""},
		"script":                    {"authorization_endpoint": "javascript:alert(1)"},
		"no token endpoint":         {"token_endpoint": "/token"},
		"another issuer":            {"issuer": "https://other.example"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newLogin(t)
			f.op.SetDiscovery(f.op.Metadata(changes))
			_, _, err := f.Begin(t.Context(), idp.LoginRequest{Handle: handle})
			wantKind(t, idp.KindUnavailable, idp.Identity{}, err)
		})
	}
}

func TestMetadataIsKeptAsKeysAre(t *testing.T) {
	f := newLogin(t)
	begin := func() error {
		_, _, err := f.Begin(t.Context(), idp.LoginRequest{Handle: handle})
		return err
	}
	fetches := func() int { return f.op.Fetches(idptest.DiscoveryPath) }
	f.op.Fail(http.StatusServiceUnavailable)
	for range 3 {
		if begin() == nil {
			t.Fatal("begun without metadata")
		}
	}
	if fetches() != 1 {
		t.Errorf("%d fetches within the pause", fetches())
	}
	f.op.Fail(0)
	f.clock.advance(oidc.DefaultMinRefetch)
	for range 3 {
		if err := begin(); err != nil {
			t.Fatal(err)
		}
	}
	if fetches() != 2 {
		t.Errorf("%d fetches, want the second to be kept", fetches())
	}
	f.op.Fail(http.StatusServiceUnavailable)
	f.clock.advance(time.Hour)
	if err := begin(); err != nil || fetches() != 3 {
		t.Errorf("stale metadata does not serve on: %v after %d fetches", err, fetches())
	}
	f.clock.advance(24 * time.Hour)
	if begin() == nil {
		t.Error("metadata serves past its end")
	}
}

func TestLoginOptions(t *testing.T) {
	good := oidc.LoginOptions{ID: "a", Issuer: "https://x.example", ClientID: "c", RedirectURL: callbackURL, Fetch: loopback(t)}
	if _, err := oidc.NewLogin(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*oidc.LoginOptions){
		"no id":        func(o *oidc.LoginOptions) { o.ID = "" },
		"no client":    func(o *oidc.LoginOptions) { o.ClientID = "" },
		"no fetcher":   func(o *oidc.LoginOptions) { o.Fetch = nil },
		"redirect":     func(o *oidc.LoginOptions) { o.RedirectURL = "/callback" },
		"issuer":       func(o *oidc.LoginOptions) { o.Issuer = "x" },
		"scopes":       func(o *oidc.LoginOptions) { o.Scopes = []string{"openid email"} },
		"broken keys":  func(o *oidc.LoginOptions) { o.JWKSFile = []byte("{}") },
		"huge skew":    func(o *oidc.LoginOptions) { o.Skew = time.Hour },
		"negative age": func(o *oidc.LoginOptions) { o.MaxAge = -time.Hour },
	} {
		o := good
		change(&o)
		if _, err := oidc.NewLogin(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
