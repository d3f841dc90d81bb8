package oauth

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	// accessLifetime is the longest that an access token lives.
	accessLifetime = time.Hour
	// refreshGrace is how long a refresh token that has a successor still gets it: command lines race (invariant 3).
	refreshGrace = 120 * time.Second
)

// TokenOptions says where tokens are kept. All members are required.
type TokenOptions struct {
	Store    broker.Store
	Sessions *session.Sessions
	Clock    func() time.Time
	Rand     io.Reader
}

// Tokens are what command lines hold: families of one login session, its access tokens and its rotating refresh
// tokens. Safe for concurrent use.
type Tokens struct {
	store    broker.Store
	sessions *session.Sessions
	clock    func() time.Time
	rand     io.Reader
}

// NewTokens makes a keeper of tokens.
func NewTokens(o TokenOptions) (*Tokens, error) {
	if o.Store == nil || o.Sessions == nil || o.Clock == nil || o.Rand == nil {
		return nil, errors.New("tokens: Store, Sessions, Clock and Rand are required")
	}
	return &Tokens{store: o.Store, sessions: o.Sessions, clock: o.Clock, rand: o.Rand}, nil
}

// issued is what a token request answers.
type issued struct {
	access, refresh secret.Text
	lifetime        time.Duration // of the access token
	session         session.Session
}

// accessRecord is what the store knows of an access token, by its hash.
type accessRecord struct {
	Family  string    `json:"f"` // the session's ID
	Expires time.Time `json:"e"`
}

// Find returns the login session that an access token stands for. It fails with session.ErrNone when there is none:
// never was, over, ended; any other error comes from the store.
func (t *Tokens) Find(ctx context.Context, token secret.Text) (session.Session, error) {
	if !accessToken.wellFormed(token) {
		return session.Session{}, session.ErrNone
	}
	var record accessRecord
	found, err := t.get(ctx, accessKey(token), &record)
	switch {
	case err != nil:
		return session.Session{}, err
	case !found || !t.clock().Before(record.Expires):
		return session.Session{}, session.ErrNone
	}
	return t.sessions.Find(ctx, record.Family)
}

// begin makes a family of a command line, which asks from remote, out of the login that approved it.
func (t *Tokens) begin(ctx context.Context, login session.Session, c *client, remote string) (issued, error) {
	family, err := t.sessions.Derive(ctx, login, session.Origin{Client: c.Name, Remote: remote})
	if err != nil {
		return issued{}, err
	}
	refresh, err := refreshToken.mint(t.rand)
	if err != nil {
		return issued{}, err
	}
	set, err := t.refreshOp(refresh, family, c)
	if err != nil {
		return issued{}, err
	}
	return t.issue(ctx, family, refresh, set)
}

// issue makes an access token and stores it along with more.
func (t *Tokens) issue(ctx context.Context, family session.Session, refresh secret.Text, more ...broker.Op) (issued, error) {
	access, err := accessToken.mint(t.rand)
	if err != nil {
		return issued{}, err
	}
	now := t.clock()
	expires := now.Add(accessLifetime)
	if family.Expires.Before(expires) {
		expires = family.Expires
	}
	set, err := setOp(accessKey(access), accessRecord{Family: family.ID, Expires: expires}, expires.Sub(now))
	if err != nil {
		return issued{}, err
	}
	if _, err := t.store.Do(ctx, append(more, set)...); err != nil {
		return issued{}, err
	}
	return issued{access: access, refresh: refresh, lifetime: expires.Sub(now), session: family}, nil
}

func accessKey(token secret.Text) string { return "oauth-access:" + digest(token.Reveal()) }

// get reads one entry into record.
func (t *Tokens) get(ctx context.Context, key string, record any) (bool, error) {
	results, err := t.store.Do(ctx, broker.Op{Kind: broker.OpGet, Key: key})
	if err != nil {
		return false, err
	}
	return decode(results[0], record)
}

// decode reads an entry that was found.
func decode(r broker.Result, record any) (bool, error) {
	if !r.Found {
		return false, nil
	}
	if err := json.Unmarshal(r.Value, record); err != nil {
		return false, fmt.Errorf("decode an entry of the store: %w", err)
	}
	return true, nil
}

func setOp(key string, record any, ttl time.Duration) (broker.Op, error) {
	value, err := json.Marshal(record)
	if err != nil {
		return broker.Op{}, fmt.Errorf("encode an entry of the store: %w", err)
	}
	return broker.Op{Kind: broker.OpSet, Key: key, Value: value, TTL: ttl}, nil
}

func addOp(key string, record any, ttl time.Duration) (broker.Op, error) {
	op, err := setOp(key, record, ttl)
	op.Kind = broker.OpAdd
	return op, err
}
