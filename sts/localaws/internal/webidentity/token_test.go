package webidentity_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/idptest"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/webidentity"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/wire"
)

var now = time.Unix(1_800_000_000, 0)

const audience = "sts.amazonaws.com"

func code(err error) string {
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Code
	}
	if err != nil {
		return "not an AWS error: " + err.Error()
	}
	return ""
}

func fetcher(clock func() time.Time) *webidentity.Fetcher {
	return &webidentity.Fetcher{Client: http.DefaultClient, Clock: clock, Insecure: true}
}

func still() time.Time { return now }

func claims(o *idptest.OIDC, edits map[string]any) map[string]any {
	out := map[string]any{"iss": o.URL, "sub": "s", "aud": audience, "iat": now.Unix(), "exp": now.Unix() + 300}
	for name, value := range edits {
		out[name] = value
		if value == nil {
			delete(out, name)
		}
	}
	return out
}

// accept runs every check that a token has to pass.
func accept(raw string, f *webidentity.Fetcher, pinned *webidentity.KeySet) (*webidentity.Claims, error) {
	token, err := webidentity.Parse(raw)
	if err != nil {
		return nil, err
	}
	verified, err := token.Verify(context.Background(), f, pinned)
	if err != nil {
		return nil, err
	}
	return verified, verified.Check([]string{audience, "other-client"}, now)
}

func payload(o *idptest.OIDC) string {
	return fmt.Sprintf(`{"iss":%q,"sub":"s","aud":%q,"iat":%d,"exp":%d}`, o.URL, audience, now.Unix(), now.Unix()+300)
}

func encode(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

const goodHeader = `{"alg":"ES256","kid":"k1","typ":"JWT"}`

func TestAccepted(t *testing.T) {
	o := idptest.NewOIDC(t)
	for name, raw := range map[string]string{
		"plain":               o.Raw(t, goodHeader, payload(o)),
		"no typ":              o.Raw(t, `{"alg":"ES256","kid":"k1"}`, payload(o)),
		"no kid, one key":     o.Raw(t, `{"alg":"ES256"}`, payload(o)),
		"unknown header":      o.Raw(t, `{"alg":"ES256","kid":"k1","x":1}`, payload(o)),
		"an empty subject":    o.Mint(t, claims(o, map[string]any{"sub": ""})),
		"a numeric subject":   o.Mint(t, claims(o, map[string]any{"sub": 7})),
		"azp":                 o.Mint(t, claims(o, map[string]any{"azp": "other-client"})),
		"a list of one":       o.Mint(t, claims(o, map[string]any{"aud": []string{audience}})),
		"expired 299 s ago":   o.Mint(t, claims(o, map[string]any{"exp": now.Unix() - 299})),
		"issued in 300 s":     o.Mint(t, claims(o, map[string]any{"iat": now.Unix() + 300})),
		"not before in 300 s": o.Mint(t, claims(o, map[string]any{"nbf": now.Unix() + 300})),
	} {
		if _, err := accept(raw, fetcher(still), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHostile(t *testing.T) {
	o := idptest.NewOIDC(t)
	evil, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(method jwt.SigningMethod, key any, header map[string]any, edits map[string]any) string {
		token := jwt.NewWithClaims(method, jwt.MapClaims(claims(o, edits)))
		token.Header["kid"] = "k1"
		for name, value := range header {
			token.Header[name] = value
		}
		raw, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	good := o.Raw(t, goodHeader, payload(o))
	parts := strings.Split(good, ".")
	edDSA := func() ed25519.PrivateKey { _, key, _ := ed25519.GenerateKey(rand.Reader); return key }()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	const invalid = "InvalidIdentityToken"
	cases := map[string]struct{ raw, want string }{
		"none":                            {encode(`{"alg":"none","kid":"k1"}`) + "." + parts[1] + ".", invalid},
		"none with a signature":           {encode(`{"alg":"none","kid":"k1"}`) + "." + parts[1] + "." + parts[2], invalid},
		"NoNe":                            {o.Raw(t, `{"alg":"NoNe","kid":"k1"}`, payload(o)), invalid},
		"HS256 with the key set":          {signed(jwt.SigningMethodHS256, o.JWKS(), nil, nil), invalid},
		"HS256 with an empty key":         {signed(jwt.SigningMethodHS256, []byte{}, nil, nil), invalid},
		"PS256":                           {signed(jwt.SigningMethodPS256, rsaKey, nil, nil), invalid},
		"EdDSA":                           {signed(jwt.SigningMethodEdDSA, edDSA, nil, nil), invalid},
		"RS256 against an EC key":         {signed(jwt.SigningMethodRS256, rsaKey, nil, nil), invalid},
		"ES384 against a P-256 key":       {o.Raw(t, `{"alg":"ES384","kid":"k1"}`, payload(o)), invalid},
		"a foreign key":                   {signed(jwt.SigningMethodES256, evil, nil, nil), invalid},
		"a foreign key as jwk":            {signed(jwt.SigningMethodES256, evil, map[string]any{"jwk": idptest.ECKey("k1", &evil.PublicKey)}, nil), invalid},
		"a foreign key as jku":            {signed(jwt.SigningMethodES256, evil, map[string]any{"jku": "http://127.0.0.1:1/jwks"}, nil), invalid},
		"an unknown kid":                  {signed(jwt.SigningMethodES256, o.Key, map[string]any{"kid": "k2"}, nil), invalid},
		"a kid that is a number":          {o.Raw(t, `{"alg":"ES256","kid":1}`, payload(o)), invalid},
		"crit":                            {o.Raw(t, `{"alg":"ES256","kid":"k1","crit":["exp"],"exp":1}`, payload(o)), invalid},
		"an empty crit":                   {o.Raw(t, `{"alg":"ES256","kid":"k1","crit":[]}`, payload(o)), invalid},
		"alg twice":                       {o.Raw(t, `{"alg":"none","alg":"ES256","kid":"k1"}`, payload(o)), invalid},
		"Alg in another case":             {o.Raw(t, `{"Alg":"ES256","kid":"k1"}`, payload(o)), invalid},
		"a changed payload":               {parts[0] + "." + encode(strings.Replace(payload(o), `"s"`, `"root"`, 1)) + "." + parts[2], invalid},
		"a changed header":                {encode(`{"alg":"ES256","kid":"k1","typ":"jwt"}`) + "." + parts[1] + "." + parts[2], invalid},
		"a cut signature":                 {good[:len(good)-2], invalid},
		"a signature of zeros":            {parts[0] + "." + parts[1] + "." + encode(strings.Repeat("\x00", 64)), invalid},
		"a loose last character":          {loosen(good), invalid},
		"padding":                         {good + "==", invalid},
		"a line break":                    {parts[0] + ".\n" + parts[1] + "." + parts[2], invalid},
		"a line break in the signature":   {good[:len(good)-4] + "\n" + good[len(good)-4:], invalid},
		"a blank":                         {" " + good, invalid},
		"four parts":                      {good + ".x", invalid},
		"five parts":                      {"a.b.c.d.e", invalid},
		"two parts":                       {parts[0] + "." + parts[1], invalid},
		"a million dots":                  {strings.Repeat(".", 1_000_000), invalid},
		"JSON serialization":              {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, invalid},
		"sub twice":                       {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub":"s"`, `"sub":"s","sub":"root"`, 1)), invalid},
		"sub twice, escaped":              {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub":"s"`, `"sub":"s","\u0073ub":"root"`, 1)), invalid},
		"a nested member twice":           {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub"`, `"x":{"a":1,"a":2},"sub"`, 1)), invalid},
		"Sub instead of sub":              {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub"`, `"Sub"`, 1)), invalid},
		"data after the claims":           {o.Raw(t, goodHeader, payload(o)+"{}"), invalid},
		"claims in a list":                {o.Raw(t, goodHeader, "["+payload(o)+"]"), invalid},
		"not UTF-8":                       {o.Raw(t, goodHeader, strings.Replace(payload(o), `"s"`, "\"\xff\"", 1)), invalid},
		"depth":                           {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub"`, `"x":`+strings.Repeat("[", 50)+strings.Repeat("]", 50)+`,"sub"`, 1)), invalid},
		"no iss":                          {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"iss": nil}), invalid},
		"iss a list":                      {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"iss": []string{o.URL}}), invalid},
		"sub null":                        {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub":"s"`, `"sub":null`, 1)), invalid},
		"sub an object":                   {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub":"s"`, `"sub":{}`, 1)), invalid},
		"aud another":                     {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": "x"}), invalid},
		"aud in another case":             {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": "STS.amazonaws.com"}), invalid},
		"aud with a blank":                {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": audience + " "}), invalid},
		"aud two":                         {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": []string{audience, "x"}}), invalid},
		"aud the same twice":              {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": []string{audience, audience}}), invalid},
		"aud none":                        {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": []string{}}), invalid},
		"aud a number":                    {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": 1}), invalid},
		"aud with a number":               {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"aud": []any{audience, 1}}), invalid},
		"azp empty":                       {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"azp": ""}), invalid},
		"azp foreign":                     {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"azp": "x"}), invalid},
		"azp null":                        {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub"`, `"azp":null,"sub"`, 1)), invalid},
		"exp 300 s ago":                   {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"exp": now.Unix() - 300}), "ExpiredTokenException"},
		"exp a fraction":                  {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"exp": float64(now.Unix()) + 10.5}), invalid},
		"exp enormous":                    {o.Raw(t, goodHeader, strings.Replace(payload(o), fmt.Sprintf(`"exp":%d`, now.Unix()+300), `"exp":1e300`, 1)), invalid},
		"exp 2^63-1":                      {o.Raw(t, goodHeader, strings.Replace(payload(o), fmt.Sprintf(`"exp":%d`, now.Unix()+300), `"exp":9223372036854775807`, 1)), invalid},
		"exp true":                        {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"exp": true}), invalid},
		"nbf in 301 s":                    {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"nbf": now.Unix() + 301}), invalid},
		"nbf null":                        {o.Raw(t, goodHeader, strings.Replace(payload(o), `"sub"`, `"nbf":null,"sub"`, 1)), invalid},
		"iat in 301 s":                    {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"iat": now.Unix() + 301}), invalid},
		"iat in 301 s, nbf now":           {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"iat": now.Unix() + 301, "nbf": now.Unix()}), invalid},
		"more than 20000 characters long": {signed(jwt.SigningMethodES256, o.Key, nil, map[string]any{"x": strings.Repeat("x", 20000)}), invalid},
	}
	shared := fetcher(still)
	for name, test := range cases {
		verified, err := accept(test.raw, shared, nil)
		if got := code(err); got != test.want {
			t.Errorf("%s: %q, want %q (%+v)", name, got, test.want, verified)
		}
	}
}

// loosen sets an unused bit of the last character of a signature of 64 bytes, which lenient base64 ignores.
func loosen(raw string) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, raw[len(raw)-1])
	return raw[:len(raw)-1] + string(alphabet[last^1])
}

func TestKeySet(t *testing.T) {
	o := idptest.NewOIDC(t)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token := o.Raw(t, goodHeader, payload(o))
	noKid := o.Raw(t, `{"alg":"ES256"}`, payload(o))
	with := func(edits map[string]any) map[string]any {
		key := idptest.ECKey("k1", &o.Key.PublicKey)
		for name, value := range edits {
			key[name] = value
			if value == nil {
				delete(key, name)
			}
		}
		return key
	}
	many := func(n int, last map[string]any) []any {
		var keys []any
		for i := range n {
			keys = append(keys, idptest.ECKey(fmt.Sprintf("x%d", i), &other.PublicKey))
		}
		return append(keys, last)
	}
	for name, test := range map[string]struct {
		keys  []any
		token string
		good  bool
	}{
		"one":                       {[]any{with(nil)}, token, true},
		"alg is ignored":            {[]any{with(map[string]any{"alg": "RS256"})}, token, true},
		"no use":                    {[]any{with(map[string]any{"use": nil})}, token, true},
		"for encryption":            {[]any{with(map[string]any{"use": "enc"})}, token, false},
		"key_ops":                   {[]any{with(map[string]any{"key_ops": []string{"verify"}})}, token, false},
		"no kid":                    {[]any{with(map[string]any{"kid": nil})}, noKid, false},
		"token without kid, two":    {[]any{with(nil), idptest.ECKey("k2", &other.PublicKey)}, noKid, false},
		"the later of equal kids":   {[]any{idptest.ECKey("k1", &other.PublicKey), with(nil)}, token, true},
		"the earlier of equal kids": {[]any{with(nil), idptest.ECKey("k1", &other.PublicKey)}, token, false},
		"x5c of another key":        {[]any{with(map[string]any{"x5c": []string{base64.StdEncoding.EncodeToString(idptest.NewSAML(t, "x", false).Certificate)}})}, token, false},
		"an empty x5c":              {[]any{with(map[string]any{"x5c": []string{}})}, token, false},
		"a point off the curve":     {[]any{with(map[string]any{"x": encode(strings.Repeat("\x01", 32))})}, token, false},
		"another curve":             {[]any{with(map[string]any{"crv": "secp256k1"})}, token, false},
		"a symmetric key":           {[]any{map[string]any{"kty": "oct", "kid": "k1", "k": "AAAA"}}, token, false},
		"100 keys":                  {many(99, with(nil)), token, true},
		"101 keys":                  {many(100, with(nil)), token, false},
	} {
		document, err := json.Marshal(map[string]any{"keys": test.keys})
		if err != nil {
			t.Fatal(err)
		}
		set, err := webidentity.ParseKeySet(document)
		if err == nil {
			_, err = accept(test.token, nil, set)
		}
		if (err == nil) != test.good {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRSAKeys(t *testing.T) {
	o := idptest.NewOIDC(t)
	for bits, good := range map[int]bool{1024: false, 2048: true} {
		t.Run(fmt.Sprint(bits), func(t *testing.T) {
			t.Setenv("GODEBUG", "rsa1024min=0")
			key, err := rsa.GenerateKey(rand.Reader, bits)
			if err != nil {
				t.Fatal(err)
			}
			document := fmt.Sprintf(`{"keys":[{"kty":"RSA","kid":"k1","n":%q,"e":%q}]}`,
				base64.RawURLEncoding.EncodeToString(key.N.Bytes()), base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()))
			set, err := webidentity.ParseKeySet([]byte(document))
			if (err == nil) != good {
				t.Fatalf("%d bits: %v", bits, err)
			}
			if !good {
				return
			}
			token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims(claims(o, nil)))
			token.Header["kid"] = "k1"
			raw, err := token.SignedString(key)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := accept(raw, nil, set); err != nil {
				t.Error(err)
			}
			token.Method = jwt.SigningMethodPS256
			token.Header["alg"] = "PS256"
			if raw, err = token.SignedString(key); err != nil {
				t.Fatal(err)
			}
			if _, err := accept(raw, nil, set); code(err) != "InvalidIdentityToken" {
				t.Errorf("PS256: %v", err)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	serve := func(status int, contentType, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	const discovery = "/.well-known/openid-configuration"
	for name, test := range map[string]struct {
		path    string
		handler func(*idptest.OIDC) http.HandlerFunc
		want    string
	}{
		"another issuer": {discovery, func(o *idptest.OIDC) http.HandlerFunc {
			return serve(200, "application/json", `{"issuer":"https://x","jwks_uri":"`+o.URL+`/jwks"}`)
		}, "InvalidIdentityToken"},
		"keys over http": {discovery, func(o *idptest.OIDC) http.HandlerFunc {
			return serve(200, "application/json", `{"issuer":"`+o.URL+`","jwks_uri":"http://192.0.2.1/jwks"}`)
		}, "InvalidIdentityToken"},
		"keys in a file": {discovery, func(o *idptest.OIDC) http.HandlerFunc {
			return serve(200, "application/json", `{"issuer":"`+o.URL+`","jwks_uri":"file:///etc/passwd"}`)
		}, "InvalidIdentityToken"},
		"not found":  {discovery, func(*idptest.OIDC) http.HandlerFunc { return serve(404, "application/json", "{}") }, "InvalidIdentityToken"},
		"a web page": {discovery, func(*idptest.OIDC) http.HandlerFunc { return serve(200, "text/html", "<html>") }, "InvalidIdentityToken"},
		"a redirect": {"/jwks", func(o *idptest.OIDC) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/other", http.StatusFound) }
		}, "InvalidIdentityToken"},
		"two megabytes": {"/jwks", func(o *idptest.OIDC) http.HandlerFunc {
			return serve(200, "application/json", string(o.JWKS())+strings.Repeat(" ", 2<<20))
		}, "InvalidIdentityToken"},
		"no keys": {"/jwks", func(*idptest.OIDC) http.HandlerFunc { return serve(200, "application/json", `{"keys":[]}`) }, "InvalidIdentityToken"},
		"a broken connection": {"/jwks", func(*idptest.OIDC) http.HandlerFunc {
			return func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
		}, "IDPCommunicationError"},
	} {
		o := idptest.NewOIDC(t)
		o.Serve[test.path] = test.handler(o)
		o.Serve["/other"] = serve(200, "application/json", string(o.JWKS())) // where the redirect leads
		_, err := accept(o.Raw(t, goodHeader, payload(o)), fetcher(still), nil)
		if got := code(err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// An unknown kid makes one fetch, and the next not before the cool-down is over.
func TestFetchCooldown(t *testing.T) {
	o := idptest.NewOIDC(t)
	at := now
	var mu sync.Mutex
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return at }
	move := func(d time.Duration) { mu.Lock(); defer mu.Unlock(); at = at.Add(d) }
	f := fetcher(clock)
	unknown := o.Raw(t, `{"alg":"ES256","kid":"other"}`, payload(o))
	want := func(fetches int32) {
		t.Helper()
		if got := o.Fetches.Load(); got != fetches {
			t.Errorf("%d fetches, want %d", got, fetches)
		}
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, _ = accept(o.Raw(t, goodHeader, payload(o)), f, nil) })
	}
	all.Wait()
	want(1)
	for range 20 {
		_, _ = accept(unknown, f, nil)
	}
	want(1)
	move(11 * time.Second)
	for range 20 {
		_, _ = accept(unknown, f, nil)
	}
	want(2)
	move(16 * time.Minute)
	o.Serve["/jwks"] = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }
	if _, err := accept(o.Raw(t, goodHeader, payload(o)), f, nil); err != nil {
		t.Errorf("the kept keys serve while the issuer is away: %v", err)
	}
	want(3)
	move(25 * time.Hour)
	if _, err := accept(o.Raw(t, goodHeader, payload(o)), f, nil); err == nil {
		t.Error("keys of yesterday are still used")
	}
	o.Serve = map[string]http.HandlerFunc{}
	if _, err := accept(o.Raw(t, goodHeader, payload(o)), f, nil); err == nil {
		t.Error("a failed fetch is tried again at once")
	}
	move(time.Second)
	token, err := webidentity.Parse(o.Raw(t, goodHeader, payload(o)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := token.Verify(context.Background(), f, nil); err != nil {
		t.Errorf("after the cool-down: %v", err)
	}
}

func TestConditionKeys(t *testing.T) {
	o := idptest.NewOIDC(t)
	verified, err := accept(o.Mint(t, claims(o, map[string]any{
		"azp": "other-client", "aud": []string{"a", "b"}, "amr": []string{"pwd", "mfa"}, "email": "a@b", "repository_id": 7, "secret": "x",
	})), fetcher(still), nil)
	if err != nil {
		t.Fatal(err)
	}
	for prefix, want := range map[string]string{
		"idp.example.com":                           "aud=other-client sub=s oaud=a,b amr=pwd,mfa email=a@b",
		"token.actions.githubusercontent.com":       "aud=other-client sub=s oaud=a,b amr=pwd,mfa repository_id=7 email=a@b",
		"token.actions.githubusercontent.com.evil":  "aud=other-client sub=s oaud=a,b amr=pwd,mfa email=a@b",
		"token.actions.githubusercontent.com/acme":  "aud=other-client sub=s oaud=a,b amr=pwd,mfa repository_id=7 email=a@b",
		"xtoken.actions.githubusercontent.com/acme": "aud=other-client sub=s oaud=a,b amr=pwd,mfa email=a@b",
	} {
		var got []string
		for _, key := range verified.ConditionKeys(prefix) {
			got = append(got, strings.TrimPrefix(key.Name, prefix+":")+"="+strings.Join(key.Values, ","))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s, want %s", prefix, strings.Join(got, " "), want)
		}
	}
}

func FuzzToken(f *testing.F) {
	o := idptest.NewOIDC(f)
	f.Add(o.Raw(f, goodHeader, payload(o)))
	f.Add(o.Raw(f, `{"alg":"none"}`, "{}"))
	f.Add("..")
	set, err := webidentity.ParseKeySet(o.JWKS())
	if err != nil {
		f.Fatal(err)
	}
	good := o.Raw(f, goodHeader, payload(o))
	f.Add(good)
	f.Fuzz(func(t *testing.T, raw string) {
		verified, err := accept(raw, nil, set)
		if err != nil && !strings.Contains(code(err), "Token") {
			t.Errorf("not an AWS error: %v", err)
		}
		if err == nil && verified.Subject != "s" {
			t.Errorf("forged: %+v", verified)
		}
	})
}

func FuzzKeySet(f *testing.F) {
	f.Add(idptest.NewOIDC(f).JWKS())
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(_ *testing.T, document []byte) { _, _ = webidentity.ParseKeySet(document) })
}

func BenchmarkVerify(b *testing.B) {
	b.ReportAllocs()
	o := idptest.NewOIDC(b)
	set, err := webidentity.ParseKeySet(o.JWKS())
	if err != nil {
		b.Fatal(err)
	}
	raw := o.Raw(b, goodHeader, payload(o))
	for b.Loop() {
		if _, err := accept(raw, nil, set); err != nil {
			b.Fatal(err)
		}
	}
}
