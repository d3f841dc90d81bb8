package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
)

// FuzzCredentialsBody: whatever a known client sends, the answer is the contract's, and the session is the rules'.
func FuzzCredentialsBody(f *testing.F) {
	for _, seed := range []string{
		``, `{}`, `{"role":"prod/deploy","duration":"1h","policy":"{}","policy_arns":["a"]}`, `{"role":"prod/deploy","duration":3600.5,"tags":{"a":["b"]}}`,
		`{"role":"prod/deploy","role":"prod/legacy"}`, `{"role":"\ud800"}`, `[[[[`, `{"duration":-1e309}`, `SAMLResponse=PHg%2B&role=prod%2Fdeploy&duration=1h`, `a=b;c=%zz`,
	} {
		f.Add(seed, "application/json")
		f.Add(seed, "application/x-www-form-urlencoded")
	}
	d := newDoor(f)
	token := d.Token()
	f.Fuzz(func(t *testing.T, body, kind string) {
		if strings.ContainsAny(kind, "\r\n\x00") {
			return // no client can send such a header
		}
		d := &door{d.World, t, d.handler}
		w := d.send(credentials, body, bearer(token), func(r *http.Request) { r.Header.Set("Content-Type", kind) })
		switch w.Code {
		case http.StatusOK:
			call := d.STS.Calls()[len(d.STS.Calls())-1]
			if !strings.HasPrefix(call.SessionName, "repo-acme-shop-") || len(call.Tags) > 0 || call.SourceIdentity != "" || call.RoleARN != "arn:aws:iam::111122223333:role/Deploy" && call.RoleARN != "arn:aws:iam::111122223333:role/Legacy" {
				t.Errorf("STS was asked %+v", call)
			}
		case http.StatusBadRequest, http.StatusForbidden:
		default:
			t.Errorf("%d %s", w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), doortest.SecretKey) != (w.Code == http.StatusOK) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
