package session

import (
	"context"
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
// between the two, another login may have taken the slot for one of a session that is gone. Whoever takes a slot over
// writes it first and then ends the session that was in it. So either the second reading sees the other's ID, or the
// session is stored early enough to be ended by the other. What is lost is at worst a login, which tries again.

// person names an identity in the index: (provider, issuer, subject) and nothing else (design.md section 8).
func person(provider, issuer, subject string) string {
	return broker.Digest("person", provider, issuer, subject)
}

func personOf(id *idp.Identity) string { return person(id.Provider, id.Issuer, id.Subject) }

func slotKey(person string, slot int) string { return fmt.Sprintf("session-slot:%s:%d", person, slot) }

func claimKey(person string, slot int, id string) string {
	return fmt.Sprintf("session-claim:%s:%d:%s", person, slot, id)
}

// upstreamKey leads from a provider's own session to the person whose it is.
func upstreamKey(provider, issuer, sessionID string) string {
	return "session-upstream:" + broker.Digest("upstream", provider, issuer, sessionID)
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

// enter puts a session that is about to be stored into one of its person's slots, and says which.
func (s *Sessions) enter(ctx context.Context, session Session) (slot string, err error) {
	who := personOf(&session.Identity)
	ids, err := s.slots(ctx, who)
	if err != nil {
		return "", err
	}
	for i, id := range ids {
		if id != "" {
			continue
		}
		add := slotOp(broker.OpAdd, slotKey(who, i), session)
		taken, err := s.store.Do(ctx, add)
		if err != nil {
			return "", err
		}
		if !taken[0].Found {
			return add.Key, nil
		}
	}
	return s.replace(ctx, who, session)
}

// slotOp writes a session into a slot, for as long as it may live.
func slotOp(kind broker.OpKind, slot string, session Session) broker.Op {
	return broker.Op{Kind: kind, Key: slot, Value: []byte(session.ID), TTL: session.Expires.Sub(session.LastUsed)}
}

// replace gives the slot of a session that is over, or else of the one that was used least lately, to another session.
func (s *Sessions) replace(ctx context.Context, who string, session Session) (slot string, err error) {
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
	for _, i := range order {
		won, err := s.claim(ctx, who, i, ids[i])
		if err != nil {
			return "", err
		}
		if won {
			_, err := s.takeOver(ctx, slotKey(who, i), ids[i], session)
			return slotKey(who, i), err
		}
	}
	return "", errNoSlot
}

// claimTime is longer than any request may have looked at a slot.
const claimTime = 10 * time.Minute

// claim asks to be the one who takes a slot over from the session in it.
func (s *Sessions) claim(ctx context.Context, who string, slot int, old string) (bool, error) {
	found, err := s.store.Do(ctx, broker.Op{Kind: broker.OpAdd, Key: claimKey(who, slot, old), Value: []byte{1}, TTL: claimTime})
	if err != nil {
		return false, err
	}
	return !found[0].Found, nil
}

// claimOwn claims the slot that a session is in, for what follows it. It fails with ErrNone when somebody else takes
// that slot over.
func (s *Sessions) claimOwn(ctx context.Context, session Session) (slot string, err error) {
	who := personOf(&session.Identity)
	ids, err := s.slots(ctx, who)
	if err != nil {
		return "", err
	}
	i := slices.Index(ids, session.ID)
	if i < 0 {
		return "", ErrNone
	}
	won, err := s.claim(ctx, who, i, session.ID)
	if err == nil && !won {
		err = ErrNone
	}
	return slotKey(who, i), err
}

// takeOver writes next into a slot that was claimed of old, and ends old; ended says whether old was in force. What is
// in first happens before, in the same batch. When old's time has run out since the claim, somebody new may be in the
// slot: they lose it.
func (s *Sessions) takeOver(ctx context.Context, slot, old string, next Session, first ...broker.Op) (ended bool, err error) {
	ops := append(slices.Clone(first), broker.Op{Kind: broker.OpGet, Key: slot}, slotOp(broker.OpSet, slot, next))
	done, err := s.store.Do(ctx, append(ops, endOps(old)...)...)
	if err != nil { // the slot may be written and old still in force
		return false, errors.Join(err, s.EndID(context.WithoutCancel(ctx), old))
	}
	there, ended := string(done[len(first)].Value), done[len(ops)].Found
	if there != "" && there != old {
		err = s.EndID(ctx, there)
	}
	return ended, err
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
