package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// DefaultMaxStrangers is how many different counts one minute may have.
const DefaultMaxStrangers = 4096

// otherAddresses stands for the addresses of a minute that has too many of them.
const otherAddresses = "(other addresses)"

// StrangersOptions says who writes the counts down. Auditor, Clock and Rand are required.
type StrangersOptions struct {
	Auditor broker.Auditor
	Clock   func() time.Time
	Rand    io.Reader
	// Max is how many different counts one minute may have; zero means the default. Beyond it addresses are no
	// longer told apart.
	Max int
}

// Strangers counts refusals of people and machines that proved nothing, per address, door, action, outcome and reason
// in each minute, so that anybody's noise costs few records a minute and a bounded amount of memory (invariant 10 of
// design.md section 9). Safe for concurrent use.
type Strangers struct {
	auditor broker.Auditor
	clock   func() time.Time
	rand    io.Reader
	max     int

	mu     sync.Mutex
	minute time.Time
	counts map[stranger]int
}

var _ broker.Auditor = (*Strangers)(nil)

type stranger struct{ remote, door, action, outcome, reason string }

// NewStrangers makes a counter with nothing counted.
func NewStrangers(o StrangersOptions) (*Strangers, error) {
	if o.Auditor == nil || o.Clock == nil || o.Rand == nil {
		return nil, errors.New("strangers: Auditor, Clock and Rand are required")
	}
	s := &Strangers{auditor: o.Auditor, clock: o.Clock, rand: o.Rand, max: o.Max, counts: map[stranger]int{}}
	if s.max <= 0 {
		s.max = DefaultMaxStrangers
	}
	return s, nil
}

// Record counts one refusal by its Remote, Door, Action, Outcome and Reason, which is out of a fixed set; nothing else
// of the event is kept, for nothing else of it is verified. When a minute is over, the next call writes its counts. An
// error means that those could not be written; the refusal itself is counted, the counts are kept, and refusing goes on.
func (s *Strangers) Record(ctx context.Context, e broker.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock().Truncate(time.Minute)
	var err error
	if !now.Equal(s.minute) {
		err = s.flush(ctx)
		if len(s.counts) == 0 {
			s.minute = now
		}
	}
	s.count(stranger{remote: cut(e.Remote, 64), door: cut(e.Door, 64), action: cut(e.Action, 64), outcome: cut(e.Outcome, 64), reason: cut(e.Reason, 96)})
	return err
}

// Flush writes what is counted: call it once a minute, and at the end.
func (s *Strangers) Flush(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flush(ctx)
}

func (s *Strangers) count(who stranger) {
	if _, known := s.counts[who]; !known && len(s.counts) >= s.max {
		who = stranger{remote: otherAddresses, door: "any", action: "any", outcome: "refused"}
	}
	s.counts[who]++
}

// flush writes one event for each count and forgets those that are written.
func (s *Strangers) flush(ctx context.Context) error {
	for _, who := range s.sorted() {
		id := make([]byte, 16)
		if _, err := io.ReadFull(s.rand, id); err != nil {
			return fmt.Errorf("read randomness: %w", err)
		}
		err := s.auditor.Record(ctx, broker.Event{
			ID: hex.EncodeToString(id), Time: s.minute, Remote: who.remote,
			Door: who.door, Action: who.action, Outcome: who.outcome, Reason: who.reason, Count: s.counts[who],
		})
		if err != nil {
			return fmt.Errorf("write counts of strangers: %w", err)
		}
		delete(s.counts, who)
	}
	return nil
}

func (s *Strangers) sorted() []stranger {
	all := make([]stranger, 0, len(s.counts))
	for who := range s.counts {
		all = append(all, who)
	}
	slices.SortFunc(all, func(a, b stranger) int {
		return strings.Compare(a.remote+a.door+a.action+a.outcome+a.reason, b.remote+b.door+b.action+b.outcome+b.reason)
	})
	return all
}
