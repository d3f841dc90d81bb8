package console_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
	"github.com/fedbroker/fedbroker/sts"
	"github.com/fedbroker/fedbroker/sts/console"
)

const (
	secretKey    = "canary-secret/key+0123456789"
	sessionToken = "canary-session/token+AAAA=="
	signinToken  = "canary signin+token/&=?#"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// endpoint is a federation endpoint; it keeps the forms that it was sent.
type endpoint struct {
	*httptest.Server
	forms  []url.Values
	answer func(w http.ResponseWriter, form url.Values)
}

func newEndpoint(t testing.TB, answer func(http.ResponseWriter, url.Values)) *endpoint {
	t.Helper()
	e := &endpoint{answer: answer}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.Path != "/federation" || r.URL.RawQuery != "" {
			http.Error(w, "want a POST without query", http.StatusTeapot)
			return
		}
		e.forms = append(e.forms, r.PostForm)
		e.answer(w, r.PostForm)
	}))
	t.Cleanup(e.Close)
	return e
}

func good(w http.ResponseWriter, _ url.Values) {
	_ = json.NewEncoder(w).Encode(map[string]string{"SigninToken": signinToken})
}

func (e *endpoint) federation(t testing.TB) *console.Federation {
	return newFederation(t, console.Options{SignIn: e.URL, Console: e.URL, Clock: func() time.Time { return noon }})
}

func request() console.Request {
	return console.Request{
		Credentials: sts.Credentials{
			AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret.New(secretKey), SessionToken: secret.New(sessionToken),
			Expiration: noon.Add(time.Hour),
		},
		Partition: sts.PartitionAWS, Region: "eu-central-1", Issuer: "https://aws.example.com/?a=b&c",
	}
}

func TestSignIn(t *testing.T) {
	e := newEndpoint(t, good)
	r := request()
	r.SessionDuration = 8 * time.Hour
	got, err := e.federation(t).SignIn(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	form := e.forms[0]
	var session map[string]string
	if err := json.Unmarshal([]byte(form.Get("Session")), &session); err != nil {
		t.Fatal(err)
	}
	if form.Get("Action") != "getSigninToken" || form.Get("SessionDuration") != "28800" || len(form) != 3 || len(session) != 3 ||
		session["sessionId"] != "ASIAEXAMPLE" || session["sessionKey"] != secretKey || session["sessionToken"] != sessionToken {
		t.Errorf("sent %v", form)
	}
	u, err := url.Parse(got.URL.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(got.URL.Reveal(), e.URL+"/federation?") || q.Get("Action") != "login" || q.Get("SigninToken") != signinToken ||
		q.Get("Issuer") != r.Issuer || q.Get("Destination") != e.URL+"/" || len(q) != 4 {
		t.Errorf("login URL %s", got.URL.Reveal())
	}
	if !got.Expires.Equal(noon.Add(15 * time.Minute)) {
		t.Errorf("expires %v", got.Expires)
	}
	if text := fmt.Sprintf("%v %+v %#v", got, got, got); strings.Contains(text, "canary") {
		t.Errorf("the URL prints itself: %s", text)
	}
	r.Issuer, r.Credentials.Expiration = "", noon.Add(time.Minute)
	if got, err = e.federation(t).SignIn(t.Context(), r); err != nil || strings.Contains(got.URL.Reveal(), "Issuer") || !got.Expires.Equal(noon.Add(time.Minute)) {
		t.Errorf("%v %v", got.Expires, err)
	}
}

// recorder answers for AWS's own hosts.
type recorder struct{ urls []string }

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	r.urls = append(r.urls, req.URL.String())
	rec := httptest.NewRecorder()
	good(rec, nil)
	return rec.Result(), nil
}

func TestAWSsOwnEndpoints(t *testing.T) {
	for _, c := range []struct {
		partition    sts.Partition
		region, want string
	}{
		{sts.PartitionAWS, "", "https://signin.aws.amazon.com/federation"},
		{sts.PartitionAWS, "eu-central-1", "https://eu-central-1.signin.aws.amazon.com/federation"},
		{sts.PartitionChina, "cn-north-1", "https://cn-north-1.signin.amazonaws.cn/federation"},
		{sts.PartitionGov, "us-gov-east-1", "https://us-gov-east-1.signin.amazonaws-us-gov.com/federation"},
	} {
		rec := new(recorder)
		r := request()
		r.Partition, r.Region = c.partition, c.region
		got, err := newFederation(t, console.Options{HTTPClient: &http.Client{Transport: rec}}).SignIn(t.Context(), r)
		if err != nil || rec.urls[0] != c.want || !strings.HasPrefix(got.URL.Reveal(), c.want+"?Action=login&") {
			t.Errorf("%s %s: %v %v", c.partition, c.region, rec.urls, err)
		}
	}
}

func TestSessionDurationIsSentOnlyWhereItMayHelp(t *testing.T) {
	picky := func(w http.ResponseWriter, form url.Values) {
		if form.Has("SessionDuration") {
			http.Error(w, "<html>no</html>", http.StatusBadRequest)
			return
		}
		good(w, form)
	}
	for name, c := range map[string]struct {
		answer  func(http.ResponseWriter, url.Values)
		chained bool
		length  time.Duration
		sent    []bool
	}{
		"not asked for":       {good, false, 0, []bool{false}},
		"asked for":           {good, false, time.Hour, []bool{true}},
		"chained":             {good, true, time.Hour, []bool{false}},
		"refused, then taken": {picky, false, time.Hour, []bool{true, false}},
	} {
		e := newEndpoint(t, c.answer)
		r := request()
		r.Chained, r.SessionDuration = c.chained, c.length
		if _, err := e.federation(t).SignIn(t.Context(), r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var sent []bool
		for _, form := range e.forms {
			sent = append(sent, form.Has("SessionDuration"))
		}
		if fmt.Sprint(sent) != fmt.Sprint(c.sent) {
			t.Errorf("%s: sent %v, want %v", name, sent, c.sent)
		}
	}
	refuse := newEndpoint(t, func(w http.ResponseWriter, _ url.Values) { w.WriteHeader(http.StatusBadRequest) })
	r := request()
	r.SessionDuration = time.Hour
	if _, err := refuse.federation(t).SignIn(t.Context(), r); err == nil || len(refuse.forms) != 2 {
		t.Errorf("%v after %d calls, want one retry", err, len(refuse.forms))
	}
}

func TestRefusedRequestsAreNotSent(t *testing.T) {
	for name, change := range map[string]func(*console.Request){
		"no key id":            func(r *console.Request) { r.Credentials.AccessKeyID = "" },
		"no secret":            func(r *console.Request) { r.Credentials.SecretAccessKey = secret.Text{} },
		"long-term keys":       func(r *console.Request) { r.Credentials.SessionToken = secret.Text{} },
		"fourteen minutes":     func(r *console.Request) { r.SessionDuration = 14 * time.Minute },
		"thirteen hours":       func(r *console.Request) { r.SessionDuration = 13 * time.Hour },
		"half a second":        func(r *console.Request) { r.SessionDuration = time.Hour + time.Second/2 },
		"negative":             func(r *console.Request) { r.SessionDuration = -time.Hour },
		"another destination":  func(r *console.Request) { r.Page.Destination = "https://evil.example/" },
		"another partition":    func(r *console.Request) { r.Partition = "aws-iso" },
		"another's region":     func(r *console.Request) { r.Region = "cn-north-1" },
		"destination at AWS's": func(r *console.Request) { r.Page.Destination = "https://console.aws.amazon.com/" },
	} {
		e := newEndpoint(t, good)
		r := request()
		change(&r)
		var se *sts.Error
		if got, err := e.federation(t).SignIn(t.Context(), r); !errors.As(err, &se) || len(e.forms) != 0 || !got.URL.Empty() {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswers(t *testing.T) {
	write := func(status int, body string) func(http.ResponseWriter, url.Values) {
		return func(w http.ResponseWriter, _ url.Values) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		answer func(http.ResponseWriter, url.Values)
		kind   sts.Kind
	}{
		"bad credentials": {write(400, "<html>no</html>"), sts.KindDenied},
		"forbidden":       {write(403, ""), sts.KindDenied},
		"too many":        {write(429, ""), sts.KindThrottled},
		"down":            {write(503, ""), sts.KindUnavailable},
		"empty":           {write(200, ""), sts.KindUnavailable},
		"a page":          {write(200, "<html>"), sts.KindUnavailable},
		"no token":        {write(200, `{"SigninToken":""}`), sts.KindUnavailable},
		"a number":        {write(200, `{"SigninToken":7}`), sts.KindUnavailable},
		"a long token":    {write(200, `{"SigninToken":"`+strings.Repeat("x", 20<<10)+`"}`), sts.KindUnavailable},
		"a long answer":   {write(200, `{"x":"`+strings.Repeat("x", 100<<10)+`","SigninToken":"t"}`), sts.KindUnavailable},
		"a long end":      {write(200, `{"SigninToken":"t"}`+strings.Repeat(" ", 100<<10)), sts.KindUnavailable},
		"cut":             {func(http.ResponseWriter, url.Values) { panic(http.ErrAbortHandler) }, sts.KindUnavailable},
		"echo": {func(w http.ResponseWriter, form url.Values) {
			http.Error(w, form.Encode()+secretKey+sessionToken, http.StatusBadRequest)
		}, sts.KindDenied},
		"not HTTP": {func(w http.ResponseWriter, form url.Values) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = fmt.Fprintf(conn, "HTTP/1.1 %s\r\n\r\n", secretKey+form.Encode())
				_ = conn.Close()
			}
		}, sts.KindUnavailable},
	} {
		_, err := newEndpoint(t, c.answer).federation(t).SignIn(t.Context(), request())
		var e *sts.Error
		if !errors.As(err, &e) || e.Kind != c.kind {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for cause := err; cause != nil; cause = errors.Unwrap(cause) {
			if text := fmt.Sprintf("%v %+v %#v", cause, cause, cause); strings.Contains(text, "canary") {
				t.Errorf("%s: a secret comes back: %s", name, text)
			}
		}
	}
}

func TestARedirectIsNotFollowed(t *testing.T) {
	thief := newEndpoint(t, good)
	for _, status := range []int{301, 302, 303, 307, 308} {
		e := newEndpoint(t, func(w http.ResponseWriter, _ url.Values) {
			w.Header().Set("Location", thief.URL+"/federation")
			w.WriteHeader(status)
		})
		f := newFederation(t, console.Options{SignIn: e.URL, Console: e.URL, HTTPClient: new(http.Client)})
		if _, err := f.SignIn(t.Context(), request()); err == nil || len(thief.forms) != 0 {
			t.Errorf("%d: followed", status)
		}
	}
}

func TestGivingUpIsKept(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newEndpoint(t, good).federation(t).SignIn(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	e := newEndpoint(t, good)
	e.Close()
	var se *sts.Error
	if _, err := e.federation(t).SignIn(t.Context(), request()); !errors.As(err, &se) || se.Kind != sts.KindUnavailable || se.Err == nil {
		t.Error(err)
	}
}

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		signIn, console string
		ok              bool
	}{
		{"", "", true},
		{"http://127.0.0.1:1", "http://127.0.0.1:2", true},
		{"https://signin.example.com", "https://console.example.com:8443", true},
		{"http://127.0.0.1:1", "", false},
		{"", "http://127.0.0.1:1", false},
		{"http://signin.example.com", "https://console.example.com", false},
		{"https://signin.example.com/", "https://console.example.com/", true},
		{"https://signin.example.com//", "https://console.example.com", false},
		{"https://signin.example.com", "https://console.example.com/path", false},
		{"https://signin.example.com", "https://u@console.example.com", false},
		{"https://signin.example.com", "https://Console.example.com", false},
		{"https://signin.example.com", "https://console.example.com?x", false},
		{"signin.example.com", "https://console.example.com", false},
	} {
		if _, err := console.New(console.Options{SignIn: c.signIn, Console: c.console}); (err == nil) != c.ok {
			t.Errorf("%q %q: %v", c.signIn, c.console, err)
		}
	}
}

func BenchmarkSignIn(b *testing.B) {
	f := newEndpoint(b, good).federation(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := f.SignIn(b.Context(), request()); err != nil {
			b.Fatal(err)
		}
	}
}

// No code stands for AWS's words: what is said here is ours, and says which endpoint it means.
func TestRefusalsAreOurWords(t *testing.T) {
	e := newEndpoint(t, good)
	f := e.federation(t)
	e.Close()
	_, down := f.SignIn(t.Context(), request())
	_, elsewhere := newFederation(t, console.Options{}).Destination(sts.PartitionAWS, "", sts.Page{Destination: "https://evil.example.com/"})
	for want, err := range map[string]error{
		"the AWS sign-in endpoint cannot be reached; try again":                                              down,
		"the destination is neither a page of the AWS console, nor an ARN, nor a service that is known here": elsewhere,
	} {
		var se *sts.Error
		if !errors.As(err, &se) || se.Code != "" || se.Message != want || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}
