package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// Options says where records go. Exactly one of Path and Writer is set; Clock is required.
type Options struct {
	// Path is a file, made with mode 0600 when it is not there. Its chain is continued.
	Path string
	// Writer takes records where there is no file, say standard output; a new chain begins. A writer that fails in
	// the middle of a record is not written to again.
	Writer io.Writer
	// Sync adds an fsync to each record of a file (see the package comment).
	Sync  bool
	Clock func() time.Time
}

// Log is a hash-chained record of events. Safe for concurrent use.
type Log struct {
	path   string
	sync   bool
	clock  func() time.Time
	writer io.Writer

	mu     sync.Mutex
	file   *os.File // nil where there is a writer, and after a failed Reopen
	head   Head
	torn   bool // the last write failed: find out what it left before the next one
	closed bool

	failed   error     // why the last write failed; nil when it did not
	failedAt time.Time // when writing began to fail
	repairAt time.Time // no repair is tried before
}

// repairEvery is the least time between two repairs: on a full disk every request would try one.
const repairEvery = time.Second

var _ broker.Auditor = (*Log)(nil)

// Open continues the chain of a file, or begins one. It fails when the last record does not verify, or when another
// process holds the file.
func Open(o Options) (*Log, error) {
	if o.Clock == nil {
		return nil, errors.New("audit log: Clock is required")
	}
	if (o.Path == "") == (o.Writer == nil) {
		return nil, errors.New("audit log: exactly one of Path and Writer is required")
	}
	l := &Log{path: o.Path, sync: o.Sync, clock: o.Clock, writer: o.Writer, head: Head{Hash: noHash}}
	if o.Writer != nil {
		return l, nil
	}
	if err := l.attach(); err != nil {
		return nil, err
	}
	return l, nil
}

// Record writes one event. When it returns an error the event is not on record and the caller must issue nothing.
func (l *Log) Record(_ context.Context, e broker.Event) error {
	event, err := fit(e)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.waiting() {
		return l.failed
	}
	if err := l.ready(); err != nil {
		return l.note(err)
	}
	return l.note(l.append(event))
}

// Healthy returns why the last record was not written, nil when it was. It repairs what failed when that is due, at most
// once a second, so that a node which is asked for nothing but its health comes back by itself.
func (l *Log) Healthy() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return os.ErrClosed
	case l.failed == nil || l.waiting():
		return l.failed
	}
	return l.note(l.ready())
}

// waiting reports whether it is too early for another repair.
func (l *Log) waiting() bool {
	return l.failed != nil && !l.closed && l.clock().Before(l.repairAt)
}

// note remembers what became of a write.
func (l *Log) note(err error) error {
	if err != nil && l.failed == nil {
		l.failedAt = l.clock()
	}
	l.failed = err
	return err
}

// Head returns the last record's place and hash; Seq is 0 before the first. Note it elsewhere to be able to prove
// later that nothing was cut off.
func (l *Log) Head() Head {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.head
}

// Reopen opens the path anew after logrotate has moved the file away: a fresh file continues the old one's chain.
// When it fails, Record fails until a later Reopen, Record or Healthy succeeds in opening the file.
func (l *Log) Reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.writer != nil {
		return nil
	}
	if err := l.detach(); err != nil {
		return l.note(err)
	}
	return l.note(l.attach())
}

// Close syncs and closes the file. Record fails afterwards.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	return l.detach()
}

// ready makes sure that the next write continues a sound chain.
func (l *Log) ready() error {
	switch {
	case l.closed:
		return fmt.Errorf("audit log: %w", os.ErrClosed)
	case l.writer != nil && l.torn:
		return errors.New("audit log: the writer failed in the middle of a record")
	case l.writer != nil || l.file != nil && !l.torn:
		return nil
	}
	l.repairAt = l.clock().Add(repairEvery)
	if err := l.detach(); err != nil {
		return err
	}
	return l.attach()
}

// append writes one line, in one write.
func (l *Log) append(event []byte) error {
	b, next := line(l.head, event)
	w := l.writer
	if w == nil {
		w = l.file
	}
	n, err := w.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		l.torn = true
		return fmt.Errorf("write audit record: %w%s", err, hint(err))
	}
	l.head = next
	if l.sync && l.file != nil {
		// The record stands, though perhaps not on the disk: the caller hears an error and issues nothing.
		if err := l.file.Sync(); err != nil {
			l.torn = true
			return fmt.Errorf("sync audit record: %w", err)
		}
	}
	return nil
}
