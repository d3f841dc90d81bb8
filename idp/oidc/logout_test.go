package oidc_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/oidc"
)

func withLogout(o *oidc.LoginOptions) { o.Leave = true }

func offersLogout(f *loginFixture, endpoint string) {
	f.op.SetDiscovery(f.op.Metadata(map[string]any{"end_session_endpoint": endpoint}))
}

// TestLeavingTheProvider: the request of RP-Initiated Logout 1.0 section 2, by POST.
func TestLeavingTheProvider(t *testing.T) {
	for _, userinfo := range []bool{false, true} {
		f := newLogin(t, withLogout, func(o *oidc.LoginOptions) { o.Userinfo = userinfo })
		offersLogout(f, f.op.URL+"/end")
		f.op.SetClaims(map[string]any{"sid": "s-1"})
		f.op.SetUserinfo(map[string]any{"sub": "u1001", "sid": "another"})
		id := f.signsIn(t, idp.LoginRequest{})
		if id.SessionID != "s-1" || strings.Count(id.Leave["id_token"], ".") != 2 {
			t.Fatalf("%q, %v", id.SessionID, id.Leave)
		}
		redirect, state, err := f.BeginLogout(t.Context(), id, handle)
		if err != nil {
			t.Fatal(err)
		}
		want := idp.Redirect{URL: f.op.URL + "/end", Form: url.Values{
			"id_token_hint": {id.Leave["id_token"]}, "client_id": {"broker"}, "post_logout_redirect_uri": {callbackURL}, "state": {handle},
		}}
		if !reflect.DeepEqual(redirect, want) {
			t.Errorf("got %+v", redirect)
		}
		if partly, err := f.FinishLogout(t.Context(), state, idp.Callback{Form: url.Values{"state": {handle}}}); partly || err != nil {
			t.Errorf("%t, %v", partly, err)
		}
		for name, back := range map[string]url.Values{"none": nil, "another": {"state": {"x"}}, "two": {"state": {handle, handle}}, "empty": {"state": {""}}} {
			if _, err := f.FinishLogout(t.Context(), state, idp.Callback{Form: back}); err == nil {
				t.Errorf("%s: taken", name)
			}
		}
		if _, err := f.FinishLogout(t.Context(), idp.State{}, idp.Callback{Form: url.Values{"state": {""}}}); err == nil {
			t.Error("an answer to nobody's request is taken")
		}
	}
}

func TestNothingToLeave(t *testing.T) {
	offered := newLogin(t, withLogout)
	offersLogout(offered, offered.op.URL+"/end")
	id := offered.signsIn(t, idp.LoginRequest{})
	local := newLogin(t)
	offersLogout(local, local.op.URL+"/end")
	if kept := local.signsIn(t, idp.LoginRequest{}); kept.Leave != nil {
		t.Error("an ID token is kept that nobody needs")
	}
	for name, c := range map[string]struct {
		login *loginFixture
		id    idp.Identity
	}{
		"no endpoint": {newLogin(t, withLogout), id}, "no ID token": {offered, idp.Identity{}},
	} {
		if redirect, _, err := c.login.BeginLogout(t.Context(), c.id, handle); !errors.Is(err, idp.ErrStays) {
			t.Errorf("%s: %+v, %v", name, redirect, err)
		}
	}
	for _, endpoint := range []string{"javascript:alert(1)", "/end", "https://user@op.example/end", "ftp://op.example/end"} {
		f := newLogin(t, withLogout)
		offersLogout(f, endpoint)
		if redirect, _, err := f.BeginLogout(t.Context(), id, handle); err == nil || redirect.URL != "" {
			t.Errorf("%s: %+v", endpoint, redirect)
		}
	}
	away := newLogin(t, withLogout)
	defer away.op.Hold()()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := away.BeginLogout(ctx, id, handle)
	wantKind(t, idp.KindUnavailable, idp.Identity{}, err)
}

// readLogout delivers a logout token.
func (f *loginFixture) readLogout(token string) (idp.Logout, error) {
	return f.ReadLogout(f.t.Context(), idp.Callback{Form: url.Values{"logout_token": {token}}})
}

func TestLogoutTokens(t *testing.T) {
	for name, c := range map[string]struct {
		claims   map[string]any
		subject  string
		sessions []string
		until    time.Duration // from now
	}{
		"a person":          {map[string]any{"sub": "u1001"}, "u1001", nil, 3 * time.Minute},
		"a session":         {map[string]any{"sid": "s-1"}, "", []string{"s-1"}, 3 * time.Minute},
		"both":              {map[string]any{"sub": "u1001", "sid": "s-1"}, "u1001", []string{"s-1"}, 3 * time.Minute},
		"no end":            {map[string]any{"sub": "u1001", "exp": idptest.Absent{}}, "u1001", nil, 6 * time.Minute},
		"an end far off":    {map[string]any{"sub": "u1001", "exp": 4102444800}, "u1001", nil, 6 * time.Minute},
		"a second event":    {map[string]any{"sub": "u1001", "events": map[string]any{"urn:x": 1, "http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}, "u1001", nil, 3 * time.Minute},
		"several audiences": {map[string]any{"sub": "u1001", "aud": []string{"other", "broker"}}, "u1001", nil, 3 * time.Minute},
	} {
		for _, typ := range []string{"logout+jwt", "application/logout+JWT", ""} {
			f := newLogin(t)
			claims := map[string]any{"aud": "broker"}
			maps.Copy(claims, c.claims)
			token := retyped(f, typ, f.op.LogoutToken(claims))
			got, err := f.readLogout(token)
			if err != nil {
				t.Errorf("%s %q: %v", name, typ, err)
				continue
			}
			now := f.clock.now()
			if got.Provider != "corp" || got.Issuer != f.op.URL || got.Subject != c.subject || !reflect.DeepEqual(got.SessionIDs, c.sessions) {
				t.Errorf("%s: %+v", name, got)
			}
			if p := got.Proof; !p.Once || p.ID == "" || len(p.Hash) != 64 || p.Expires.Sub(now.Truncate(time.Second)) != c.until || p.Kind != idp.ProofJWT {
				t.Errorf("%s: proof %+v, %s", name, p, p.Expires.Sub(now))
			}
		}
	}
}

func payloadOf(t testing.TB, token string) []byte {
	t.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return payload
}

// retyped signs the claims of a token anew under another type.
func retyped(f *loginFixture, typ, token string) string {
	return idptest.SignTyped(f.t, f.op.Key(), typ, payloadOf(f.t, token))
}

func TestHostileLogoutTokens(t *testing.T) {
	event := "http://schemas.openid.net/event/backchannel-logout"
	now := newClock().now()
	for name, c := range map[string]struct {
		kind   idp.Kind
		claims map[string]any
	}{
		"a nonce":               {idp.KindInvalid, map[string]any{"nonce": "n"}},
		"a nonce of null":       {idp.KindInvalid, map[string]any{"nonce": nil}},
		"no events":             {idp.KindInvalid, map[string]any{"events": idptest.Absent{}}},
		"another event":         {idp.KindInvalid, map[string]any{"events": map[string]any{"urn:x": map[string]any{}}}},
		"an event as text":      {idp.KindInvalid, map[string]any{"events": event}},
		"an event without body": {idp.KindInvalid, map[string]any{"events": map[string]any{event: true}}},
		"a list of events":      {idp.KindInvalid, map[string]any{"events": []string{event}}},
		"nobody":                {idp.KindInvalid, map[string]any{"sub": idptest.Absent{}}},
		"an empty subject":      {idp.KindInvalid, map[string]any{"sub": ""}},
		"a number as session":   {idp.KindInvalid, map[string]any{"sid": 7}},
		"an empty session":      {idp.KindInvalid, map[string]any{"sid": ""}},
		"an invisible letter":   {idp.KindInvalid, map[string]any{"sub": "u\u200b1001"}},
		"no id":                 {idp.KindInvalid, map[string]any{"jti": idptest.Absent{}}},
		"a number as id":        {idp.KindInvalid, map[string]any{"jti": 7}},
		"no time":               {idp.KindInvalid, map[string]any{"iat": idptest.Absent{}}},
		"a time as text":        {idp.KindInvalid, map[string]any{"iat": "now"}},
		"from the future":       {idp.KindInvalid, map[string]any{"iat": now.Add(2 * time.Minute).Unix()}},
		"old":                   {idp.KindExpired, map[string]any{"iat": now.Add(-7 * time.Minute).Unix(), "exp": now.Add(time.Hour).Unix()}},
		"over":                  {idp.KindExpired, map[string]any{"exp": now.Add(-2 * time.Minute).Unix()}},
		"an end as text":        {idp.KindInvalid, map[string]any{"exp": "soon"}},
		"another audience":      {idp.KindInvalid, map[string]any{"aud": "other"}},
		"no audience":           {idp.KindInvalid, map[string]any{"aud": idptest.Absent{}}},
		"another issuer":        {idp.KindUntrusted, map[string]any{"iss": "https://other.example"}},
	} {
		f := newLogin(t)
		claims := map[string]any{"aud": "broker", "sub": "u1001"}
		maps.Copy(claims, c.claims)
		got, err := f.readLogout(f.op.LogoutToken(claims))
		if wantKind(t, c.kind, idp.Identity{}, err); got.Subject != "" || got.SessionIDs != nil {
			t.Errorf("%s: %v came with %+v", name, err, got)
		}
	}
}

// TestNotALogoutToken: other kinds of tokens, and forgeries.
func TestNotALogoutToken(t *testing.T) {
	f := newLogin(t, withLogout)
	offersLogout(f, f.op.URL+"/end")
	idToken := f.signsIn(t, idp.LoginRequest{}).Leave["id_token"]
	good := f.op.LogoutToken(map[string]any{"aud": "broker", "sub": "u1001"})
	if _, err := f.readLogout(good); err != nil {
		t.Fatal(err)
	}
	stranger := idptest.SigningKey{ID: f.op.Key().ID, Alg: jose.ES256, Key: idptest.ECKey(t)}
	header, err := json.Marshal(map[string]string{"alg": "none", "typ": "logout+jwt"})
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"an ID token":              idToken,
		"an ID token that says so": retyped(f, "logout+jwt", idToken),
		"a token of type JWT":      retyped(f, "JWT", good),
		"a token of type at+jwt":   retyped(f, "at+jwt", good),
		"another key":              idptest.SignTyped(t, stranger, "logout+jwt", payloadOf(t, good)),
		"alg none":                 idptest.SignJWS(t, f.op.Key(), header, payloadOf(t, good)),
		"cut":                      good[:len(good)-4],
		"nothing":                  "",
	} {
		_, err := f.readLogout(token)
		if wantKind(t, idp.KindInvalid, idp.Identity{}, err); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for name, form := range map[string]url.Values{"none": {}, "two": {"logout_token": {good, good}}} {
		if _, err := f.ReadLogout(t.Context(), idp.Callback{Form: form}); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	// And the other way round: a logout token signs nobody in.
	f.op.SetToken(0, map[string]any{"id_token": good})
	f.turnsAway(t, idp.KindInvalid, idp.LoginRequest{})
}
