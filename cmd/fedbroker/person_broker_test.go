package main

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

// terminal is a person's: the command is a program of its own, with a home folder of its own.
type terminal struct {
	t   *testing.T
	env []string
}

func (w *world) terminal(n *node) *terminal {
	home := w.t.TempDir()
	return &terminal{w.t, []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "AWS_CONFIG_FILE=" + filepath.Join(home, "aws"), "FEDBROKER_URL=" + n.url, "FEDBROKER_KEYRING=off", "AWS_EC2_METADATA_DISABLED=true"}}
}

func (term *terminal) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(term.t.Context(), "fedbroker", args...)
	cmd.Env = term.env
	return cmd
}

// run runs a command that must end well, and returns its standard output.
func (term *terminal) run(args ...string) string {
	term.t.Helper()
	out, err := term.command(args...).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		term.t.Fatalf("fedbroker %v: %v\n%s", args, err, exit.Stderr)
	}
	return string(out)
}

// signIn runs login, hands what it says to the person once it matches, and wants it to end well.
func (term *terminal) signIn(says string, person func(said string), args ...string) {
	term.t.Helper()
	words := newOutput()
	cmd := term.command(append([]string{"login"}, args...)...)
	cmd.Stderr = words
	if err := cmd.Start(); err != nil {
		term.t.Fatal(err)
	}
	words.await(term.t, says)
	person(words.String())
	if err := cmd.Wait(); err != nil || !strings.Contains(words.String(), "Signed in to ") {
		term.t.Fatalf("%v\n%s", err, words)
	}
}

func newPerson(w *world, n *node, people *devidp.Server) (*devclient.Browser, devclient.Person) {
	w.t.Helper()
	party, err := devidp.ParseServiceProvider([]byte(n.get("/saml/dev/metadata").body))
	if err == nil {
		err = people.AddServiceProvider(party)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	alice := people.People()[0]
	return devclient.New(devclient.Options{}), devclient.Person{Username: alice.Username, Password: alice.Password}
}

// submit fills in a form of a page, which input is in, and wants the next page.
func submit(t *testing.T, b *devclient.Browser, page *devclient.Page, input string, fields ...string) *devclient.Page {
	t.Helper()
	form, err := page.Form(input)
	if err != nil {
		t.Fatalf("%v\n%s", err, page.Body)
	}
	for i := 0; i < len(fields); i += 2 {
		form.Fields.Set(fields[i], fields[i+1])
	}
	next, err := b.Submit(t.Context(), form)
	if err != nil || next.Status != http.StatusOK {
		t.Fatalf("%v: %+v", err, next)
	}
	return next
}

var address = regexp.MustCompile(`(?m)^http://\S+$`)

// TestAPersonAtATerminal goes through the command line against the broker itself, its SAML login and local AWS.
func TestAPersonAtATerminal(t *testing.T) {
	w := newWorld(t)
	people := w.startPeople()
	n := w.serve(w.config("f", parts{
		idps:  ciIdP + `  - {id: dev, insecure_http: true, saml: {metadata_url: "` + people.EntityID() + `"}}` + "\n",
		rules: "  - {name: main, idp: ci, roles: [prod/deploy, prod/refuses]}\n  - {name: dev, idp: dev, roles: [prod/deploy]}\n",
	}))
	browser, alice := newPerson(w, n, people)
	term := w.terminal(n)

	term.signIn("\n\nhttp://", func(said string) {
		form, err := browser.SAMLForm(t.Context(), address.FindString(said), alice)
		if err != nil {
			t.Fatal(err)
		}
		consent, err := browser.Submit(t.Context(), form)
		if err != nil {
			t.Fatal(err)
		}
		done := submit(t, browser, consent, "state", "decision", "approve")
		if !strings.Contains(string(done.Body), "Your browser is done") {
			t.Errorf("the browser ends at %s: %s", done.URL.Host, done.Body)
		}
	}, "--no-browser")
	term.useEverything(w)
	term.run("logout")
	if err := term.command("whoami").Run(); err == nil {
		t.Error("whoami after logout")
	}

	term.signIn("type the code", func(said string) {
		code := regexp.MustCompile(`(?m)^    (\S+)$`).FindStringSubmatch(said)
		page, err := browser.Open(t.Context(), n.url+"/device")
		if err != nil || code == nil {
			t.Fatal(err, said)
		}
		confirm := submit(t, browser, page, "code", "code", code[1])
		submit(t, browser, confirm, "code", "decision", "approve")
	}, "--device")
	term.useEverything(w)
	term.run("logout")
}

// useEverything uses the sign-in in each of the ways that there are.
func (term *terminal) useEverything(w *world) {
	t := term.t
	t.Helper()
	if got := term.run("whoami", "--json"); !strings.Contains(got, `"idp": "dev"`) && !strings.Contains(got, `"idp":"dev"`) {
		t.Errorf("whoami: %s", got)
	}
	if got := term.run("roles"); !strings.Contains(got, "prod/deploy") || strings.Contains(got, "prod/refuses") {
		t.Errorf("roles: %s", got)
	}
	var keys struct{ AccessKeyID, AssumedRoleArn string }
	if err := json.Unmarshal([]byte(term.run("credentials", "deploy", "--format", "json")), &keys); err != nil || !strings.Contains(keys.AssumedRoleArn, "assumed-role/Deploy/") {
		t.Errorf("credentials: %+v, %v", keys, err)
	}
	if got := term.run("exec", "prod/deploy", "--", "awssdk", "1"); !strings.HasPrefix(got, "ASIA") || !strings.Contains(got, "CredentialsEndpointProvider") {
		t.Errorf("exec: %s", got)
	}
	if got := term.run("console", "prod/deploy", "--print"); !strings.HasPrefix(got, w.aws+"/") {
		t.Errorf("console: %.40s", got)
	}
	term.run("configure")
	sdk := exec.CommandContext(t.Context(), "awssdk", "1")
	sdk.Env = append(term.env, "AWS_PROFILE=prod/deploy")
	if got, err := sdk.CombinedOutput(); err != nil || !strings.HasPrefix(string(got), "ASIA") || !strings.Contains(string(got), "ProcessProvider") {
		t.Errorf("credential_process: %s, %v", got, err)
	}
}
