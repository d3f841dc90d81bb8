package docs_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fedbroker/fedbroker/sts/iampolicy"
)

// block is one fenced block of a page.
type block struct {
	page, kind, text string
	line             int
}

func (b block) String() string { return fmt.Sprintf("%s:%d", b.page, b.line) }

var root, _ = filepath.Abs("..")

func blocks(t *testing.T) []block {
	t.Helper()
	pages, err := filepath.Glob("guides/*.md")
	if err != nil || len(pages) < 5 {
		t.Fatalf("%d guides, %v", len(pages), err)
	}
	var out []block
	for _, page := range append(pages, "../README.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		var open *block
		for i, line := range strings.Split(string(text), "\n") {
			kind, fence := strings.CutPrefix(line, "```")
			switch {
			case fence && open == nil:
				open = &block{page: page, kind: kind, line: i + 1}
			case fence:
				out = append(out, *open)
				open = nil
			case open != nil:
				open.text += line + "\n"
			}
		}
	}
	return out
}

// demo starts "fedbroker demo" and returns the environment in which snippets run.
func demo(t *testing.T) []string {
	t.Helper()
	for _, tool := range []string{"jq", "curl", "bash"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing; make test installs it", tool)
		}
	}
	bin := filepath.Join(t.TempDir(), "fedbroker")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/fedbroker").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ready := filepath.Join(t.TempDir(), "ready.json")
	cmd := exec.Command(bin, "demo", "--ready-file", ready)
	told := follow(t, cmd)
	b, err := os.ReadFile(ready)
	if err != nil {
		t.Fatalf("%v\n%s", err, told)
	}
	var urls struct{ Broker, AWS, IdP string }
	if err := json.Unmarshal(b, &urls); err != nil {
		t.Fatal(err)
	}
	request := regexp.MustCompile(`bearer (\S+)' '(\S+?)&audience`).FindStringSubmatch(told)
	if request == nil {
		t.Fatalf("the demo prints no CI request token:\n%s", told)
	}
	return append(os.Environ(), "PATH="+filepath.Dir(bin)+":"+os.Getenv("PATH"), "BROKER="+urls.Broker, "AWS="+urls.AWS, "IDP="+urls.IdP,
		"FEDBROKER_REDIS_URL=redis://127.0.0.1:6379/0", "FEDBROKER_SEALING_KEY=YW4gZXhhbXBsZSBrZXksIDMyIGJ5dGVzIGxvbmcuLi4=", "FEDBROKER_LDAP_PASSWORD=an example",
		"ACTIONS_ID_TOKEN_REQUEST_TOKEN="+request[1], "ACTIONS_ID_TOKEN_REQUEST_URL="+request[2])
}

// follow starts a command that stays up and returns what it says until it says how to end it.
func follow(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT)
		_ = cmd.Wait() // make reports the interrupt as its own failure
	})
	var told strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		told.WriteString(lines.Text() + "\n")
		if strings.HasPrefix(lines.Text(), "Ctrl-C ends") {
			return told.String()
		}
	}
	t.Fatalf("it ended by itself:\n%s", told.String())
	return ""
}

// workdir is a folder in which snippets find the repository's configs and leave what they write.
func workdir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "configs"), filepath.Join(dir, "configs")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func bash(t *testing.T, env []string, script string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = workdir(t), env
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, script, out)
	}
}

func TestEverySnippetRuns(t *testing.T) {
	env := demo(t)
	ran := map[string]int{}
	for _, b := range blocks(t) {
		ran[b.kind]++
		t.Run(b.String(), func(t *testing.T) {
			switch b.kind {
			case "sh":
				shell(t, env, b.text)
			case "yaml":
				yamlBlock(t, env, b.text)
			case "json":
				trustPolicy(t, b.text)
			case "", "sh person": // a picture; what cmd/fedbroker's TestGuide runs, signed in
			default:
				t.Errorf("nobody runs a block of kind %q", b.kind)
			}
		})
	}
	for kind, least := range map[string]int{"sh": 10, "yaml": 6, "json": 3} {
		if ran[kind] < least {
			t.Errorf("only %d blocks of kind %s were found", ran[kind], kind)
		}
	}
}

func shell(t *testing.T, env []string, script string) {
	t.Helper()
	switch strings.TrimSpace(script) {
	case "make demo":
		cmd := exec.Command("make", "-C", root, "demo")
		if told := follow(t, cmd); !strings.Contains(told, "GetCallerIdentity") {
			t.Errorf("the demo proves nothing:\n%s", told)
		}
	case "make test": // this test runs inside it; CI runs it from a fresh clone
		ci, err := os.ReadFile(filepath.Join(root, ".ci/run"))
		if err != nil || !strings.Contains(string(ci), "\nmake test\n") {
			t.Errorf(".ci/run does not run make test: %v", err)
		}
	default:
		bash(t, env, script)
	}
}

// yamlBlock checks a broker's configuration, or runs the scripts of a CI job.
func yamlBlock(t *testing.T, env []string, text string) {
	t.Helper()
	var doc struct {
		Server map[string]any
		Jobs   map[string]struct{ Steps []struct{ Run string } }
		Deploy struct{ Script []string }
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Server != nil {
		file := filepath.Join(t.TempDir(), "fedbroker.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		bash(t, env, "fedbroker check -c "+file)
		return
	}
	ran := 0
	for _, job := range doc.Jobs {
		for _, step := range job.Steps {
			ran++
			bash(t, env, "GITHUB_ENV=env\n"+step.Run+"\ngrep -q AWS_SESSION_TOKEN= env")
		}
	}
	for _, line := range doc.Deploy.Script {
		ran++
		token := `FEDBROKER_TOKEN=$(curl -sSf -H "Authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=$BROKER" | jq -r .value)`
		bash(t, env, token+"\n"+line+"\njq -e .SessionToken credentials.json")
	}
	if ran == 0 {
		t.Error("the block is neither a configuration nor a job")
	}
}

func trustPolicy(t *testing.T, text string) {
	t.Helper()
	p, err := iampolicy.Parse([]byte(text), iampolicy.Trust)
	if err != nil {
		t.Fatal(err)
	}
	if findings := p.Validate(); len(findings) > 0 {
		t.Errorf("IAM would mind: %v", findings)
	}
}

// TestLinksLeadSomewhere follows the relative links of every page.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#:]+)\)`)
	pages, err := filepath.Glob("*/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range append(pages, "../README.md", "../CHANGELOG.md", "threats.md") {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
}
