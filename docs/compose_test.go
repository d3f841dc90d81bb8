package docs_test

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/fedbroker/fedbroker/configs"
)

// These tests hold what can be held without a container engine: that the files fit each other, and that what the
// containers would run does run, here, with the same arguments, environment and files.

type compose struct {
	Services map[string]service
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
}

type service struct {
	Build       struct{ Context, Dockerfile string }
	Command     []string
	Profiles    []string
	User        string
	ReadOnly    bool `yaml:"read_only"`
	Privileged  bool
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Environment map[string]string
	Ports       []string
	Networks    []string
	NetworkMode string `yaml:"network_mode"`
	Volumes     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck struct{ Test []string }
}

func readCompose(t *testing.T) compose {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var c compose
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	if len(c.Services) != 3 {
		t.Fatalf("%d services", len(c.Services))
	}
	return c
}

// secrets is what .env would hold.
func secrets() map[string]string {
	key := sha256.Sum256([]byte("a key that only this test uses"))
	return map[string]string{"REDIS_PASSWORD": strings.Repeat("5e", 32), "SEALING_KEY": base64.StdEncoding.EncodeToString(key[:])}
}

func TestComposeServicesAreConfined(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		if !s.ReadOnly || s.Privileged || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s may write, or keeps privileges", name)
		}
		if s.User == "" || s.User == "root" || strings.HasPrefix(s.User, "0") {
			t.Errorf("%s runs as %q", name, s.User)
		}
		for variable, value := range s.Environment {
			if value != "${"+variable+":-}" {
				t.Errorf("%s: %s is written into the file, or has no default, which would keep the demo from starting", name, variable)
			}
		}
		for _, port := range s.Ports {
			if !strings.HasPrefix(port, "127.0.0.1:") {
				t.Errorf("%s publishes %s to everybody, in plain HTTP", name, port)
			}
		}
	}
	redis := c.Services["redis"]
	if len(redis.Ports) > 0 || !slices.Equal(redis.Networks, []string{"store"}) || !c.Networks["store"].Internal {
		t.Error("others than the broker can reach Redis")
	}
	if broker := c.Services["broker"]; len(broker.Profiles) > 0 || broker.DependsOn["redis"].Condition != "service_healthy" {
		t.Error("the broker does not start by itself, or does not wait for Redis")
	}
	demo := c.Services["demo"]
	if !slices.Equal(demo.Profiles, []string{"demo"}) || demo.NetworkMode != "host" || !slices.Equal(demo.Command, []string{"demo"}) ||
		len(demo.Networks)+len(demo.Ports)+len(demo.Volumes)+len(demo.Environment)+len(demo.DependsOn) > 0 {
		t.Error("the demo is more than one container with host networking")
	}
}

func TestComposeFilesExist(t *testing.T) {
	c := readCompose(t)
	for name, s := range c.Services {
		for _, volume := range s.Volumes {
			source, target, _ := strings.Cut(volume, ":")
			if _, named := c.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, source)); err != nil || !strings.HasPrefix(source, "./") || !strings.HasSuffix(target, ":ro") {
				t.Errorf("%s mounts %s: %v", name, volume, err)
			}
		}
		for _, network := range s.Networks {
			if _, ok := c.Networks[network]; !ok {
				t.Errorf("%s is in no declared network %s", name, network)
			}
		}
		if s.Build.Dockerfile != "" {
			if _, err := os.Stat(filepath.Join(root, s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Error(err)
			}
		}
	}
}

func TestComposeConfigurationIsSound(t *testing.T) {
	broker := readCompose(t).Services["broker"]
	file := mounted(t, broker)
	doc, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	env := secrets()
	f, err := configs.Parse(file, doc, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Tests) == 0 || f.Store.Redis == nil || f.Keys.Sealing == nil {
		t.Error("the example shows no mapping test, no Redis or no sealing key")
	}
	_, port, err := net.SplitHostPort(f.Server.Listen)
	if err != nil || !strings.HasSuffix(broker.Ports[0], ":"+port) {
		t.Errorf("listens on %s, publishes %v", f.Server.Listen, broker.Ports)
	}
	if _, ok := readCompose(t).Services[redisHost(t, doc)]; !ok {
		t.Error("the configuration's Redis is no service")
	}
	onVolume := slices.ContainsFunc(broker.Volumes, func(v string) bool {
		_, target, _ := strings.Cut(v, ":")
		return strings.HasPrefix(string(f.Audit.File), target+"/")
	})
	if !onVolume {
		t.Error("the audit log is not on a volume, and nothing else can be written")
	}
	for _, variable := range []string{"REDIS_PASSWORD", "SEALING_KEY"} {
		if _, err := configs.Parse(file, doc, func(name string) (string, bool) { return env[name], name != variable }); err == nil {
			t.Errorf("starts without %s", variable)
		}
	}
}

// mounted is where the file that the broker's command names stands in the repository.
func mounted(t *testing.T, broker service) string {
	t.Helper()
	if len(broker.Command) != 3 || broker.Command[0] != "serve" || broker.Command[1] != "-c" {
		t.Fatalf("the command is %v", broker.Command)
	}
	for _, volume := range broker.Volumes {
		parts := strings.Split(volume, ":")
		if rest, ok := strings.CutPrefix(broker.Command[2], parts[1]+"/"); ok {
			return filepath.Join(root, parts[0], rest)
		}
	}
	t.Fatalf("%s is not mounted", broker.Command[2])
	return ""
}

func redisHost(t *testing.T, doc []byte) string {
	t.Helper()
	m := regexp.MustCompile(`redis://([a-z]+):6379/`).FindSubmatch(doc)
	if m == nil {
		t.Fatal("no redis URL")
	}
	return string(m[1])
}

func TestDockerfileBuildsWhatMakeBuilds(t *testing.T) {
	lines := dockerfile(t)
	makefile, err := os.ReadFile("../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	recipe := regexp.MustCompile(`\nbuild:.*\n\t@(.*)\n`).FindSubmatch(makefile)
	if recipe == nil {
		t.Fatal("no recipe")
	}
	if !slices.Contains(lines, "RUN "+string(recipe[1])) {
		t.Errorf("the image is not built by %q", recipe[1])
	}
	goMod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`\ngo (1\.\d+)`).FindSubmatch(goMod)
	if version == nil || lines[0] != "FROM golang:"+string(version[1])+" AS build" {
		t.Errorf("go.mod wants Go %s, the image is built by %q", version, lines[0])
	}
	last := slices.Index(lines, "FROM scratch")
	if last < 0 {
		t.Fatal("the image is not made from nothing")
	}
	for _, want := range []string{"USER 65532:65532", `ENTRYPOINT ["/fedbroker"]`} {
		if !slices.Contains(lines[last:], want) {
			t.Errorf("the image lacks %s", want)
		}
	}
	if !slices.ContainsFunc(lines[last:], func(l string) bool { return strings.Contains(l, "/etc/ssl/certs/ca-certificates.crt") }) {
		t.Error("the image trusts nobody")
	}
	for _, line := range lines[last+1:] {
		if strings.HasPrefix(line, "FROM ") || strings.HasPrefix(line, "RUN ") || strings.HasPrefix(line, "ADD ") {
			t.Errorf("%s after the image was begun", line)
		}
	}
}

func dockerfile(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("../docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

// TestImageContextIsEnough builds from a copy that holds only what .dockerignore lets through.
func TestImageContextIsEnough(t *testing.T) {
	text, err := os.ReadFile("../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	dir, allowsAll := t.TempDir(), true
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "*" {
			allowsAll = false
		}
		if name, ok := strings.CutPrefix(line, "!"); ok {
			if err := os.Symlink(filepath.Join(root, name), filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if allowsAll {
		t.Error("the build sees everything, .env included")
	}
	copied := filepath.Join(t.TempDir(), "context")
	if out, err := exec.Command("cp", "-rL", dir, copied).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	static(t, buildIn(t, copied))
}

// buildIn runs make's recipe for the command and returns the binary.
func buildIn(t *testing.T, dir string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "fedbroker")
	cmd := exec.Command("go", "build", "-trimpath", "-o", bin, "./cmd/fedbroker")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return bin
}

// static wants a binary that asks for no loader and no library: an empty image has neither.
func static(t *testing.T, bin string) {
	t.Helper()
	f, err := elf.Open(bin)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	libraries, err := f.ImportedLibraries()
	if err != nil || len(libraries) > 0 || f.Section(".interp") != nil {
		t.Errorf("not static: %v, %v", libraries, err)
	}
}

// TestComposeRuns starts Redis by the very command of the compose file and the broker by its own, with the mounted
// files; only addresses and folders are changed.
func TestComposeRuns(t *testing.T) {
	c := readCompose(t)
	redisAt, brokerAt, dir := freeAddress(t), freeAddress(t), t.TempDir()
	_, redisPort, _ := net.SplitHostPort(redisAt)
	conf := rewrite(t, "../docker/redis.conf", filepath.Join(dir, "redis.conf"), "dir /data", "dir "+dir+"\nbind 127.0.0.1\nport "+redisPort)
	redis := c.Services["redis"]
	command := slices.Clone(redis.Command)
	script := inContainer(command[2])
	if !strings.Contains(script, " /etc/redis/redis.conf ") {
		t.Fatal("Redis does not read the mounted file")
	}
	command[2] = strings.ReplaceAll(script, "/etc/redis/redis.conf", conf)
	bin := buildIn(t, root)
	static(t, bin)
	env := dotEnv(t, bin)
	healthy(t, redis, redisPort, env, start(t, env, command...))

	config := rewrite(t, mounted(t, c.Services["broker"]), filepath.Join(dir, "fedbroker.yaml"),
		"redis:6379", redisAt, `":8443"`, `"`+brokerAt+`"`, "/var/log/fedbroker", dir)
	check := exec.Command(bin, "check", "-c", config)
	check.Env = env
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("check: %v\n%s", err, out)
	}
	ended := start(t, env, bin, c.Services["broker"].Command[0], "-c", config)
	eventually(t, "the broker is ready", ended, func() error {
		resp, err := http.Get("http://" + brokerAt + "/readyz")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			return fmt.Errorf("%d: %s, %w", resp.StatusCode, body, err)
		}
		return nil
	})
}

// healthy runs the health check, which must fail for somebody without the password.
func healthy(t *testing.T, redis service, port string, env []string, ended <-chan struct{}) {
	t.Helper()
	test := redis.Healthcheck.Test
	if len(test) != 2 || test[0] != "CMD-SHELL" {
		t.Fatalf("the health check is %q", test)
	}
	script := strings.ReplaceAll(inContainer(test[1]), "redis-cli ", "redis-cli -p "+port+" ")
	eventually(t, "Redis is healthy", ended, func() error {
		cmd := exec.Command("sh", "-c", script)
		cmd.Env = env
		return cmd.Run()
	})
	for _, who := range []string{"", "--user default --pass ''"} {
		out, err := exec.Command("sh", "-c", "redis-cli -p "+port+" "+who+" ping").CombinedOutput()
		if err == nil && !bytes.Contains(out, []byte("NOAUTH")) {
			t.Errorf("Redis answers strangers (%s): %s", who, out)
		}
	}
	for _, forbidden := range []string{"get other", "keys '*'", "flushall", "config set maxmemory-policy allkeys-lru", "eval 'return 1' 0"} {
		cmd := exec.Command("sh", "-c", `REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli -p `+port+" --user fedbroker "+forbidden)
		cmd.Env = env
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("NOPERM")) {
			t.Errorf("the broker's user may %s: %s, %v", forbidden, out, err)
		}
	}
}

// inContainer undoes compose's escaping of the dollar sign.
func inContainer(s string) string { return strings.ReplaceAll(s, "$$", "$") }

// dotEnv makes .env by the command in the compose file's head, and returns what a container would get of it.
func dotEnv(t *testing.T, bin string) []string {
	t.Helper()
	text, err := os.ReadFile("../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`(?m)^# +(\(umask 077; printf .* > \.env\))$`).FindSubmatch(text)
	if command == nil {
		t.Fatal("the compose file does not say how to make .env")
	}
	dir := t.TempDir()
	if err := os.Symlink(filepath.Dir(bin), filepath.Join(dir, "bin")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("sh", "-ec", string(command[1]))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(dir, ".env"))
	if err != nil {
		t.Fatal(err)
	}
	return append(strings.Fields(string(made)), "PATH="+os.Getenv("PATH"), "HOME=/nonexistent")
}

// start runs a command until the end of the test and says when it ended before.
func start(t *testing.T, env []string, command ...string) <-chan struct{} {
	t.Helper()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = env
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	var end error
	go func() {
		end = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if end != nil {
			t.Errorf("%s ended with %v", filepath.Base(command[0]), end)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", filepath.Base(command[0]), said.String())
		}
	})
	return ended
}

func rewrite(t *testing.T, from, to string, oldNew ...string) string {
	t.Helper()
	text, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(oldNew); i += 2 {
		if !bytes.Contains(text, []byte(oldNew[i])) {
			t.Fatalf("%s holds no %q", from, oldNew[i])
		}
	}
	if err := os.WriteFile(to, []byte(strings.NewReplacer(oldNew...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// eventually waits for another process, which has no other way to say that it is up.
func eventually(t *testing.T, what string, ended <-chan struct{}, try func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("%s: it ended", what)
		case <-deadline:
			t.Fatalf("%s: not in time: %v", what, err)
		case <-tick.C:
		}
	}
}
