package session

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// MaxSessions is how many login sessions one person has at most, command lines included. The next login ends the one
// that was used least lately.
const MaxSessions = 32

// The index. Each person has MaxSessions slots in the store; a slot holds a session's ID and is as old as that session
// may grow. Ending a session leaves its slot as it is: the slot of a session that is gone is free, and a claim, which one
// caller wins, settles who writes it anew.
//
// No session is in force that is in no slot. A slot is taken before its session is stored, and read once more after it:
// between the two, another login may have taken the slot for one of a session that is gone. Whoever takes a slot writes
// it first and then ends the session that was in it. So either the second reading sees the other's ID, or the session is
// stored early enough to be ended by the other.

// person names an identity in the index: (provider, issuer, subject) and nothing else (design.md section 8).
func person(provider, issuer, subject string) string {
	return digest("person", provider, issuer, subject)
}

func personOf(id *idp.Identity) string { return person(id.Provider, id.Issuer, id.Subject) }

func slotKey(person string, slot int) string { return fmt.Sprintf("session-slot:%s:%d", person, slot) }

func claimKey(person string, slot int, id string) string {
	return fmt.Sprintf("session-claim:%s:%d:%s", person, slot, id)
}

// upstreamKey leads from a provider's own session to the person whose it is.
func upstreamKey(provider, issuer, sessionID string) string {
	return "session-upstream:" + digest("upstream", provider, issuer, sessionID)
}

// digest is a name of texts, each with its length before it.
func digest(purpose string, texts ...string) string {
	h := sha256.New()
	var length [8]byte
	for _, s := range append([]string{"fedbroker " + purpose}, texts...) {
		binary.BigEndian.PutUint64(length[:], uint64(len(s)))
		h.Write(length[:])
		h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// slots reads whose IDs are in a person's slots; an empty text is a slot that was never taken, or whose time is over.
func (s *Sessions) slots(ctx context.Context, person string) ([]string, error) {
	ops := make([]broker.Op, MaxSessions)
	for i := range ops {
		ops[i] = broker.Op{Kind: broker.OpGet, Key: slotKey(person, i)}
	}
	found, err := s.store.Do(ctx, ops...)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(found))
	for i, f := range found {
		ids[i] = string(f.Value)
	}
	return ids, nil
}

// errNoSlot says that others took every slot that was free; a login that meets that many others at once may try again.
var errNoSlot = errors.New("too many logins of one person at once")

// enter puts a session into one of its person's slots, and says which.
func (s *Sessions) enter(ctx context.Context, session Session, ttl time.Duration) (slot string, err error) {
	who := personOf(&session.Identity)
	ids, err := s.slots(ctx, who)
	if err != nil {
		return "", err
	}
	for i, id := range ids {
		if id != "" {
			continue
		}
		taken, err := s.store.Do(ctx, broker.Op{Kind: broker.OpAdd, Key: slotKey(who, i), Value: []byte(session.ID), TTL: ttl})
		if err != nil {
			return "", err
		}
		if !taken[0].Found {
			return slotKey(who, i), nil
		}
	}
	return s.replace(ctx, who, session.ID, ttl)
}

// replace gives the slot of a session that is over, or else of the one that was used least lately, to another session.
func (s *Sessions) replace(ctx context.Context, who, id string, ttl time.Duration) (slot string, err error) {
	ids, err := s.slots(ctx, who)
	if err != nil {
		return "", err
	}
	live, err := s.load(ctx, ids)
	if err != nil {
		return "", err
	}
	order := make([]int, len(ids))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return live[ids[a]].LastUsed.Compare(live[ids[b]].LastUsed) })
	for _, slot := range order {
		won, err := s.claim(ctx, who, slot, ids[slot])
		if err != nil {
			return "", err
		}
		if won {
			set := broker.Op{Kind: broker.OpSet, Key: slotKey(who, slot), Value: []byte(id), TTL: ttl}
			_, err := s.store.Do(ctx, append([]broker.Op{set}, endOps(ids[slot])...)...)
			return set.Key, err
		}
	}
	return "", errNoSlot
}

// claimTime is longer than any request may have looked at a slot.
const claimTime = 10 * time.Minute

func (s *Sessions) claim(ctx context.Context, who string, slot int, old string) (bool, error) {
	found, err := s.store.Do(ctx, broker.Op{Kind: broker.OpAdd, Key: claimKey(who, slot, old), Value: []byte{1}, TTL: claimTime})
	if err != nil {
		return false, err
	}
	return !found[0].Found, nil
}

// load reads the sessions of ids in one batch; the ones that are over are left out.
func (s *Sessions) load(ctx context.Context, ids []string) (map[string]Session, error) {
	var ops []broker.Op
	for _, id := range ids {
		ops = append(ops, getOps(id)...)
	}
	found, err := s.store.Do(ctx, ops...)
	if err != nil {
		return nil, err
	}
	now, live := s.clock(), map[string]Session{}
	for i, id := range ids {
		session, err := s.decode(id, found[2*i], found[2*i+1], now)
		switch {
		case errors.Is(err, ErrNone):
		case err != nil:
			return nil, err
		default:
			live[id] = session
		}
	}
	return live, nil
}

// List returns the live sessions of the person whose session of is, the latest login first.
func (s *Sessions) List(ctx context.Context, of Session) ([]Session, error) {
	return s.list(ctx, personOf(&of.Identity))
}

func (s *Sessions) list(ctx context.Context, who string) ([]Session, error) {
	ids, err := s.slots(ctx, who)
	if err != nil {
		return nil, err
	}
	live, err := s.load(ctx, slices.DeleteFunc(ids, func(id string) bool { return id == "" }))
	if err != nil {
		return nil, err
	}
	out := make([]Session, 0, len(live))
	for _, session := range live {
		if personOf(&session.Identity) == who {
			out = append(out, session)
		}
	}
	slices.SortFunc(out, func(a, b Session) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return slices.Compare([]byte(a.ID), []byte(b.ID))
	})
	return out, nil
}

// EndOwn ends one session of the person whose session of is. It fails with ErrNone when they have no such session.
func (s *Sessions) EndOwn(ctx context.Context, of Session, id string) error {
	own, err := s.List(ctx, of)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(own, func(o Session) bool { return o.ID == id }) {
		return ErrNone
	}
	return s.EndID(ctx, id)
}

// EndOthers ends every session of the person but of itself, and says which. A login that is under way at the same time
// counts as one that came afterwards.
func (s *Sessions) EndOthers(ctx context.Context, of Session) ([]Session, error) {
	own, err := s.List(ctx, of)
	if err != nil {
		return nil, err
	}
	return s.endAll(ctx, slices.DeleteFunc(own, func(o Session) bool { return o.ID == of.ID }))
}

// Upstream is what an identity provider asks to be ended: its own session, all sessions of a subject, or what is both.
type Upstream struct {
	Provider, Issuer string
	// Subject and SessionID: at least one of them.
	Subject, SessionID string
}

// EndUpstream ends the sessions that came from a provider's session or person, and says which. Where the provider names
// both, both must fit; a session of the person of which the provider did not say where it came from ends with any.
func (s *Sessions) EndUpstream(ctx context.Context, u Upstream) ([]Session, error) {
	who := person(u.Provider, u.Issuer, u.Subject)
	if u.Subject == "" {
		if u.SessionID == "" {
			return nil, nil
		}
		found, err := s.store.Do(ctx, broker.Op{Kind: broker.OpGet, Key: upstreamKey(u.Provider, u.Issuer, u.SessionID)})
		if err != nil {
			return nil, err
		}
		if !found[0].Found {
			return nil, nil
		}
		who = string(found[0].Value)
	}
	own, err := s.list(ctx, who)
	if err != nil {
		return nil, err
	}
	return s.endAll(ctx, slices.DeleteFunc(own, func(o Session) bool {
		from := o.Identity.SessionID
		return u.SessionID != "" && from != u.SessionID && (from != "" || u.Subject == "")
	}))
}

func (s *Sessions) endAll(ctx context.Context, sessions []Session) ([]Session, error) {
	var ops []broker.Op
	for _, session := range sessions {
		ops = append(ops, endOps(session.ID)...)
	}
	if len(ops) == 0 {
		return nil, nil
	}
	_, err := s.store.Do(ctx, ops...)
	return sessions, err
}
