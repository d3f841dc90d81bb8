package interop_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os/exec"
	"testing"
)

// oidcProvider is npm's oidc-provider under node.
type oidcProvider struct{ issuer string }

func startOIDCProvider(t *testing.T) oidcProvider {
	t.Helper()
	need(t, "oidcprovider/node_modules/oidc-provider/package.json", "oidcprovider/node_modules/jose/package.json")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("node is missing: run make interop (or interop/install.sh)")
	}
	p := oidcProvider{issuer: "http://" + freeAddress(t)}
	start(t, p.issuer+"/.well-known/openid-configuration", nil, node, "oidcprovider/server.mjs", p.issuer)
	return p
}

// token is a JWT access token for a client, by client_credentials.
func (p oidcProvider) token(t *testing.T, client, audience string) string {
	t.Helper()
	r := formRequest(t, p.issuer+"/token", url.Values{"grant_type": {"client_credentials"}, "resource": {audience}})
	r.SetBasicAuth(client, "secret-of-"+client)
	status, body := mustSend(t, r)
	var answer struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || answer.AccessToken == "" {
		t.Fatalf("oidc-provider answered %d %s", status, body)
	}
	return answer.AccessToken
}
