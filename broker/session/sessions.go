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
// a single one succeeds, and none once the session has ended.
func (s *Sessions) Rotate(ctx context.Context, token secret.Text) (secret.Text, Session, error) {
	old, err := s.Get(ctx, token)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	slot, err := s.claimOwn(ctx, old)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	fresh, next, err := s.renew(old, s.clock())
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	ops, err := s.storeOps(next)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	ended, err := s.takeOver(ctx, slot, old.ID, next, ops...)
	if err == nil && !ended {
		err = errors.Join(ErrNone, s.EndID(ctx, next.ID))
	}
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	return fresh, next, nil
}

// attempts is how often a login looks for a slot when others that come at the same moment take it away.
const attempts = 3

// put stores a session under a new token.
func (s *Sessions) put(ctx context.Context, session Session, now time.Time) (secret.Text, Session, error) {
	for range attempts {
		token, out, err := s.try(ctx, session, now)
		if !errors.Is(err, errNoSlot) {
			return token, out, err
		}
	}
	return secret.Text{}, Session{}, errNoSlot
}

// try is one attempt to put, with a token of its own: whoever took an earlier one's slot may still be ending it.
func (s *Sessions) try(ctx context.Context, session Session, now time.Time) (secret.Text, Session, error) {
	token, session, err := s.renew(session, now)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	ops, err := s.storeOps(session)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	slot, err := s.enter(ctx, session)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	stored, err := s.store.Do(ctx, append(ops, broker.Op{Kind: broker.OpGet, Key: slot})...)
	switch {
	case err != nil:
		return secret.Text{}, Session{}, err
	case string(stored[len(ops)].Value) != session.ID:
		return secret.Text{}, Session{}, errors.Join(errNoSlot, s.EndID(ctx, session.ID))
	}
	return token, session, nil
}

// renew gives a session a new token, if it has time left.
func (s *Sessions) renew(session Session, now time.Time) (secret.Text, Session, error) {
	if !now.Before(session.Expires) {
		return secret.Text{}, Session{}, fmt.Errorf("%w: the provider's session is over", ErrNone)
	}
	value, err := random(s.rand, secretBytes)
	if err != nil {
		return secret.Text{}, Session{}, err
	}
	token := secret.New(value)
	session.ID, session.LastUsed = idOf(token), now
	return token, session, nil
}

// storeOps store a session that was renewed just now. The way to its person comes first: a provider that ends its own
// session meanwhile finds either nothing in force or all of it.
func (s *Sessions) storeOps(session Session) ([]broker.Op, error) {
	blob, err := encode(session)
	if err != nil {
		return nil, err
	}
	var ops []broker.Op
	if id := &session.Identity; id.SessionID != "" {
		key := upstreamKey(id.Provider, id.Issuer, id.SessionID) // as long as any session of it can live
		ops = append(ops, broker.Op{Kind: broker.OpSet, Key: key, Value: []byte(personOf(id)), TTL: s.absolute})
	}
	now := session.LastUsed
	set := broker.Op{Kind: broker.OpSet, Key: sessionKey(session.ID), Value: blob, TTL: session.Expires.Sub(now)}
	return append(ops, set, s.note(session, now)), nil
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
