package session

import (
	"crypto/sha256"
	"sync"
	"time"
)

// Ticket is what a sign-in token or a console cookie stands for.
type Ticket struct {
	Session *Session
	Expires time.Time
	// ConsoleFor is how long the console session lasts that a sign-in token opens; zero means as long as the
	// credentials.
	ConsoleFor time.Duration
	// Issuer is the address of the sign-in page that sent a console session here; empty when unknown.
	Issuer string
}

// Tickets holds tickets by the hash of an opaque token. It is safe for concurrent use.
type Tickets struct {
	mu      sync.Mutex
	limit   int
	entries map[[sha256.Size]byte]Ticket
}

// NewTickets returns a holder of at most limit tickets.
func NewTickets(limit int) *Tickets {
	return &Tickets{limit: limit, entries: map[[sha256.Size]byte]Ticket{}}
}

// Put stores a ticket under a token.
func (t *Tickets) Put(token string, ticket Ticket, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.entries) >= t.limit {
		for key, held := range t.entries {
			if !now.Before(held.Expires) {
				delete(t.entries, key)
			}
		}
	}
	if len(t.entries) >= t.limit {
		return ErrFull
	}
	t.entries[sha256.Sum256([]byte(token))] = ticket
	return nil
}

// Get returns the live ticket of a token.
func (t *Tickets) Get(token string, now time.Time) (Ticket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	ticket, ok := t.entries[sha256.Sum256([]byte(token))]
	if !ok || !now.Before(ticket.Expires) {
		return Ticket{}, false
	}
	return ticket, true
}

// Delete forgets a token.
func (t *Tickets) Delete(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.entries, sha256.Sum256([]byte(token)))
}
