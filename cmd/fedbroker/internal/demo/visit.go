package demo

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/aws"
)

// shop is the repository whose workflow deploys.
var shop = devidp.Repo{Owner: "acme", OwnerID: 9919, Name: "shop", ID: 1296269}

const region = "eu-central-1"

// visitor does over HTTP what a CI job and a person do.
type visitor struct {
	*world
	proof *aws.Assumer // signs GetCallerIdentity, nothing else
}

// visit plays every scene.
func visit(ctx context.Context, w *world) (*Result, error) {
	proof, err := aws.New(aws.Options{Endpoint: w.urls.AWS})
	if err != nil {
		return nil, err
	}
	v := visitor{w, proof}
	var r Result
	for _, scene := range []struct {
		name string
		play func(context.Context, *Result) error
	}{{"the CI job", v.ci}, {"the person", v.person}, {"the refusal", v.refusal}} {
		if err := scene.play(ctx, &r); err != nil {
			return nil, fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	return &r, nil
}

// ci is a workflow run on main that asks for the deploy role.
func (v visitor) ci(ctx context.Context, r *Result) error {
	token, err := v.ciToken(ctx, "push")
	if err != nil {
		return err
	}
	r.CI.Asked = Asked{As: "a workflow of acme/shop on main", Proof: "a CI token", Role: "prod/deploy", Claims: claimsOf(token, "sub", "repository_id", "ref", "event_name")}
	body, err := v.post(ctx, "/api/v1/credentials", token, `{"role": "prod/deploy"}`)
	if err != nil {
		return err
	}
	return v.finish(ctx, body, &r.CI)
}

// person signs in at the identity provider and asks for credentials, a console and a hop into the other account.
func (v visitor) person(ctx context.Context, r *Result) error {
	alice := v.idp.People()[0]
	browser := devclient.New(devclient.Options{})
	form, err := browser.SAMLForm(ctx, v.urls.Broker+"/login/dev", devclient.Person{Username: alice.Username, Password: alice.Password})
	if err != nil {
		return err
	}
	portal, err := browser.Submit(ctx, form)
	if err != nil {
		return err
	}
	if portal.Status != http.StatusOK {
		return fmt.Errorf("the portal answers %d after the sign-in", portal.Status)
	}
	as := fmt.Sprintf("%s (%s)", alice.Username, strings.Join(alice.Groups, ", "))
	r.SAML.Asked = Asked{As: as, Proof: "a SAML login", Role: "prod/admin"}
	r.CrossAccount.Asked = Asked{As: as, Proof: "the same SAML login", Role: "dev/analyst"}
	for _, x := range []*Exchange{&r.SAML, &r.CrossAccount} {
		body, err := fetch(ctx, browser, portal, "/api/v1/credentials", x.Asked.Role)
		if err != nil {
			return err
		}
		if err := v.finish(ctx, body, x); err != nil {
			return err
		}
	}
	body, err := fetch(ctx, browser, portal, "/api/v1/console", "prod/admin")
	if err != nil {
		return err
	}
	r.SAML.Console = &api.SignIn{}
	if err := json.Unmarshal(body, r.SAML.Console); err != nil {
		return err
	}
	console, err := browser.Open(ctx, r.SAML.Console.SignInURL)
	if err != nil {
		return err
	}
	r.SAML.ConsoleStatus = console.Status
	if console.Status != http.StatusOK || !strings.Contains(string(console.Body), "Admin") {
		return fmt.Errorf("the console answers %d and does not show the role", console.Status)
	}
	return nil
}

// refusal is a pull request that asks for the deploy role.
func (v visitor) refusal(ctx context.Context, r *Result) error {
	token, err := v.ciToken(ctx, "pull_request")
	if err != nil {
		return err
	}
	r.Refusal.Asked = Asked{As: "a pull request of acme/shop", Proof: "a CI token", Role: "prod/deploy", Claims: claimsOf(token, "sub", "repository_id", "ref", "event_name")}
	body, err := v.post(ctx, "/api/v1/credentials", token, `{"role": "prod/deploy"}`)
	var refused *refusedError
	if !errors.As(err, &refused) {
		return fmt.Errorf("a pull request was given the deploy role, or something failed: %.40q, %w", body, err)
	}
	if err := json.Unmarshal(refused.body, &r.Refusal.Answered); err != nil {
		return err
	}
	r.Refusal.Code = r.Refusal.Answered.Code
	if body, err = v.post(ctx, "/api/v1/explain", token, `{"role": "prod/deploy"}`); err != nil {
		return err
	}
	return json.Unmarshal(body, &r.Refusal.Explanation)
}

// finish reads credentials and proves them by a signed call.
func (v visitor) finish(ctx context.Context, body []byte, x *Exchange) error {
	if err := json.Unmarshal(body, &x.Answered); err != nil {
		return err
	}
	arn, _, _, err := v.proof.CallerIdentity(ctx, sts.Credentials{
		AccessKeyID: x.Answered.AccessKeyID, SecretAccessKey: secret.New(x.Answered.SecretAccessKey), SessionToken: secret.New(x.Answered.SessionToken),
	}, region)
	if err != nil {
		return fmt.Errorf("prove the credentials: %w", err)
	}
	x.AssumedRoleARN = arn
	if x.STSAction = v.records.action(x.Answered.RequestID); x.STSAction == "" {
		return errors.New("there is no audit record of the exchange")
	}
	return nil
}

func (v visitor) ciToken(ctx context.Context, event string) (secret.Text, error) {
	job := v.idp.Repos()[0]
	q := "&audience=" + url.QueryEscape(v.urls.Broker) + "&event=" + event
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, job.RequestURL+q, nil)
	if err != nil {
		return secret.Text{}, err
	}
	req.Header.Set("Authorization", "bearer "+job.RequestToken.Reveal())
	body, err := do(req)
	if err != nil {
		return secret.Text{}, err
	}
	var answer struct{ Value string }
	err = json.Unmarshal(body, &answer)
	return secret.New(answer.Value), err
}

func (v visitor) post(ctx context.Context, path string, token secret.Text, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, v.urls.Broker+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token.Reveal())
	req.Header.Set("Content-Type", "application/json")
	return do(req)
}

func fetch(ctx context.Context, browser *devclient.Browser, from *devclient.Page, path, role string) ([]byte, error) {
	page, err := browser.Fetch(ctx, from, http.MethodPost, path, fmt.Sprintf(`{"role": %q}`, role))
	if err != nil {
		return nil, err
	}
	if page.Status != http.StatusOK {
		return nil, &refusedError{page.Status, page.Body}
	}
	return page.Body, nil
}

// refusedError is an answer other than 200.
type refusedError struct {
	status int
	body   []byte
}

func (e *refusedError) Error() string { return fmt.Sprintf("answered %d: %.200s", e.status, e.body) }

func do(req *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = &refusedError{resp.StatusCode, body}
	}
	return body, err
}

// claimsOf shows some claims of a token; only for showing.
func claimsOf(token secret.Text, names ...string) map[string]any {
	out := map[string]any{}
	parts := strings.Split(token.Reveal(), ".")
	if len(parts) != 3 {
		return out
	}
	all := map[string]any{}
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	_ = json.Unmarshal(payload, &all) // a token that does not decode shows nothing
	for _, name := range names {
		out[name] = all[name]
	}
	return out
}
