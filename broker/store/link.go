package store

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
)

// quiet turns off the logger of go-redis, which writes lines of its own form to standard error. The library has one for
// the whole process and none for a client, so it is set here, before each client is made: the store is the only user of
// the library, setting it twice changes nothing, and what matters is said by link.
func quiet() { redis.SetLogger(&logging.VoidLogger{}) }

// tellEvery is the least time between two warnings of a server that comes and goes.
const tellEvery = time.Minute

// link logs the two edges of an outage: a warning when the server is lost and a line when it is back.
type link struct {
	log    *slog.Logger
	clock  func() time.Time
	server string

	told atomic.Bool // that the server is lost; changed under mu
	mu   sync.Mutex
	next time.Time
}

func (l *link) down(err error) {
	if l.told.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.clock(); !l.told.Load() && !now.Before(l.next) {
		l.next = now.Add(tellEvery)
		l.told.Store(true)
		l.log.Warn("redis is lost; nothing is issued until it is back", "server", l.server, "error", err)
	}
}

func (l *link) up() {
	if !l.told.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.told.CompareAndSwap(true, false) {
		l.log.Info("redis is back", "server", l.server)
	}
}
