package store

import (
	"errors"
	"fmt"

	"github.com/fedbroker/fedbroker/broker"
)

// What a batch fails with. Every one of them means that nothing may be assumed and nothing may be issued.
var (
	// ErrUnavailable says that the store did not answer, or not to the whole batch. ErrFull wraps it.
	ErrUnavailable = errors.New("unavailable")
	// ErrFull says that the memory store holds as much as it may and that nothing in it has expired.
	ErrFull = fmt.Errorf("%w: memory store is full", ErrUnavailable)
	// ErrNotOpened says that an entry was not sealed by this ring for this name: edited, copied, or its key was dropped.
	ErrNotOpened = errors.New("store entry does not open")
	// ErrInvalid says that the caller asked for something no store does: a mistake in our own code.
	ErrInvalid = errors.New("invalid store operation")
)

// Limits of one batch. They bound what a mistake can do to a shared server.
const (
	MaxKey   = 1 << 10   // bytes of a logical name
	MaxValue = 256 << 10 // bytes of a value before sealing: an identity with a thousand groups has room
	MaxBatch = 64        // operations in one Do
)

func validate(ops []broker.Op) error {
	if len(ops) > MaxBatch {
		return fmt.Errorf("%w: %d operations, at most %d", ErrInvalid, len(ops), MaxBatch)
	}
	for i := range ops {
		if err := validateOne(&ops[i]); err != nil {
			return fmt.Errorf("%w: operation %d: %w", ErrInvalid, i, err)
		}
	}
	return nil
}

func validateOne(op *broker.Op) error {
	if op.Key == "" || len(op.Key) > MaxKey {
		return fmt.Errorf("name of %d bytes", len(op.Key))
	}
	switch op.Kind {
	case broker.OpSet, broker.OpAdd:
		if op.TTL <= 0 {
			return fmt.Errorf("time to live %s", op.TTL)
		}
		if len(op.Value) > MaxValue {
			return fmt.Errorf("value of %d bytes, at most %d", len(op.Value), MaxValue)
		}
		return nil
	case broker.OpGet, broker.OpDelete, broker.OpTake:
		return nil
	}
	return fmt.Errorf("unknown kind %d", op.Kind)
}
