package blackbox

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// world is the deployment that every test shares. Each test leaves it healthy.
type world struct {
	dir    string
	binary string
	redis  *process
	store  *redis.Client
	aws    *process
	nodes  [2]*process
	single func() (*process, error) // a node without Redis, started by the benchmarks that need it

	redisPort, awsURL, publicURL string
	nodeURLs                     [2]string
	adminURLs                    [2]string
	idps                         *httptest.Server
	memory                       *process
	memoryURL                    string
}

// w is set once, by TestMain, before any test runs.
var w *world

func TestMain(m *testing.M) {
	os.Exit(runMain(m))
}

func runMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "fedbroker-blackbox-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	w = &world{dir: dir}
	defer w.stop()
	if err := w.start(); err != nil {
		fmt.Fprintln(os.Stderr, "blackbox:", err)
		for _, p := range w.processes() {
			fmt.Fprintf(os.Stderr, "--- %s\n%s\n", p.name, p.output())
		}
		return 1
	}
	return m.Run()
}

func (w *world) start() error {
	if _, err := exec.LookPath("redis-server"); err != nil {
		return errors.New("redis-server is not installed; run make test, or apt-get install redis-server")
	}
	w.binary = filepath.Join(w.dir, "fedbroker")
	build := exec.Command("go", "build", "-trimpath", "-o", w.binary, "../cmd/fedbroker")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	ports, err := freePorts(7)
	if err != nil {
		return err
	}
	w.redisPort = ports[0]
	w.awsURL = "http://127.0.0.1:" + ports[1]
	w.publicURL = "http://localhost:" + ports[2]
	w.nodeURLs = [2]string{w.publicURL, "http://127.0.0.1:" + ports[3]}
	w.adminURLs = [2]string{"http://127.0.0.1:" + ports[4], "http://127.0.0.1:" + ports[5]}
	w.memoryURL = "http://127.0.0.1:" + ports[6]
	w.idps = serveProviders()
	if err := w.startRedis(); err != nil {
		return err
	}
	w.store = redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + w.redisPort})
	if err := w.startAWS(); err != nil {
		return err
	}
	for i := range w.nodes {
		if err := w.startNode(i); err != nil {
			return err
		}
	}
	w.single = sync.OnceValues(w.startMemoryNode)
	return nil
}

func (w *world) startRedis() (err error) {
	w.redis, err = startProcess("redis", w.dir, "redis-server", "--port", w.redisPort, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", w.dir)
	if err != nil {
		return err
	}
	return eventually("redis answers", func() error {
		conn, err := net.Dial("tcp", "127.0.0.1:"+w.redisPort)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func (w *world) startAWS() (err error) {
	seed := filepath.Join(w.dir, "aws.yaml")
	if err := os.WriteFile(seed, []byte(awsSeed(w.publicURL, w.memoryURL)), 0o600); err != nil {
		return err
	}
	w.aws, err = startProcess("local-aws", w.dir, w.binary, "local-aws", "-c", seed, "--listen", w.awsURL[len("http://"):], "--insecure-providers")
	if err != nil {
		return err
	}
	return eventually("local AWS answers", func() error { return w.aws.answers(w.awsURL + "/healthz") })
}

func (w *world) startNode(i int) (err error) {
	name := fmt.Sprintf("node%d", i)
	file, err := w.writeConfig(name, nodeOptions{
		listen: w.nodeURLs[i], admin: w.adminURLs[i], public: w.publicURL, redis: true,
	})
	if err != nil {
		return err
	}
	if w.nodes[i], err = startProcess(name, w.dir, w.binary, "serve", "-c", file); err != nil {
		return err
	}
	return eventually(name+" is ready", func() error { return w.nodes[i].answers(w.nodeURLs[i] + "/readyz") })
}

func (w *world) startMemoryNode() (*process, error) {
	file, err := w.writeConfig("memory", nodeOptions{listen: w.memoryURL, public: w.memoryURL})
	if err != nil {
		return nil, err
	}
	if w.memory, err = startProcess("memory", w.dir, w.binary, "serve", "-c", file); err != nil {
		return nil, err
	}
	return w.memory, eventually("the node without redis is ready", func() error { return w.memory.answers(w.memoryURL + "/readyz") })
}

func (w *world) processes() []*process {
	var out []*process
	for _, p := range append([]*process{w.memory, w.aws, w.redis}, w.nodes[:]...) {
		if p != nil {
			out = append(out, p)
		}
	}
	return out
}

func (w *world) stop() {
	for _, p := range w.processes() {
		p.kill()
	}
	if w.store != nil {
		_ = w.store.Close()
	}
	if w.idps != nil {
		w.idps.Close()
	}
}

// freePorts finds n ports that nobody listens on. They are held together, so that no two are the same.
func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		out = append(out, port)
	}
	return out, nil
}

// eventually polls until check holds, for at most a minute: the machine may be busy.
func eventually(what string, check func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		var dead *exitedError
		if errors.As(err, &dead) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: not within a minute: %w", what, err)
		case <-tick.C:
		}
	}
}

// status gets a URL for its status alone.
func status(url string) (int, error) {
	resp, err := http.Get(url) //nolint:gosec // a URL of ours
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}
