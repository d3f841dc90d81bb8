package session

import "context"

// Derive begins another session out of the login that from stands for: a command line's beside the browser's. It has
// an idle time of its own and ends no later than from does. Nobody gets its token: it is found by its ID.
func (s *Sessions) Derive(ctx context.Context, from Session, at Origin) (Session, error) {
	now := s.clock()
	_, derived, err := s.put(ctx, Session{Identity: from.Identity, Created: now, Expires: from.Expires, Origin: at.bounded()}, now)
	return derived, err
}
