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
	Origin  Origin
	// LastUsed is when the session was used, to the minute: activity is not written more often.
	LastUsed time.Time
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
func (s *Sessions) Create(ctx context.Context, id idp.Identity, from Origin) (secret.Text, Session, error) {
	now := s.clock()
	session := Session{Identity: id, Created: now, Expires: now.Add(s.absolute), Origin: from.bounded()}
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
	found, err := s.store.Do(ctx, getOps(id)...)
	if err != nil {
		return Session{}, err
	}
	session, err := s.decode(id, found[0], found[1], now)
	if err != nil {
		return Session{}, err
	}
	if now.Sub(session.LastUsed) < s.refresh {
		return session, nil
	}
	session.LastUsed = now
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
	_, err := s.store.Do(ctx, endOps(id)...)
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
	session.ID, session.LastUsed = idOf(token), now
	blob, err := encode(session)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	slot, err := s.enter(ctx, session, left)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	ops := []broker.Op{
		{Kind: broker.OpSet, Key: sessionKey(session.ID), Value: blob, TTL: left}, s.note(session, now), {Kind: broker.OpGet, Key: slot},
	}
	if id := &session.Identity; id.SessionID != "" {
		key := upstreamKey(id.Provider, id.Issuer, id.SessionID) // as long as any session of it can live
		ops = append(ops, broker.Op{Kind: broker.OpSet, Key: key, Value: []byte(personOf(id)), TTL: s.absolute})
	}
	stored, err := s.store.Do(ctx, ops...)
	switch {
	case err != nil:
		return secret.Text{}, Session{}, err
	case string(stored[2].Value) != session.ID:
		return secret.Text{}, Session{}, errors.Join(errNoSlot, s.EndID(ctx, session.ID))
	}
	return token, session, nil
}

func sessionKey(id string) string { return "session:" + id }
func seenKey(id string) string    { return "session-seen:" + id }

func getOps(id string) []broker.Op {
	return []broker.Op{{Kind: broker.OpGet, Key: sessionKey(id)}, {Kind: broker.OpGet, Key: seenKey(id)}}
}

func endOps(id string) []broker.Op {
	return []broker.Op{{Kind: broker.OpDelete, Key: sessionKey(id)}, {Kind: broker.OpDelete, Key: seenKey(id)}}
}

// note writes down activity in an entry of its own: a request that is still running when the session ends can
// revive this entry, but not the session.
func (s *Sessions) note(session Session, now time.Time) broker.Op {
	ttl := min(s.idle, session.Expires.Sub(now))
	return broker.Op{Kind: broker.OpSet, Key: seenKey(session.ID), Value: appendTime(nil, now), TTL: ttl}
}

// held is what an entry says beside its times.
type held struct {
	Identity idp.Identity `json:"identity"`
	Origin   Origin       `json:"origin"`
}

// encode writes format, creation and end as fixed-size times, then the rest as JSON.
func encode(session Session) ([]byte, error) {
	rest, err := json.Marshal(held{session.Identity, session.Origin})
	if err != nil {
		return nil, fmt.Errorf("encode session: %w", err)
	}
	blob := make([]byte, 0, headerSize+len(rest))
	blob = appendTime(appendTime(append(blob, blobFormat), session.Created), session.Expires)
	return append(blob, rest...), nil
}

const (
	blobFormat = 2 // 1 was without an origin
	timeSize   = 8
	headerSize = 1 + 2*timeSize
)

// decode reads a session that is not over. One of another format is an older version's: its person signs in again.
func (s *Sessions) decode(id string, entry, note broker.Result, now time.Time) (Session, error) {
	if !entry.Found || !note.Found {
		return Session{}, ErrNone
	}
	if len(entry.Value) < headerSize || len(note.Value) != timeSize {
		return Session{}, errors.New("session entry has an unknown format")
	}
	if entry.Value[0] != blobFormat {
		return Session{}, ErrNone
	}
	session := Session{ID: id, Created: timeAt(entry.Value[1:]), Expires: timeAt(entry.Value[1+timeSize:]), LastUsed: timeAt(note.Value)}
	if !now.Before(session.Expires) || now.Sub(session.LastUsed) >= s.idle {
		return Session{}, ErrNone
	}
	var rest held
	if err := json.Unmarshal(entry.Value[headerSize:], &rest); err != nil {
		return Session{}, fmt.Errorf("decode session: %w", err)
	}
	session.Identity, session.Origin = rest.Identity, rest.Origin
	return session, nil
}

// Times are microseconds since 1970, eight bytes.
func appendTime(b []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
}

func timeAt(b []byte) time.Time {
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b[:timeSize]))).UTC()
}
