package devidp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"time"
)

// idTokenLife is short: an ID token is read once, at the relying party's callback.
const idTokenLife = 5 * time.Minute

// oidcToken redeems a code once, for the client it was issued to, with its verifier (RFC 6749 4.1.3, RFC 7636 4.6).
func (s *Server) oidcToken(w http.ResponseWriter, r *http.Request) error {
	form, err := onceForm(w, r, "grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret")
	if err != nil {
		return oauthRefusal(http.StatusBadRequest, "invalid_request", "a parameter occurs more than once, or the form is broken")
	}
	client, err := s.authenticateClient(r, form)
	if err != nil {
		return err
	}
	if form["grant_type"] != "authorization_code" {
		return oauthRefusal(http.StatusBadRequest, "unsupported_grant_type", "only authorization_code")
	}
	g, ok := s.codes.take(form["code"])
	if !ok || g.flow.client != client.ID || g.flow.redirectURI != form["redirect_uri"] || !verifierFits(form["code_verifier"], g.flow.challenge) {
		return oauthRefusal(http.StatusBadRequest, "invalid_grant", "the code is unknown, used, expired or somebody else's")
	}
	return s.oidcTokens(w, g)
}

func verifierFits(verifier, challenge string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

func (s *Server) oidcTokens(w http.ResponseWriter, g grant) error {
	access, err := newHandle(s.rand)
	if err != nil {
		return err
	}
	idToken, err := s.oidcJWT.sign(s.idClaims(g, access))
	if err != nil {
		return err
	}
	s.access.put(access, g.sess)
	return writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(accessLife.Seconds()), "id_token": idToken,
	})
}

func (s *Server) idClaims(g grant, access string) map[string]any {
	now := s.clock()
	half := sha256.Sum256([]byte(access))
	claims := personClaims(g.sess.person)
	claims["iss"], claims["aud"] = s.BaseURL(), g.flow.client
	claims["iat"], claims["exp"] = now.Unix(), now.Add(idTokenLife).Unix()
	claims["auth_time"], claims["amr"], claims["acr"] = g.sess.at.Unix(), g.sess.amr(), g.sess.acr()
	claims["at_hash"] = base64.RawURLEncoding.EncodeToString(half[:len(half)/2])
	if g.flow.nonce != "" {
		claims["nonce"] = g.flow.nonce
	}
	return claims
}

func personClaims(p Person) map[string]any {
	claims := map[string]any{"sub": p.Subject, "preferred_username": p.Username}
	if p.Name != "" {
		claims["name"] = p.Name
	}
	if p.Email != "" {
		claims["email"], claims["email_verified"] = p.Email, true
	}
	if len(p.Groups) > 0 {
		claims["groups"] = p.Groups
	}
	return claims
}

func (s *Server) oidcUserinfo(w http.ResponseWriter, r *http.Request) error {
	token, _ := bearer(r)
	sess, ok := s.access.get(token)
	if !ok {
		return oauthRefusal(http.StatusUnauthorized, "invalid_token", "the access token is unknown or expired")
	}
	return writeJSON(w, http.StatusOK, personClaims(sess.person))
}
