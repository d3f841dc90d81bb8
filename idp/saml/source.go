package saml

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/fedbroker/fedbroker/idp"
)

// coolDown is the least time between two fetches that logins cause.
const coolDown = 10 * time.Second

// source holds the IdP's metadata: given once, or fetched and refreshed.
type source struct {
	opt    *Options
	now    atomic.Pointer[idpMetadata]
	flight singleflight.Group

	mu      sync.Mutex // guards what follows
	due     time.Time  // of the next periodic refresh
	tried   time.Time  // when the last fetch began
	lastErr error
}

func newSource(opt *Options) (*source, error) {
	s := &source{opt: opt}
	if len(opt.Metadata) == 0 {
		return s, nil
	}
	md, err := s.parse(opt.Metadata)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	s.now.Store(md)
	return s, nil
}

func (s *source) entityID() string {
	if md := s.now.Load(); md != nil {
		return md.entityID
	}
	return s.opt.IDPEntityID
}

// current returns metadata that is valid now. Without any, or past validUntil, it fetches, at most once in coolDown.
func (s *source) current(ctx context.Context) (*idpMetadata, error) {
	if md := s.now.Load(); md != nil && md.validAt(s.opt.Clock()) {
		return md, nil
	}
	err := s.refreshAfter(ctx, coolDown)
	if md := s.now.Load(); md != nil && md.validAt(s.opt.Clock()) {
		return md, nil
	}
	return nil, idp.Refuse(idp.KindUnavailable, "the identity provider's metadata is not available", err)
}

func (s *source) refreshAfter(ctx context.Context, wait time.Duration) error {
	if s.opt.MetadataURL == "" {
		return errors.New("the static metadata is past its validUntil")
	}
	s.mu.Lock()
	early, err := s.opt.Clock().Before(s.tried.Add(wait)), s.lastErr
	s.mu.Unlock()
	if early && err != nil {
		return err
	}
	return s.refresh(ctx)
}

// refresh fetches and, when the document is good, puts it in force. Concurrent calls share one fetch, which outlives
// the caller that happened to start it.
func (s *source) refresh(ctx context.Context) error {
	if s.opt.MetadataURL == "" {
		return nil
	}
	_, err, _ := s.flight.Do("", func() (any, error) {
		return nil, s.fetch(context.WithoutCancel(ctx))
	})
	return err
}

func (s *source) fetch(ctx context.Context) error {
	began := s.opt.Clock()
	doc, err := s.opt.Fetch(ctx, s.opt.MetadataURL)
	if err != nil {
		err = idp.Refuse(idp.KindUnavailable, "the identity provider's metadata cannot be fetched", err)
		return s.done(began, minRefresh, err)
	}
	md, err := s.parse(doc)
	if err != nil {
		return s.done(began, minRefresh, fmt.Errorf("metadata of %q: %w", s.opt.ID, err))
	}
	if old := s.now.Swap(md); old == nil || !old.sameKeys(md) {
		s.opt.Logger.Info("signing keys of the identity provider", "idp", s.opt.ID, "entity_id", md.entityID, "keys", len(md.keys))
	}
	return s.done(began, md.refreshIn(s.opt.Clock(), s.opt.RefreshInterval), nil)
}

func (s *source) done(began time.Time, next time.Duration, err error) error {
	if err != nil {
		words := "metadata not fetched; nobody can sign in with this identity provider"
		if md := s.now.Load(); md != nil && md.validAt(s.opt.Clock()) {
			words = "metadata not refreshed; what was good before stays in force"
		}
		s.opt.Logger.Warn(words, "idp", s.opt.ID, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried, s.lastErr = began, err
	s.due = s.opt.Clock().Add(next)
	return err
}

// parse reads a document and holds it to what must never change or be missing.
func (s *source) parse(doc []byte) (*idpMetadata, error) {
	md, err := parseMetadata(doc, metadataRules{
		entityID:  s.entityID(),
		allowHTTP: s.opt.AllowInsecureHTTP,
		ignored: func(err error) {
			s.opt.Logger.Warn("a part of the metadata is ignored", "idp", s.opt.ID, "error", err)
		},
	})
	if err != nil {
		return nil, err
	}
	if !md.validAt(s.opt.Clock()) {
		return nil, errors.New("the metadata is past its validUntil")
	}
	return md, nil
}

func (s *source) run(ctx context.Context) {
	if s.opt.MetadataURL == "" {
		return
	}
	for {
		s.mu.Lock()
		wait := s.due.Sub(s.opt.Clock())
		s.mu.Unlock()
		timer := time.NewTimer(max(wait, 0))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
			_ = s.refresh(ctx) // logged, and asked again when it is due
		}
	}
}
