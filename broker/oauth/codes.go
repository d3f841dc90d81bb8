package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/session"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	// codeLifetime is how long an authorization code waits for its client (RFC 6749 section 4.1.2 allows ten minutes).
	codeLifetime = 60 * time.Second
	// codeMemory is how long a used code is known as such.
	codeMemory = 10 * time.Minute
)

// codeRecord is an approved request that waits for its client.
type codeRecord struct {
	Login       string    `json:"l"` // ID of the session that approved
	RedirectURI string    `json:"r"`
	Challenge   string    `json:"c"`
	Expires     time.Time `json:"e"`
}

// codeKey covers code and client: another client cannot even spend the code.
func codeKey(code secret.Text, c *client) string {
	return "oauth-code:" + digest(code.Reveal(), c.hash)
}

func spentKey(code secret.Text, c *client) string {
	return "oauth-spent:" + digest(code.Reveal(), c.hash)
}

// approve makes a code for a request.
func (t *Tokens) approve(ctx context.Context, login session.Session, c *client, redirect, challenge string) (secret.Text, error) {
	code, err := authCode.mint(t.rand)
	if err != nil {
		return secret.Text{}, err
	}
	record := codeRecord{Login: login.ID, RedirectURI: redirect, Challenge: challenge, Expires: t.clock().Add(codeLifetime)}
	add, err := addOp(codeKey(code, c), record, codeLifetime)
	if err != nil {
		return secret.Text{}, err
	}
	_, err = t.store.Do(ctx, add)
	return code, err
}

// errSpent says that a code was used before; the family that it began is over.
var errSpent = errors.New("the code was used before")

// take spends a code, whatever comes of the request then. What is not there is session.ErrNone, or errSpent where the
// code is known to have been used: whoever used it first may have stolen it (RFC 6749 section 10.5).
func (t *Tokens) take(ctx context.Context, code secret.Text, c *client) (codeRecord, error) {
	if !authCode.wellFormed(code) {
		return codeRecord{}, session.ErrNone
	}
	results, err := t.store.Do(ctx,
		broker.Op{Kind: broker.OpTake, Key: codeKey(code, c)},
		broker.Op{Kind: broker.OpGet, Key: spentKey(code, c)})
	if err != nil {
		return codeRecord{}, err
	}
	var record codeRecord
	found, err := decode(results[0], &record)
	switch {
	case err != nil:
		return codeRecord{}, err
	case found && t.clock().Before(record.Expires):
		return record, nil
	case !results[1].Found:
		return codeRecord{}, session.ErrNone
	}
	if err := t.sessions.EndID(ctx, string(results[1].Value)); err != nil {
		return codeRecord{}, err
	}
	return codeRecord{}, errSpent
}

// spend remembers which family a code began.
func (t *Tokens) spend(ctx context.Context, code secret.Text, c *client, family session.Session) error {
	_, err := t.store.Do(ctx, broker.Op{Kind: broker.OpSet, Key: spentKey(code, c), Value: []byte(family.ID), TTL: codeMemory})
	return err
}
