package oidc

import (
	"crypto/subtle"
	"encoding/base64"
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/idp"
)

// checkNonce binds the ID token to the browser that began (OIDC Core section 3.1.3.7, rule 11).
func checkNonce(c idp.Claims, want string) error {
	if want == "" || subtle.ConstantTimeCompare([]byte(c.Text("nonce")), []byte(want)) != 1 {
		return invalid("the token belongs to another sign-in")
	}
	return nil
}

// checkParty wants azp to be us where there is one, and one where there are several audiences (OIDC Core section
// 3.1.3.7, rules 4 and 5). It is narrower than for workload tokens: an ID token for somebody else is never for us.
func checkParty(c idp.Claims, clientID string) error {
	azp, given := c.Get("azp")
	if given {
		if azp != clientID {
			return invalid("the token was issued to another client")
		}
		return nil
	}
	auds, err := audiences(c)
	if err != nil {
		return err
	}
	if len(auds) > 1 {
		return invalid("the token has several audiences and no authorized party")
	}
	return nil
}

// checkAccessHash binds the access token to the ID token where the provider does (OIDC Core section 3.1.3.6): the left
// half of the hash that the algorithm of the ID token names.
func checkAccessHash(c idp.Claims, alg, access string) error {
	given, ok := c.Get("at_hash")
	if !ok {
		return nil
	}
	h := hashOf(alg).New()
	h.Write([]byte(access))
	sum := h.Sum(nil)
	want := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	text, _ := given.(string)
	if subtle.ConstantTimeCompare([]byte(text), []byte(want)) != 1 {
		return invalid("the access token is not the one of the ID token")
	}
	return nil
}

// checkAsked detects a provider that passed over max_age, prompt=login or acr_values.
func (l *Login) checkAsked(id idp.Identity, state idp.State) error {
	if after := state[stateAfter]; after != "" {
		oldest, err := time.Parse(time.RFC3339Nano, after)
		if err != nil {
			return invalidBecause("the state of the sign-in is malformed", err)
		}
		switch {
		case id.AuthTime.IsZero():
			return invalid("the identity provider does not say when the person signed in, though it was asked")
		case id.AuthTime.Add(l.tokens.opts.Skew).Before(oldest.Truncate(time.Second)):
			return invalid("the identity provider did not sign the person in anew, though it was asked")
		}
	}
	if classes := strings.Fields(state[stateACR]); len(classes) > 0 && !slices.Contains(classes, id.ACR) {
		return invalid("the identity provider did not sign the person in as strongly as it was asked")
	}
	return nil
}
