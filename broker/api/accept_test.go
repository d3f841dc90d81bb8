package api_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console/consoletest"
)

func discard() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func TestCredentials(t *testing.T) {
	const deployARN = "arn:aws:iam::111122223333:role/Deploy"
	for name, c := range map[string]struct {
		body  string
		edits func(*door) []edit
		want  sts.Request
		door  string // Provider of the record
	}{
		"bearer, by alias": {
			`{"role":"prod/deploy"}`, func(d *door) []edit { return []edit{bearer(d.Token())} },
			sts.Request{RoleARN: deployARN, Duration: time.Hour},
			"ci",
		},
		"bearer, by ARN, everything asked": {
			`{"role":"` + deployARN + `","duration":"2h","policy":"{}","policy_arns":["arn:aws:iam::aws:policy/ReadOnlyAccess"]}`,
			func(d *door) []edit { return []edit{bearer(d.Token())} },
			sts.Request{RoleARN: deployARN, Duration: 2 * time.Hour, Policy: "{}", PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}},
			"ci",
		},
		"scheme in other case, media type with parameter": {
			`{"role":"prod/deploy","duration":900}`,
			func(d *door) []edit {
				return []edit{header("Authorization", "bEARER "+d.Token()), func(r *http.Request) { r.Header.Set("Content-Type", "Application/JSON; charset=utf-8") }}
			},
			sts.Request{RoleARN: deployARN, Duration: 15 * time.Minute},
			"ci",
		},
		"cookie from our own page": {
			`{"role":"prod/reader"}`, func(d *door) []edit { return []edit{cookie(d.login()), ownPage} },
			sts.Request{RoleARN: "arn:aws:iam::111122223333:role/Reader", Duration: time.Hour},
			"corp",
		},
		"SAML Response": {
			"role=dev%2Fanalyst&duration=1800&SAMLResponse=", func(d *door) []edit { return []edit{asForm, d.withResponse("role=dev%2Fanalyst&duration=1800")} },
			sts.Request{RoleARN: "arn:aws:iam::444455556666:role/Analyst", Duration: 30 * time.Minute},
			"corp",
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			w := d.send(credentials, c.body, c.edits(d)...)
			got := decode[map[string]any](t, w)
			call := d.STS.Calls()[len(d.STS.Calls())-1]
			if call.RoleARN != c.want.RoleARN || call.Duration != c.want.Duration || call.Policy != c.want.Policy || !slices.Equal(call.PolicyARNs, c.want.PolicyARNs) {
				t.Errorf("STS was asked %+v", call)
			}
			e := d.Audit.Last()
			want := map[string]any{
				"Version": 1.0, "AccessKeyId": e.AccessKeyID, "SecretAccessKey": doortest.SecretKey, "SessionToken": doortest.SessionToken,
				"Expiration": d.Now().Add(c.want.Duration).Format(time.RFC3339), "RoleArn": string(c.want.RoleARN),
				"AssumedRoleArn": call.RoleARN.AssumedRoleARN(call.SessionName), "RequestId": w.Header().Get("X-Request-Id"),
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got  %v\nwant %v", got, want)
			}
			if e.Door != "api" || e.Action != "credentials" || e.Outcome != "ok" || e.Provider != c.door || e.ID != want["RequestId"] || e.Remote != "192.0.2.1" {
				t.Errorf("record %+v", e)
			}
		})
	}
}

// withResponse puts a form with a SAML Response into a request.
func (d *door) withResponse(more string) edit {
	values, err := url.ParseQuery(more)
	if err != nil {
		d.t.Fatal(err)
	}
	body := d.response(values)
	return func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(body)) }
}

// TestPassThrough: the proof of this very request goes on to AWS as it came.
func TestPassThrough(t *testing.T) {
	d := newDoor(t)
	for _, route := range []string{credentials, console} {
		d.Pass(time.Second) // another token: equal ones are answered from the cache
		token := d.Token()
		w := d.send(route, `{"role":"prod/legacy"}`, bearer(token))
		if call := d.STS.Calls()[len(d.STS.Calls())-1]; w.Code != http.StatusOK || call.WebIdentityToken.Reveal() != token {
			t.Errorf("%s: %d, STS was asked %+v", route, w.Code, call)
		}
	}
}

func TestConsole(t *testing.T) {
	d := newDoor(t)
	for name, edits := range map[string][]edit{
		"JSON": {bearer(d.Token())},
		"form": {asForm, d.withResponse("role=prod%2Freader&destination=s3&region=eu-west-1")},
	} {
		body := `{"role":"prod/deploy","duration":"30m","destination":"s3","region":"eu-west-1"}`
		w := d.send(console, body, edits...)
		got := decode[api.SignIn](t, w)
		if got.SignInURL != doortest.SignInURL || got.Expiration.Nanosecond() != 0 || d.SignIn.Got().Page != (sts.Page{Destination: "s3", Region: "eu-west-1"}) {
			t.Errorf("%s: %+v for %+v", name, got, d.SignIn.Got())
		}
		if d.Audit.Last().Action != "console" {
			t.Errorf("%s: record %+v", name, d.Audit.Last())
		}
	}
}

// TestHostileDestinations: none is opened, and none costs a call.
func TestHostileDestinations(t *testing.T) {
	d := newDoor(t)
	for _, destination := range consoletest.Hostile() {
		body, err := json.Marshal(map[string]string{"role": "prod/deploy", "destination": destination})
		if err != nil {
			t.Fatal(err)
		}
		w := d.send(console, string(body), bearer(d.Token()))
		t.Run(destination[:min(len(destination), 60)], func(t *testing.T) { wantProblem(t, w, 400, broker.CodeInvalidRequest) })
	}
	if len(d.STS.Calls()) > 0 {
		t.Error("STS was called")
	}
}

func TestRoles(t *testing.T) {
	d := newDoor(t)
	names := func(w map[string]any) (out []string) {
		for _, r := range w["roles"].([]any) {
			role, _ := r.(map[string]any)
			out = append(out, role["name"].(string)+map[bool]string{true: "!", false: ""}[role["console"].(bool)])
		}
		return out
	}
	if got := names(decode[map[string]any](t, d.send(roles, "", bearer(d.Token())))); !slices.Equal(got, []string{"prod/deploy!", "prod/legacy!"}) {
		t.Errorf("a token has %v", got)
	}
	// A session cannot pass the upstream proof through.
	if got := names(decode[map[string]any](t, d.send(roles, "", cookie(d.login())))); !slices.Equal(got, []string{"prod/legacy", "prod/reader!", "dev/analyst!"}) {
		t.Errorf("a session has %v", got)
	}
	got := decode[api.Roles](t, d.send(roles, "", cookie(d.login()))).Roles
	want := api.Role{
		Name: "dev/analyst", ARN: "arn:aws:iam::444455556666:role/Analyst", AccountID: "444455556666", AccountName: "dev", MaxDuration: 3600, Console: true,
	}
	if got[2] != want {
		t.Errorf("got %+v, want %+v", got[2], want) // an hour: AWS counts the hop as chaining
	}
	if got[1].MaxDuration != 5400 {
		t.Errorf("the rule allows 90 minutes, got %d", got[1].MaxDuration)
	}
	stranger := d.CI.Token(map[string]any{"aud": doortest.PublicURL, "sub": "repo:evil/fork", "repository": "evil/fork", "nbf": d.Now().Unix()})
	if w := d.send(roles, "", bearer(stranger)); strings.TrimSpace(w.Body.String()) != `{"roles":[]}` {
		t.Errorf("nobody's roles: %s", w.Body)
	}
}

func TestWhoami(t *testing.T) {
	d := newDoor(t)
	got := decode[api.Whoami](t, d.send(whoami, "", cookie(d.login())))
	id := alice()
	want := api.Whoami{
		IdP: id.Provider, Issuer: id.Issuer, Subject: id.Subject, Username: id.Username, Email: id.Email, Groups: id.Groups,
		AuthTime: id.AuthTime, AMR: id.AMR, ACR: id.ACR,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	w := d.send(whoami, "", bearer(d.Token()))
	if got := decode[api.Whoami](t, w); got.Subject != doortest.Subject || strings.Contains(w.Body.String(), "auth_time") {
		t.Errorf("a token: %s", w.Body)
	}
}

func TestExplain(t *testing.T) {
	d := newDoor(t)
	for _, body := range []string{"", "{}", `{"role":"prod/admin"}`, `{"role":"arn:aws:iam::111122223333:role/Admin"}`} {
		w := d.send(explain, body, cookie(d.login()), ownPage)
		if got := decode[broker.Explanation](t, w); got.Identity.Subject != "alice" || len(got.Rules) == 0 || len(got.Roles) == 0 {
			t.Errorf("%s: %s", body, w.Body)
		}
		if strings.Contains(w.Body.String(), "rules.yaml") || strings.Contains(w.Body.String(), "guests read") {
			t.Errorf("%s: the explanation shows what is the operator's: %s", body, w.Body)
		}
	}
	// A role that does not exist and one that this provider's people cannot have read alike but for the name.
	texts := map[string]string{}
	for _, role := range []string{"prod/hub", "prod/none"} {
		w := d.send(explain, `{"role":"`+role+`"}`, bearer(d.Token()))
		texts[role] = strings.ReplaceAll(w.Body.String(), role, "ROLE")
	}
	if texts["prod/hub"] != texts["prod/none"] {
		t.Errorf("a role's existence shows:\n%s\n%s", texts["prod/hub"], texts["prod/none"])
	}
}

func TestDurations(t *testing.T) {
	d := newDoor(t)
	good := map[string]time.Duration{
		`"1h"`: time.Hour, `3600`: time.Hour, `"3600"`: time.Hour, `"1h30m"`: 90 * time.Minute, `"1.5h"`: 90 * time.Minute, `900`: 15 * time.Minute,
		`"15m0s"`: 15 * time.Minute, `14400`: 4 * time.Hour, `"0900"`: 15 * time.Minute,
	}
	for text, want := range good {
		w := d.send(credentials, `{"role":"prod/deploy","duration":`+text+`}`, bearer(d.Token()))
		if w.Code != http.StatusOK || d.STS.Calls()[len(d.STS.Calls())-1].Duration != want {
			// Equal durations are answered from the cache.
			if w.Code != http.StatusOK || !d.Audit.Last().Cached {
				t.Errorf("%s: %d %s", text, w.Code, w.Body)
			}
		}
	}
	calls := len(d.STS.Calls())
	for _, text := range []string{
		`0`, `"0"`, `""`, `-3600`, `"-1h"`, `"-3600"`, `3600.5`, `1e3`, `"1e3"`, `"0x384"`, `"900.5"`, `"1h0.5s"`, `899`, `"14m59s"`, `14401`, `"5h"`,
		`99999999999999999999`, `4294967296`, `"9223372036854775807"`, `"2562047h"`, `"9999999h"`, `null`, `true`, `[3600]`, `{"seconds":3600}`,
		`"1 h"`, `" 1h"`, `"1h\u0000"`, `"1H"`, `"١h"`, `"P1H"`, `"1d"`, `"hour"`,
	} {
		w := d.send(credentials, `{"role":"prod/deploy","duration":`+text+`}`, bearer(d.Token()))
		if w.Code != http.StatusBadRequest {
			t.Errorf("duration %s: %d %s", text, w.Code, w.Body)
			continue
		}
		wantProblem(t, w, 400, broker.CodeInvalidRequest)
	}
	if len(d.STS.Calls()) != calls {
		t.Error("a refused duration reached STS")
	}
}

// TestNeverTheirs: what comes from rules over verified claims is not the client's to say; trying is on record.
func TestNeverTheirs(t *testing.T) {
	names := []string{
		"session_name", "role_session_name", "source_identity", "tags", "transitive_tag_keys", "external_id",
		"RoleSessionName", "SourceIdentity", "Tags", "TransitiveTagKeys", "ExternalId",
	}
	slices.Sort(names)
	members := map[string]any{"role": "prod/deploy"}
	form := url.Values{"role": {"prod/reader"}}
	for _, name := range names {
		members[name] = "evil"
		form.Set(name, "evil")
	}
	body, err := json.Marshal(members)
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(t)
	decode[api.Credentials](t, d.send(credentials, string(body), bearer(d.Token())))
	got := d.STS.Calls()[0]
	if !strings.HasPrefix(got.SessionName, "repo-acme-shop-") || got.SourceIdentity != "" || len(got.Tags)+len(got.TransitiveTags) != 0 || got.ExternalID != "" {
		t.Errorf("the client had its way: %+v", got)
	}
	if ignored := d.Audit.Last().Ignored; !slices.Equal(ignored, names) {
		t.Errorf("JSON: recorded %v", ignored)
	}
	decode[api.Credentials](t, d.send(credentials, "", asForm, d.withResponse(form.Encode())))
	if ignored := d.Audit.Last().Ignored; !slices.Equal(ignored, names) {
		t.Errorf("form: recorded %v", ignored)
	}
	wantProblem(t, d.send(credentials, `{"tags":{"a":"b"},"wish":1}`, bearer(d.Token())), 400, broker.CodeInvalidRequest)
	if ignored := d.Strangers.Last().Ignored; !slices.Equal(ignored, []string{"tags"}) {
		t.Errorf("refused: recorded %v", ignored)
	}
}
