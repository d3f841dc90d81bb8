package oauth

import (
	"context"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// refreshRecord is what the store knows of a refresh token, by its hash.
type refreshRecord struct {
	Family string `json:"f"`
	Client string `json:"c"`
}

// successor is the token that follows a refresh token. It is added once, so that of any number of callers with one
// token all learn of the same. It holds a token: the store seals it, and it is looked up by the hash of the one before.
type successor struct {
	Token string    `json:"t"`
	At    time.Time `json:"a"`
}

func refreshKey(token secret.Text) string   { return "oauth-refresh:" + digest(token.Reveal()) }
func successorKey(token secret.Text) string { return "oauth-successor:" + digest(token.Reveal()) }

// family finds the session that a refresh token of this client belongs to. What is not found is session.ErrNone.
func (t *Tokens) family(ctx context.Context, token secret.Text, c *client) (session.Session, error) {
	if !refreshToken.wellFormed(token) {
		return session.Session{}, session.ErrNone
	}
	var record refreshRecord
	found, err := t.get(ctx, refreshKey(token), &record)
	switch {
	case err != nil:
		return session.Session{}, err
	case !found || record.Client != c.hash:
		return session.Session{}, session.ErrNone
	}
	return t.sessions.Find(ctx, record.Family)
}

// refresh rotates: the token of a living family becomes its successor and a new access token. stale says that the token
// is too old to have been held by an honest client; the family is over then.
func (t *Tokens) refresh(ctx context.Context, token secret.Text, family session.Session, c *client) (out issued, stale bool, err error) {
	next, stale, err := t.succeed(ctx, token, family, c)
	switch {
	case err != nil:
		return issued{}, false, err
	case stale:
		return issued{}, true, t.sessions.EndID(ctx, family.ID)
	}
	out, err = t.issue(ctx, family, next)
	return out, false, err
}

// succeed finds or makes the successor of a token. The new token is stored before it becomes the successor: whoever
// learns of it can use it.
func (t *Tokens) succeed(ctx context.Context, token secret.Text, family session.Session, c *client) (next secret.Text, stale bool, err error) {
	fresh, err := refreshToken.mint(t.rand)
	if err != nil {
		return secret.Text{}, false, err
	}
	now := t.clock()
	set, err := t.refreshOp(fresh, family, c)
	if err != nil {
		return secret.Text{}, false, err
	}
	add, err := addOp(successorKey(token), successor{Token: fresh.Reveal(), At: now}, set.TTL)
	if err != nil {
		return secret.Text{}, false, err
	}
	results, err := t.store.Do(ctx, set, add)
	if err != nil {
		return secret.Text{}, false, err
	}
	var before successor
	if found, err := decode(results[1], &before); err != nil || !found {
		return fresh, false, err
	}
	next = secret.New(before.Token)
	stale, err = t.stale(ctx, before, next, fresh, now)
	return next, stale, err
}

// stale reports whether a token that has a successor is more than the one before: its time is over, or the successor
// has been used itself. The token that was not needed is forgotten.
func (t *Tokens) stale(ctx context.Context, before successor, next, unused secret.Text, now time.Time) (bool, error) {
	results, err := t.store.Do(ctx,
		broker.Op{Kind: broker.OpDelete, Key: refreshKey(unused)},
		broker.Op{Kind: broker.OpGet, Key: successorKey(next)})
	if err != nil {
		return false, err
	}
	return now.Sub(before.At) >= refreshGrace || results[1].Found, nil
}

// refreshOp stores a refresh token for as long as its family can live.
func (t *Tokens) refreshOp(token secret.Text, family session.Session, c *client) (broker.Op, error) {
	return setOp(refreshKey(token), refreshRecord{Family: family.ID, Client: c.hash}, family.Expires.Sub(t.clock()))
}
