package store

import (
	"context"
	"errors"
	"io"
	"time"
)

// Config is what [Open] builds a store from.
type Config struct {
	// Redis is the shared store; nil means memory, which serves one node.
	Redis *RedisOptions
	// Keyring seals the store. Required with Redis; a store in memory gets a key of its own when it is nil.
	Keyring *Keyring
	// Clock and Rand are required.
	Clock func() time.Time
	Rand  io.Reader
}

// Open builds the sealed store that a configuration asks for. With Redis the server must answer. Close the store to
// end its connections.
func Open(ctx context.Context, c Config) (*Sealed, error) {
	if c.Rand == nil || c.Clock == nil {
		return nil, errors.New("open store: Clock and Rand are required")
	}
	raw, err := c.raw(ctx)
	if err != nil {
		return nil, err
	}
	s, err := c.sealed(ctx, raw)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return s, nil
}

func (c *Config) raw(ctx context.Context) (Raw, error) {
	if c.Redis == nil {
		return NewMemory(MemoryOptions{Clock: c.Clock})
	}
	if c.Keyring == nil {
		return nil, errors.New("store: redis needs sealing keys (keys.sealing)")
	}
	o := *c.Redis
	if o.Clock == nil {
		o.Clock = c.Clock
	}
	return NewRedis(ctx, o)
}

func (c *Config) sealed(ctx context.Context, raw Raw) (*Sealed, error) {
	ring := c.Keyring
	if ring == nil {
		var err error
		if ring, err = NewEphemeralKeyring(c.Rand); err != nil {
			return nil, err
		}
	}
	return NewSealed(ctx, SealedOptions{Raw: raw, Keyring: ring, Rand: c.Rand})
}
