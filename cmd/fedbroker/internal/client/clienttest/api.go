package clienttest

import (
	"net/http"
	"strings"
	"time"
)

func (b *Broker) api(w http.ResponseWriter, r *http.Request) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok || !b.bearer(token) {
		problem(w, "login_required")
		return
	}
	switch r.URL.Path {
	case "/api/v1/whoami":
		answer(w, map[string]any{"idp": "corp", "issuer": "https://idp.example.com", "subject": "s-1", "username": "alice", "email": "alice@example.com", "groups": []string{"eng", "ops"}})
	case "/api/v1/roles":
		roles := []map[string]any{}
		for _, role := range b.Roles {
			roles = append(roles, map[string]any{"name": role.Name, "arn": role.ARN, "account_id": role.AccountID, "account_name": role.AccountName, "max_duration": 3600, "console": true})
		}
		answer(w, map[string]any{"roles": roles})
	default:
		b.issue(w, r)
	}
}

func (b *Broker) issue(w http.ResponseWriter, r *http.Request) {
	in := body(r)
	wanted := text(in, "role")
	for _, role := range b.Roles {
		if role.Name != wanted && role.ARN != wanted {
			continue
		}
		if r.URL.Path == "/api/v1/console" {
			b.LastConsole = strings.TrimSpace(text(in, "destination") + " " + text(in, "region"))
			answer(w, map[string]any{"SignInURL": b.URL + "/console-sign-in?SigninToken=secret", "Expiration": b.Now().Add(15 * time.Minute).UTC().Truncate(time.Second)})
			return
		}
		k, err := b.keys(role.Name)
		if err != nil {
			problem(w, "upstream_unavailable")
			return
		}
		answer(w, map[string]any{
			"Version": 1, "AccessKeyId": k.AccessKeyID, "SecretAccessKey": k.SecretAccessKey, "SessionToken": k.SessionToken, "Expiration": k.Expiration.UTC(),
			"RoleArn": role.ARN, "AssumedRoleArn": "arn:aws:sts::" + role.AccountID + ":assumed-role/x/alice", "SourceIdentity": "alice", "RequestId": "req-1",
		})
		return
	}
	problem(w, "role_not_granted")
}

func (b *Broker) accounts(w http.ResponseWriter, r *http.Request) {
	switch {
	case b.NoSSO:
		http.NotFound(w, r)
	case !b.bearer(r.Header.Get("X-Amz-Sso_bearer_token")):
		problem(w, "login_required")
	default:
		answer(w, map[string]any{"accountList": []map[string]string{{"accountId": "111122223333", "accountName": "prod"}}})
	}
}
