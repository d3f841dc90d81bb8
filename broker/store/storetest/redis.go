package storetest

import (
	"context"
	"net"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startTimeout is how long a server may take to answer: generous, for a loaded machine.
const startTimeout = 20 * time.Second

// Server is a redis-server of one test. Its methods fail the test on trouble.
type Server struct {
	tb     testing.TB
	path   string
	args   []string
	addr   string
	dir    string
	cmd    *exec.Cmd
	client *redis.Client
}

// StartRedis starts an empty server on a free loopback port, with more configuration if given ("--appendonly", "yes",
// …), and ends it with the test. Nothing is written to disk unless the configuration says so.
func StartRedis(tb testing.TB, config ...string) *Server {
	tb.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Fatal("redis-server is not installed: run `make test`, which installs it")
	}
	s := &Server{tb: tb, path: path, addr: freePort(tb), dir: tb.TempDir(), args: config}
	s.client = redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, DialerRetries: 1})
	tb.Cleanup(func() {
		_ = s.client.Close()
		s.Kill()
	})
	s.Start()
	return s
}

// Addr is host and port.
func (s *Server) Addr() string { return s.addr }

// URL is what store.RedisOptions takes.
func (s *Server) URL() string { return "redis://" + s.addr }

// Client is a connection of the test's own.
func (s *Server) Client() *redis.Client { return s.client }

// Start starts the server again after Kill, on the same port and in the same directory.
func (s *Server) Start() {
	s.tb.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	args := append([]string{"--bind", host, "--port", port, "--dir", s.dir, "--save", "", "--loglevel", "warning"}, s.args...)
	s.cmd = exec.CommandContext(context.Background(), s.path, args...)
	if err := s.cmd.Start(); err != nil {
		s.tb.Fatalf("start redis-server: %v", err)
	}
	s.Await()
}

// Await waits until the server takes connections.
func (s *Server) Await() {
	s.tb.Helper()
	deadline := time.Now().Add(startTimeout)
	for {
		conn, err := net.DialTimeout("tcp", s.addr, startTimeout)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(deadline) {
			s.tb.Fatalf("redis-server does not answer on %s: %v", s.addr, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	if s.cmd == nil {
		return
	}
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
	s.cmd = nil
}

// Flush empties the server.
func (s *Server) Flush() {
	s.tb.Helper()
	if err := s.client.FlushAll(s.tb.Context()).Err(); err != nil {
		s.tb.Fatalf("flush: %v", err)
	}
}

// Advance makes every entry older by d, as if that time had passed: Redis has a clock of its own.
func (s *Server) Advance(d time.Duration) {
	s.tb.Helper()
	ctx := s.tb.Context()
	for _, key := range s.Keys() {
		left, err := s.client.PTTL(ctx, key).Result()
		if err != nil {
			s.tb.Fatalf("read time to live: %v", err)
		}
		if left < 0 { // no limit, or gone by now
			continue
		}
		if err := s.client.PExpire(ctx, key, max(left-d, 0)).Err(); err != nil {
			s.tb.Fatalf("set time to live: %v", err)
		}
	}
}

// Keys lists everything on the server.
func (s *Server) Keys() []string {
	s.tb.Helper()
	keys, err := s.client.Keys(s.tb.Context(), "*").Result()
	if err != nil {
		s.tb.Fatalf("list keys: %v", err)
	}
	return keys
}

func freePort(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatalf("find a port: %v", err)
	}
	defer func() { _ = l.Close() }()
	addr, _ := l.Addr().(*net.TCPAddr)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(addr.Port))
}
