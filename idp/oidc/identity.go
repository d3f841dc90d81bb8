package oidc

import (
	"fmt"

	"github.com/fedbroker/fedbroker/idp"
)

// identity maps verified claims. What cannot be read as the attribute that it stands for is refused where a decision
// could hang on its absence (sub, groups, auth_time), and left out where it could not.
func (w *Workload) identity(c idp.Claims) (idp.Identity, error) {
	sub := c.Text("sub")
	if !plainText(sub, maxSubjectBytes) {
		return idp.Identity{}, invalid("the token's subject is missing or malformed")
	}
	groups, err := groupsOf(c, w.opts.Claims.Groups)
	if err != nil {
		return idp.Identity{}, err
	}
	authTime, err := numericDate(c, "auth_time")
	if err != nil || authTime.After(w.opts.Clock().Add(w.opts.Skew)) {
		return idp.Identity{}, invalid("the token's authentication time is malformed")
	}
	amr, _ := c.Get("amr")
	methods, _ := texts(amr)
	return idp.Identity{
		Provider: w.opts.ID,
		Issuer:   w.opts.Issuer,
		Subject:  sub,
		Username: textAt(c, w.opts.Claims.Username),
		Email:    emailOf(c, w.opts.Claims.Email),
		Groups:   groups,
		AuthTime: authTime,
		AMR:      methods,
		ACR:      c.Text("acr"),
		Claims:   c,
	}, nil
}

func textAt(c idp.Claims, name string) string {
	v, _ := c.At(name)
	s, _ := v.(string)
	return s
}

// emailOf leaves out an address that the issuer itself calls unverified (OIDC Core section 5.1; some send a string).
func emailOf(c idp.Claims, name string) string {
	if v, ok := c.Get("email_verified"); ok && v != true && v != "true" {
		return ""
	}
	return textAt(c, name)
}

// groupsOf reads the groups claim. Absent means none, unless the issuer says that it left them out because they were
// too many (Entra ID: _claim_names, or hasgroups in the implicit flow): then they are unknown, and unknown is refused.
func groupsOf(c idp.Claims, name string) ([]string, error) {
	if overage(c, name) {
		return nil, invalid("the token leaves out the groups because they are too many; let the provider send fewer (assigned groups) or map app roles")
	}
	v, ok := c.At(name)
	if !ok || v == nil {
		return nil, nil
	}
	groups, ok := texts(v)
	if !ok {
		return nil, invalid("the token's groups are neither a string nor an array of strings")
	}
	return groups, nil
}

func overage(c idp.Claims, name string) bool {
	if v, _ := c.Get("_claim_names"); v != nil {
		if names, ok := v.(map[string]any); !ok || names[name] != nil {
			return true
		}
	}
	flag, _ := c.Get("hasgroups")
	return name == "groups" && (flag == true || flag == "true")
}

// proofOf describes the proof to the pipeline.
func proofOf(t *token, c idp.Claims, at times, once bool) (idp.Proof, error) {
	id := ""
	if v, ok := c.Get("jti"); ok {
		if id, ok = v.(string); !ok || len(id) > maxIDBytes {
			return idp.Proof{}, invalidBecause("the token's id is malformed", fmt.Errorf("jti is a %T", v))
		}
	}
	return idp.Proof{Kind: idp.ProofJWT, ID: id, Hash: t.hash(), IssuedAt: at.issued, Expires: at.expires, Once: once}, nil
}
