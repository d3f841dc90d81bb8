package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/idp"
)

// Bounds of a shelf. It is kept for as long after it was last written as somebody may stay away.
const (
	maxFavourites = 50
	maxRecents    = 5
	shelfLifetime = 180 * 24 * time.Hour
	// shelfWait is how long a page waits for what it can do without.
	shelfWait = time.Second
)

// shelf is what one person keeps within reach, by the names of roles. It is a convenience: nothing is decided or issued
// by it, and names that are not granted (any more) are not shown.
type shelf struct {
	Favourites []string `json:"favourites,omitempty"` // in the order of starring
	Recents    []string `json:"recents,omitempty"`    // the latest first
}

// star adds a role to the favourites or takes it away. It reports whether there was room.
func (s *shelf) star(role string, on bool) bool {
	s.Favourites = slices.DeleteFunc(s.Favourites, func(name string) bool { return name == role })
	if !on {
		return true
	}
	if len(s.Favourites) >= maxFavourites {
		return false
	}
	s.Favourites = append(s.Favourites, role)
	return true
}

// used puts a role first among the recent ones. It reports whether anything changed.
func (s *shelf) used(role string) bool {
	if len(s.Recents) > 0 && s.Recents[0] == role {
		return false
	}
	others := slices.DeleteFunc(s.Recents, func(name string) bool { return name == role })
	s.Recents = append([]string{role}, others[:min(len(others), maxRecents-1)]...)
	return true
}

// shelves keeps them, across the person's browsers. Two that write at once overwrite each other: the last one wins.
type shelves struct{ store broker.Store }

func (s shelves) get(ctx context.Context, id *idp.Identity) (shelf, error) {
	var out shelf
	found, err := s.store.Do(ctx, broker.Op{Kind: broker.OpGet, Key: shelfKey(id)})
	if err != nil || !found[0].Found {
		return out, err
	}
	if err := json.Unmarshal(found[0].Value, &out); err != nil {
		return shelf{}, fmt.Errorf("read a shelf: %w", err)
	}
	return out, nil
}

func (s shelves) put(ctx context.Context, id *idp.Identity, kept shelf) error {
	value, err := json.Marshal(kept)
	if err != nil {
		return err
	}
	_, err = s.store.Do(ctx, broker.Op{Kind: broker.OpSet, Key: shelfKey(id), Value: value, TTL: shelfLifetime})
	return err
}

func shelfKey(id *idp.Identity) string {
	return "shelf:" + broker.Digest("shelf", id.Provider, id.Issuer, id.Subject)
}

// shelfOf reads a person's shelf for a page that can do without it: what goes wrong is logged, and the shelf is empty.
func (p *Portal) shelfOf(ctx context.Context, v *broker.Visit) shelf {
	ctx, cancel := context.WithTimeout(ctx, shelfWait)
	defer cancel()
	kept, err := p.shelves.get(ctx, v.Identity())
	if err != nil {
		p.Logger.Warn("favourites cannot be read", "request_id", v.ID(), "error", err)
	}
	return kept
}

// noteUse remembers that a person used a role. The role was issued whether or not that succeeds.
func (p *Portal) noteUse(ctx context.Context, v *broker.Visit, role string) {
	ctx, cancel := context.WithTimeout(ctx, shelfWait)
	defer cancel()
	kept, err := p.shelves.get(ctx, v.Identity())
	if err == nil && kept.used(role) {
		err = p.shelves.put(ctx, v.Identity(), kept)
	}
	if err != nil {
		p.Logger.Warn("the use of a role cannot be remembered", "request_id", v.ID(), "error", err)
	}
}
