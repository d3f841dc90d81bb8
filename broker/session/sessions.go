package session

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Defaults of [Options].
const (
	DefaultAbsolute = 12 * time.Hour
	DefaultIdle     = time.Hour
)

// Options says where sessions are kept and how long they live. Store, Clock and Rand are required.
type Options struct {
	Store broker.Store
	Clock func() time.Time
	Rand  io.Reader
	// Absolute is the longest a session lives, Idle the longest it lives unused; zero means the default.
	Absolute, Idle time.Duration
}

// Sessions keeps login sessions. Safe for concurrent use.
type Sessions struct {
	store          broker.Store
	clock          func() time.Time
	rand           io.Reader
	absolute, idle time.Duration
	refresh        time.Duration // how old the note of activity may grow before it is written again
}

// Session is one signed-in browser or command line.
type Session struct {
	// ID is the hash of the token, 64 hex digits: for audit records, lists and revocation. It opens nothing.
	ID       string
	Identity idp.Identity
	Created  time.Time
	// Expires is the absolute end; the session ends earlier when it is unused for the idle time.
	Expires time.Time
}

// New makes a keeper of sessions.
func New(o Options) (*Sessions, error) {
	if o.Store == nil || o.Clock == nil || o.Rand == nil {
		return nil, errors.New("sessions: Store, Clock and Rand are required")
	}
	if o.Absolute < 0 || o.Idle < 0 {
		return nil, errors.New("sessions: lifetimes must not be negative")
	}
	s := &Sessions{store: o.Store, clock: o.Clock, rand: o.Rand, absolute: o.Absolute, idle: o.Idle}
	if s.absolute == 0 {
		s.absolute = DefaultAbsolute
	}
	if s.idle == 0 {
		s.idle = DefaultIdle
	}
	s.refresh = min(time.Minute, s.idle/10)
	return s, nil
}

// Create begins a session for an identity under a new token, whatever the browser held before (no fixation). It
// fails when the provider's own session is over already.
func (s *Sessions) Create(ctx context.Context, id idp.Identity) (secret.Text, Session, error) {
	now := s.clock()
	session := Session{Identity: id, Created: now, Expires: now.Add(s.absolute)}
	if end := id.SessionExpiry; !end.IsZero() && end.Before(session.Expires) {
		session.Expires = end
	}
	return s.put(ctx, session, now)
}

// Get returns the session of a token and notes that it was used. Activity is written at most once a minute, or once
// in a tenth of the idle time where that is shorter; a session may end by that much too early, never too late.
func (s *Sessions) Get(ctx context.Context, token secret.Text) (Session, error) {
	if !wellFormed(token.Reveal(), secretBytes) {
		return Session{}, ErrNone
	}
	return s.Find(ctx, idOf(token))
}

// Find is Get by the session's ID: for a credential that was found by other means to stand for this session.
func (s *Sessions) Find(ctx context.Context, id string) (Session, error) {
	now := s.clock()
	found, err := s.store.Do(ctx, broker.Op{Kind: broker.OpGet, Key: sessionKey(id)}, broker.Op{Kind: broker.OpGet, Key: seenKey(id)})
	if err != nil {
		return Session{}, err
	}
	session, seen, err := s.decode(id, found[0], found[1])
	if err != nil {
		return Session{}, err
	}
	if !now.Before(session.Expires) || now.Sub(seen) >= s.idle {
		return Session{}, ErrNone
	}
	if now.Sub(seen) < s.refresh {
		return session, nil
	}
	_, err = s.store.Do(ctx, s.note(session, now))
	if err != nil {
		return Session{}, err
	}
	return session, nil
}

// End ends a session for good. Ending one that is not there is not an error.
func (s *Sessions) End(ctx context.Context, token secret.Text) error {
	if !wellFormed(token.Reveal(), secretBytes) {
		return nil
	}
	return s.EndID(ctx, idOf(token))
}

// EndID ends the session with that ID: an operator, or a logout that comes from the provider.
func (s *Sessions) EndID(ctx context.Context, id string) error {
	_, err := s.store.Do(ctx, broker.Op{Kind: broker.OpDelete, Key: sessionKey(id)}, broker.Op{Kind: broker.OpDelete, Key: seenKey(id)})
	return err
}

// Rotate gives a session a new token and ends the old one; the absolute end stays. Of several callers with one token
// a single one succeeds.
func (s *Sessions) Rotate(ctx context.Context, token secret.Text) (secret.Text, Session, error) {
	session, err := s.Get(ctx, token)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	taken, err := s.store.Do(ctx, broker.Op{Kind: broker.OpTake, Key: sessionKey(session.ID)}, broker.Op{Kind: broker.OpDelete, Key: seenKey(session.ID)})
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	if !taken[0].Found {
		return secret.Text{}, Session{}, ErrNone
	}
	return s.put(ctx, session, s.clock())
}

// put stores a session under a new token.
func (s *Sessions) put(ctx context.Context, session Session, now time.Time) (secret.Text, Session, error) {
	left := session.Expires.Sub(now)
	if left <= 0 {
		return secret.Text{}, Session{}, fmt.Errorf("%w: the provider's session is over", ErrNone)
	}
	value, err := random(s.rand, secretBytes)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	token := secret.New(value)
	session.ID = idOf(token)
	blob, err := encode(session)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	set := broker.Op{Kind: broker.OpSet, Key: sessionKey(session.ID), Value: blob, TTL: left}
	if _, err := s.store.Do(ctx, set, s.note(session, now)); err != nil {
		return secret.Text{}, Session{}, err
	}
	return token, session, nil
}

func sessionKey(id string) string { return "session:" + id }
func seenKey(id string) string    { return "session-seen:" + id }

// note writes down activity in an entry of its own: a request that is still running when the session ends can
// revive this entry, but not the session.
func (s *Sessions) note(session Session, now time.Time) broker.Op {
	ttl := min(s.idle, session.Expires.Sub(now))
	return broker.Op{Kind: broker.OpSet, Key: seenKey(session.ID), Value: appendTime(nil, now), TTL: ttl}
}

// encode writes format, creation and end as fixed-size times, then the identity as JSON.
func encode(session Session) ([]byte, error) {
	identity, err := json.Marshal(session.Identity)
	if err != nil {
		return nil, fmt.Errorf("encode identity: %w", err)
	}
	blob := make([]byte, 0, headerSize+len(identity))
	blob = appendTime(appendTime(append(blob, blobFormat), session.Created), session.Expires)
	return append(blob, identity...), nil
}

const (
	blobFormat = 1
	timeSize   = 8
	headerSize = 1 + 2*timeSize
)

func (s *Sessions) decode(id string, entry, note broker.Result) (Session, time.Time, error) {
	if !entry.Found || !note.Found {
		return Session{}, time.Time{}, ErrNone
	}
	if len(entry.Value) < headerSize || entry.Value[0] != blobFormat || len(note.Value) != timeSize {
		return Session{}, time.Time{}, errors.New("session entry has an unknown format")
	}
	session := Session{ID: id, Created: timeAt(entry.Value[1:]), Expires: timeAt(entry.Value[1+timeSize:])}
	if err := json.Unmarshal(entry.Value[headerSize:], &session.Identity); err != nil {
		return Session{}, time.Time{}, fmt.Errorf("decode identity: %w", err)
	}
	return session, timeAt(note.Value), nil
}

// Times are microseconds since 1970, eight bytes.
func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
}

func timeAt(b []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b[:timeSize]))).UTC()
}
