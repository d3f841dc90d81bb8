package localaws_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/fedbroker/fedbroker/sts/localaws"
)

var update = flag.Bool("update", false, "write the golden files")

const fixedIssuer = "https://ci.example.com"

// fixedWorld has a fixed clock, fixed randomness and an issuer whose keys are pinned.
func fixedWorld(t testing.TB) *world {
	fixed := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	w := newWorld(t, func(o *localaws.Options) {
		o.Clock = fixed.Now
		o.Rand = rand.NewChaCha8([32]byte{})
		account := &o.Seed.Accounts[0]
		issuer := strings.TrimPrefix(account.OIDCProviders[0].URL, "http://")
		account.Roles[0].TrustPolicy = json.RawMessage(strings.ReplaceAll(string(account.Roles[0].TrustPolicy), issuer, strings.TrimPrefix(fixedIssuer, "https://")))
		account.OIDCProviders[0].URL = fixedIssuer
	})
	w.clock = fixed
	if _, err := w.PutOIDCProvider(prod, localaws.SeedOIDCProvider{URL: fixedIssuer, ClientIDs: []string{clientID}, JWKS: w.oidc.JWKS()}); err != nil {
		t.Fatal(err)
	}
	w.oidc.URL = fixedIssuer
	return w
}

// signedPost signs a form with AWS's signer at the time of the server's clock.
func (w *world) signedPost(form url.Values, credentials aws.Credentials) reply {
	w.t.Helper()
	body := form.Encode()
	request, err := http.NewRequest(http.MethodPost, w.url+"/", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	sum := sha256.Sum256([]byte(body))
	if err := v4.NewSigner().SignHTTP(context.Background(), credentials, request, hex.EncodeToString(sum[:]), "sts", "us-east-1", w.clock.Now()); err != nil {
		w.t.Fatal(err)
	}
	return w.do(request)
}

func TestGoldenAnswers(t *testing.T) {
	user := aws.Credentials{AccessKeyID: userKey, SecretAccessKey: userSecret}
	sts := func(action string, more ...string) url.Values {
		form := url.Values{"Action": {action}, "Version": {"2011-06-15"}}
		for i := 0; i < len(more); i += 2 {
			form.Set(more[i], more[i+1])
		}
		return form
	}
	for _, test := range []struct {
		name string
		call func(w *world) reply
	}{
		{"AssumeRoleWithWebIdentity", func(w *world) reply {
			return w.post(w.webIdentity(map[string]string{"WebIdentityToken": w.token(map[string]any{"https://aws.amazon.com/source_identity": "alice"})}))
		}},
		{"AssumeRoleWithSAML", func(w *world) reply { return w.post(w.withSAML(nil)) }},
		{"AssumeRole", func(w *world) reply {
			return w.signedPost(sts("AssumeRole", "RoleArn", hubRole, "RoleSessionName", "broker", "Tags.member.1.Key", "team", "Tags.member.1.Value", "core"), user)
		}},
		{"AssumeRole-plain", func(w *world) reply {
			return w.signedPost(sts("AssumeRole", "RoleArn", hubRole, "RoleSessionName", "broker"), user)
		}},
		{"GetCallerIdentity", func(w *world) reply { return w.signedPost(sts("GetCallerIdentity"), user) }},
		{"GetCallerIdentity-empty-list", func(w *world) reply { return w.signedPost(sts("GetCallerIdentity", "Tags", ""), user) }},
		{"error-sender", func(w *world) reply { return w.post(sts("GetCallerIdentity")) }},
		{"error-invalid-action", func(w *world) reply { return w.post(sts("Nope<&>")) }},
		{"error-access-denied", func(w *world) reply {
			return w.signedPost(sts("AssumeRole", "RoleArn", adminRole, "RoleSessionName", "broker"), user)
		}},
		{"error-validation", func(w *world) reply { return w.post(w.withSAML(map[string]string{"RoleArn": "<script>"})) }},
	} {
		t.Run(test.name, func(t *testing.T) { golden(t, test.name+".xml", test.call(fixedWorld(t)).body) })
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got+"\n" != string(want) {
		t.Errorf("%s differs: got\n%s\nwant\n%s", name, got, want)
	}
}

// A failing source of randomness is the server's own fault: AWS's Receiver error.
func TestInternalFailure(t *testing.T) {
	source := &drying{left: 1 << 20}
	w := newWorld(t, func(o *localaws.Options) { o.Rand = source })
	source.left = 16 // enough for a request id
	got := w.post(w.webIdentity(nil))
	equal(t, "answer", got.Code+" "+got.Type, "InternalFailure Receiver")
	equal(t, "status", got.status, http.StatusInternalServerError)
}

type drying struct{ left int }

func (d *drying) Read(p []byte) (int, error) {
	if d.left < len(p) {
		return 0, os.ErrClosed
	}
	d.left -= len(p)
	for i := range p {
		p[i] = 7
	}
	return len(p), nil
}

func FuzzSTSQuery(f *testing.F) {
	w := fixedWorld(f)
	f.Add("Action=GetCallerIdentity&Version=2011-06-15")
	f.Add(w.webIdentity(nil).Encode())
	f.Add(w.withSAML(nil).Encode())
	f.Add(w.withSAML(map[string]string{"PolicyArns.member.1.arn": "x", "Policy": "{}", "DurationSeconds": "0x1"}).Encode())
	f.Add("Action=AssumeRoleWithWebIdentity&Version=2011-06-15&Tags.member.=&Tags.member.1.Key=%00&RoleArn=arn:aws:iam::111122223333:role/A")
	f.Fuzz(func(t *testing.T, body string) {
		recorder := newRecorder(w, body)
		if recorder.status >= http.StatusInternalServerError {
			t.Errorf("%d for %q: %s", recorder.status, body, recorder.body)
		}
		if recorder.status == http.StatusOK && !strings.Contains(recorder.body, "assumed-role/Deploy/") && !strings.Contains(recorder.body, "assumed-role/Admin/") {
			t.Errorf("an unsigned call succeeded: %q", body)
		}
	})
}
