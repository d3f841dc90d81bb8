package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// attach opens the file, takes its lock, and finds the end of its chain. A torn last line is set aside first.
func (l *Log) attach() error {
	f, err := os.OpenFile(l.path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open audit log: %w", err)
	}
	if err := lock(f); err != nil {
		return errors.Join(fmt.Errorf("audit log %s is held by another process: %w", l.path, err), f.Close())
	}
	head, repaired, err := l.resume(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.head, l.torn = f, head, false
	if repaired == nil {
		repaired = l.resumed()
	}
	if repaired == nil {
		return nil
	}
	event, err := json.Marshal(repaired)
	if err != nil {
		return fmt.Errorf("encode audit record: %w", err)
	}
	return l.append(event)
}

func (l *Log) detach() error {
	if l.file == nil {
		return nil
	}
	err := errors.Join(l.file.Sync(), l.file.Close())
	l.file = nil
	if err != nil {
		return fmt.Errorf("close audit log: %w", err)
	}
	return nil
}

// resume reads the last lines of the file. An empty file continues the chain that this Log is in.
func (l *Log) resume(f *os.File) (Head, *broker.Event, error) {
	info, err := f.Stat()
	if err != nil {
		return Head{}, nil, fmt.Errorf("inspect audit log: %w", err)
	}
	if !info.Mode().IsRegular() {
		return Head{}, nil, fmt.Errorf("audit log %s is not a regular file", l.path)
	}
	// Two lines at most matter: the last whole one and a torn one.
	tail := make([]byte, min(info.Size(), 2*MaxLine))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return Head{}, nil, fmt.Errorf("read audit log: %w", err)
	}
	whole := tail[:bytes.LastIndexByte(tail, '\n')+1]
	head, err := l.lastOf(whole, info.Size() == int64(len(tail)))
	if err != nil || len(whole) == len(tail) {
		return head, nil, err
	}
	repaired, err := l.setAside(f, tail[len(whole):], info.Size()-int64(len(tail)-len(whole)))
	return head, repaired, err
}

// lastOf returns the head that the last whole line is; all says that b begins where the file begins.
func (l *Log) lastOf(b []byte, all bool) (Head, error) {
	if len(b) == 0 {
		if !all {
			return Head{}, fmt.Errorf("audit log %s ends in more than %d bytes that are no record; move it away", l.path, 2*MaxLine)
		}
		return l.head, nil
	}
	b = b[:len(b)-1]
	last, err := parse(b[bytes.LastIndexByte(b, '\n')+1:])
	if err != nil {
		return Head{}, fmt.Errorf("audit log %s: the last record does not verify (%w); keep the file, move it away and start again", l.path, err)
	}
	return last.head(), nil
}

// setAside copies a torn line to a file of its own, and only then takes it out of the log.
func (l *Log) setAside(f *os.File, torn []byte, at int64) (*broker.Event, error) {
	name, err := l.save(torn)
	if err != nil {
		return nil, fmt.Errorf("audit log %s: its last line is torn and cannot be set aside: %w%s", l.path, err, hint(err))
	}
	if err := f.Truncate(at); err != nil {
		return nil, fmt.Errorf("take a torn audit record out: %w", err)
	}
	now := l.clock()
	return &broker.Event{
		ID: "audit-repair-" + hash(torn)[:16], Time: now, Door: "audit", Action: "repair", Outcome: "ok",
		Detail: fmt.Sprintf("a torn last line of %d bytes was moved to %s", len(torn), name),
	}, nil
}

// resumed tells a reader of the log that there is a gap; nil where nothing failed.
func (l *Log) resumed() *broker.Event {
	if l.failed == nil {
		return nil
	}
	now := l.clock()
	return &broker.Event{
		ID: fmt.Sprintf("audit-resume-%d", l.head.Seq+1), Time: now, Door: "audit", Action: "resume", Outcome: "ok",
		Detail: fmt.Sprintf("no record could be written since %s; nothing was issued meanwhile", l.failedAt.UTC().Format(time.RFC3339)),
	}
}

func (l *Log) save(torn []byte) (string, error) {
	for n := 1; ; n++ {
		name := fmt.Sprintf("%s.torn-%d", l.path, n)
		out, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return name, keep(out, torn)
	}
}

// keep writes, syncs and closes a file, or removes it: on a full disk each try would leave an empty one.
func keep(out *os.File, b []byte) error {
	_, err := out.Write(b)
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(out.Name()))
	}
	return nil
}

// hint says what to do about errors that an operator meets.
func hint(err error) string {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return "; free some space there, nothing is issued until then"
	}
	return ""
}
