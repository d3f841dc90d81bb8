package client

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// errHeld is that another process, or another part of this one, has the lock.
var errHeld = errors.New("the lock is held")

// lockPause is how often a held lock is asked for: short beside a refresh, long beside a system call.
const lockPause = 20 * time.Millisecond

// lock waits until file is locked by nobody else and locks it. The operating system unlocks what a process that died
// held. The file stays: removing it would let two hold locks on files of the same name.
func lock(ctx context.Context, file string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(lockPause)
	defer tick.Stop()
	for {
		switch err := tryLock(f); {
		case err == nil:
			return func() { _ = f.Close() }, nil
		case !errors.Is(err, errHeld):
			return nil, errors.Join(err, f.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(ctx.Err(), f.Close())
		case <-tick.C:
		}
	}
}
