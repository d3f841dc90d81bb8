package session

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// LoginLifetime is how long a person has to come back from the provider (invariant 8 of design.md section 9).
const LoginLifetime = 10 * time.Minute

// Pending is a login that was begun and has not come back.
type Pending struct {
	// Provider is the id of the identity provider that was asked; an answer from another one is refused.
	Provider string `json:"provider"`
	// State is what the provider needs to recognise the answer to its own request.
	State idp.State `json:"state,omitempty"`
	// ReturnTo is the path to go on to, already checked to be ours.
	ReturnTo string `json:"return_to,omitempty"`
	// Require is what the login must satisfy, where a rule asked for more.
	Require broker.Require `json:"require,omitzero"`
	// Begun is when Keep was called.
	Begun time.Time `json:"begun"`
}

// Ticket names one attempt to log in. Handle may travel (RelayState, state, cookie name: 22 characters of base64url);
// Secret goes into the browser's cookie and nowhere else.
type Ticket struct {
	Handle string
	Secret secret.Text
}

// LoginOptions says where pending logins are kept. All members are required.
type LoginOptions struct {
	Store broker.Store
	Clock func() time.Time
	Rand  io.Reader
}

// Logins keeps pending logins. Safe for concurrent use.
type Logins struct {
	store broker.Store
	clock func() time.Time
	rand  io.Reader
}

// NewLogins makes a keeper of pending logins.
func NewLogins(o LoginOptions) (*Logins, error) {
	if o.Store == nil || o.Clock == nil || o.Rand == nil {
		return nil, errors.New("logins: Store, Clock and Rand are required")
	}
	return &Logins{store: o.Store, clock: o.Clock, rand: o.Rand}, nil
}

// Ticket makes a new one and stores nothing: the provider needs the handle before there is anything to keep. Begin
// the provider's login with it, then Keep.
func (l *Logins) Ticket() (Ticket, error) {
	handle, err := random(l.rand, handleBytes)
	if err != nil {
		return Ticket{}, err
	}
	value, err := random(l.rand, secretBytes)
	if err != nil {
		return Ticket{}, err
	}
	return Ticket{Handle: handle, Secret: secret.New(value)}, nil
}

// Keep stores a pending login for ten minutes; p.Begun is set.
func (l *Logins) Keep(ctx context.Context, t Ticket, p Pending) error {
	if !t.wellFormed() {
		return errors.New("keep login: not a ticket of ours")
	}
	p.Begun = l.clock()
	blob, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("encode pending login: %w", err)
	}
	found, err := l.store.Do(ctx, broker.Op{Kind: broker.OpAdd, Key: t.key(), Value: blob, TTL: LoginLifetime})
	if err != nil {
		return err
	}
	if found[0].Found {
		return errors.New("keep login: the ticket is in use")
	}
	return nil
}

// Take returns the pending login of this handle and this browser, once. It fails with ErrNone when there is none,
// when it was taken, when ten minutes are over, and when the cookie is another's; only a right cookie spends it.
func (l *Logins) Take(ctx context.Context, t Ticket) (Pending, error) {
	if !t.wellFormed() {
		return Pending{}, ErrNone
	}
	taken, err := l.store.Do(ctx, broker.Op{Kind: broker.OpTake, Key: t.key()})
	if err != nil {
		return Pending{}, err
	}
	if !taken[0].Found {
		return Pending{}, ErrNone
	}
	var p Pending
	if err := json.Unmarshal(taken[0].Value, &p); err != nil {
		return Pending{}, fmt.Errorf("decode pending login: %w", err)
	}
	if l.clock().Sub(p.Begun) >= LoginLifetime {
		return Pending{}, ErrNone
	}
	return p, nil
}

func (t Ticket) wellFormed() bool {
	return wellFormed(t.Handle, handleBytes) && wellFormed(t.Secret.Reveal(), secretBytes)
}

// key covers handle and cookie: who knows only the handle, which is in URLs, cannot even spend the login.
func (t Ticket) key() string {
	sum := sha256.Sum256([]byte("fedbroker login\x00" + t.Handle + "\x00" + t.Secret.Reveal()))
	return "login:" + hex.EncodeToString(sum[:])
}
