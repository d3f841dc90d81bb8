package blackbox

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

// goodJWTs are tokens that the standards allow and that issuers send.
func goodJWTs(idp string) map[string]*token {
	k := keysOfIssuers()
	now := time.Now()
	_, ours := issuerOf(idp)
	own := func() *token { return workload(idp, attackerSub) }
	header := func(name string, value any) *token {
		t := own()
		t.header[name] = value
		return t
	}
	noTyp := own()
	delete(noTyp.header, "typ")
	spaced := own()
	spaced.rawClaims = "{ \n\t" + strings.Replace(string(mustJSON(spaced.claims))[1:], ",", " ,\r\n ", -1)
	out := map[string]*token{
		"plain": own(), "no typ": noTyp, "typ jwt": header("typ", "jwt"), "typ at+jwt": header("typ", "at+jwt"), "typ application/jwt": header("typ", "application/jwt"),
		"x5t": header("x5t", "abc"), "own jwk": header("jwk", rsaJWK("rsa", k.rsa, nil)), "x5c of its own": header("x5c", []string{base64.StdEncoding.EncodeToString(idptest.RSAKey(0).Cert.Raw)}), "unknown header": header("nonce", "abc"), "cty": header("cty", "json"),
		"RS384": own().by("RS384", "rsa", k.rsa), "RS512": own().by("RS512", "rsa", k.rsa), "PS256": own().by("PS256", "ps", k.ps), "PS384": own().by("PS384", "rsa", k.rsa), "PS512": own().by("PS512", "rsa", k.rsa),
		"ES256": own().by("ES256", "ec", k.ec), "ES384": own().by("ES384", "ec384", k.ec384), "ES512": own().by("ES512", "ec521", k.ec5), "EdDSA": own().by("EdDSA", "ed", k.ed),
		"RS256 without kid": own().by("RS256", "", k.rsa), "a year to live": own().with("exp", now.Add(365*24*time.Hour).Unix()), "typ JOSE": header("typ", "JOSE"), "aud twice in the list": own().with("aud", []string{ours, ours}), "exp in a float": own().with("exp", float64(now.Add(time.Hour).UnixMilli())/1000), "sub in other alphabets": own().with("actor", "山田"), "empty claim": own().with("environment", ""),
		"ES256 without kid": own().by("ES256", "", k.ec), "EdDSA without kid": own().by("EdDSA", "", k.ed),
		"aud list": own().with("aud", []string{ours}), "aud among two": own().with("aud", []string{"https://other.example", ours}), "azp is us": own().with("aud", []string{"x", ours}).with("azp", ours), "azp beside one aud": own().with("azp", "client-7"),
		"no nbf": own().without("nbf"), "no jti": own().without("jti"), "exp with a fraction": own().with("exp", raw(fmt.Sprintf("%d.5", now.Add(time.Minute).Unix()))), "exp as 1e9 form": own().with("exp", raw(fmt.Sprintf("%d.0e0", now.Add(time.Hour).Unix()))),
		"iat a little ahead": own().with("iat", now.Add(20*time.Second).Unix()), "nbf a little ahead": own().with("nbf", now.Add(20*time.Second).Unix()), "exp a little past": own().with("iat", now.Add(-10*time.Minute).Unix()).with("nbf", now.Add(-10*time.Minute).Unix()).with("exp", now.Add(-20*time.Second).Unix()),
		"hours old": own().with("iat", now.Add(-3*time.Hour).Unix()).with("nbf", now.Add(-3*time.Hour).Unix()), "groups": own().with("groups", []string{"a", "b"}), "groups as text": own().with("groups", "a"), "no groups": own().with("groups", nil), "nested claims": own().with("kubernetes.io", map[string]any{"namespace": "x", "pod": map[string]any{"uid": "y"}}),
		"unverified mail": own().with("email", "x@example.com").with("email_verified", false), "unicode": own().with("name", "Zoë 山田"), "escapes": own().plus(`,"x":"\u00e9\n\ud83d\ude00"`), "white space": spaced, "big": own().with("x", strings.Repeat("a", 8000)), "many claims": own().with("x", strings.Split(strings.Repeat("v,", 800), ",")),
		"null claim": own().with("ref_protected", nil), "names in other case": own().with("Sub", "x").with("SUB", "y"), "long jti": own().with("jti", randomID()+strings.Repeat("j", 200)), "big number": own().with("run", raw("9007199254740993")), "GitHub's form": own().with("actor_id", "7").with("run_attempt", "1").with("repository", "acme/shop"),
	}
	if idp == "once" { // the memory of one-use proofs does not reach back before the deployment
		delete(out, "exp a little past")
		delete(out, "hours old")
	}
	return out
}

func TestGoodJWTs(t *testing.T) {
	var c tally
	c.watch(t, func() {
		for i, idp := range []string{"ci", "pinned", "once"} {
			batch := goodJWTs(idp)
			if len(batch) < 30 {
				t.Errorf("%s: only %d messages", idp, len(batch))
			}
			for name := range batch {
				fresh := func() (answer, error) { return bearer(w.nodeURLs[i%2], goodJWTs(idp)[name].string()) }
				c.good(t, idp+": "+name, fresh, hasRole("CIAttacker"))
			}
		}
	})
	c.report(t, "good JWTs")
}
