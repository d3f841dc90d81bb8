package session

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"sync"
	"time"
)

// ErrFull is returned when the store holds as many live entries as it may.
var ErrFull = errors.New("session store is full")

// ErrUnknown is returned for credentials that were never issued, or whose token is another's.
var ErrUnknown = errors.New("unknown credentials")

// ErrExpired is returned for credentials after their end.
var ErrExpired = errors.New("expired credentials")

// sweepEvery is how many insertions pass between two removals of what has ended.
const sweepEvery = 64

// keepExpired is how long an ended entry is remembered, so that its holder hears "expired" and not "unknown".
const keepExpired = 24 * time.Hour

// Store holds sessions by their access key. It is safe for concurrent use.
type Store struct {
	mu      sync.Mutex
	limit   int
	inserts int
	entries map[string]entry
}

type entry struct {
	session *Session
	token   [sha256.Size]byte
}

// NewStore returns a store for at most limit sessions.
func NewStore(limit int) *Store { return &Store{limit: limit, entries: map[string]entry{}} }

// Put stores a session under its access key and session token.
func (s *Store) Put(session *Session, token string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inserts++
	if s.inserts%sweepEvery == 0 || len(s.entries) >= s.limit {
		s.sweep(now.Add(-keepExpired))
	}
	if len(s.entries) >= s.limit {
		s.sweep(now)
	}
	if len(s.entries) >= s.limit {
		return ErrFull
	}
	s.entries[session.AccessKeyID] = entry{session, sha256.Sum256([]byte(token))}
	return nil
}

func (s *Store) sweep(endedBefore time.Time) {
	for key, e := range s.entries {
		if e.session.Expires.Before(endedBefore) {
			delete(s.entries, key)
		}
	}
}

// Get returns the live session of an access key if token is the one issued with it.
func (s *Store) Get(accessKeyID, token string, now time.Time) (*Session, error) {
	s.mu.Lock()
	e, ok := s.entries[accessKeyID]
	s.mu.Unlock()
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], e.token[:]) != 1 || !ok {
		return nil, ErrUnknown
	}
	if !now.Before(e.session.Expires) {
		return nil, ErrExpired
	}
	return e.session, nil
}
