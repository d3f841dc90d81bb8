package session

import (
	"context"
	"slices"

	"github.com/fedbroker/fedbroker/broker"
)

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

// EndOwn ends one session of the person whose session of is. It fails with ErrNone when they have no such session; ended
// is its ID where they have, also when the store fails.
func (s *Sessions) EndOwn(ctx context.Context, of Session, id string) (ended []string, err error) {
	own, err := s.List(ctx, of)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(own, func(o Session) bool { return o.ID == id }) {
		return nil, ErrNone
	}
	return []string{id}, s.EndID(ctx, id)
}

// EndOthers ends every session of the person but of itself, and returns their IDs, also when the store fails. What
// follows from a session that it ends, by Rotate or Derive at the same time, ends too; another login at the same time
// counts as one that came afterwards.
func (s *Sessions) EndOthers(ctx context.Context, of Session) (ended []string, err error) {
	return s.endWhere(ctx, personOf(&of.Identity), func(o *Session) bool { return o.ID != of.ID })
}

// Upstream is what an identity provider asks to be ended: its own session, all sessions of a subject, or what is both.
type Upstream struct {
	Provider, Issuer string
	// Subject and SessionID: at least one of them. A SessionID without a Subject is for providers whose ids name one
	// session among all people's, as an OpenID provider's sid does (OpenID Connect Back-Channel Logout 1.0, section 2.1);
	// a SAML SessionIndex may be used for several people (SAML 2.0 core, section 2.7.2), and SAML always names the subject.
	Subject, SessionID string
}

// EndUpstream ends the sessions that came from a provider's session or person, as EndOthers does. Where the provider
// names both, both must fit; a session of the person of which the provider did not say where it came from ends with any.
func (s *Sessions) EndUpstream(ctx context.Context, u Upstream) (ended []string, err error) {
	who, err := s.person(ctx, u)
	if err != nil || who == "" {
		return nil, err
	}
	return s.endWhere(ctx, who, func(o *Session) bool {
		from := o.Identity.SessionID
		return u.SessionID == "" || from == u.SessionID || from == "" && u.Subject != ""
	})
}

// person finds whom a provider means; empty when it is nobody who is known.
func (s *Sessions) person(ctx context.Context, u Upstream) (string, error) {
	switch {
	case u.Subject != "":
		return person(u.Provider, u.Issuer, u.Subject), nil
	case u.SessionID == "":
		return "", nil
	}
	found, err := s.store.Do(ctx, broker.Op{Kind: broker.OpGet, Key: upstreamKey(u.Provider, u.Issuer, u.SessionID)})
	if err != nil {
		return "", err
	}
	return string(found[0].Value), nil
}

// rounds is how often endWhere looks, at most: who signs in again and again meanwhile comes afterwards.
const rounds = 8

// endWhere ends the sessions of a person that fit. It looks again until nothing is left, and twice at least: what was to
// be ended may have turned into another session after the first look (Rotate stores that one first) or got a child
// (Derive stores it first, and ends it when its parent is gone by then).
func (s *Sessions) endWhere(ctx context.Context, who string, fits func(*Session) bool) (ended []string, err error) {
	for round := range rounds {
		own, err := s.list(ctx, who)
		if err != nil {
			return ended, err
		}
		var ops []broker.Op
		for i := range own {
			if fits(&own[i]) {
				ended, ops = append(ended, own[i].ID), append(ops, endOps(own[i].ID)...)
			}
		}
		switch {
		case len(ops) > 0:
			if _, err := s.store.Do(ctx, ops...); err != nil {
				return ended, err
			}
		case round > 0:
			return ended, nil
		}
	}
	return ended, nil
}
