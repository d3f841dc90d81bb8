package store

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// check finds out at start what would otherwise be found out in the middle of a login.
func (r *Redis) check(ctx context.Context, log *slog.Logger) error {
	if err := r.client.Ping(ctx).Err(); err != nil {
		return unavailable(err)
	}
	if err := r.probe(ctx); err != nil {
		return fmt.Errorf("redis cannot do what is needed (version 7 or later, writable, GET SET DEL GETDEL under %q): %w", r.prefix, err)
	}
	switch policy := r.evictionPolicy(ctx); policy {
	case "noeviction":
	case "":
		log.Warn("redis: maxmemory-policy cannot be read by this user; make sure that it is noeviction")
	default:
		return fmt.Errorf("redis: maxmemory-policy is %s: it may forget one-use marks; set it to noeviction", policy)
	}
	if host, _, err := net.SplitHostPort(r.client.Options().Addr); err == nil && r.client.Options().TLSConfig == nil && !loopback(host) {
		log.Warn("redis: the connection is not encrypted; use rediss:// outside a private network", "host", host)
	}
	return nil
}

// probe runs every command once. SET with both NX and GET needs Redis 7.
func (r *Redis) probe(ctx context.Context) error {
	const key = "probe"
	value := []byte("1")
	_, err := r.batch(ctx, []broker.Op{
		{Kind: broker.OpAdd, Key: key, Value: value, TTL: time.Second},
		{Kind: broker.OpSet, Key: key, Value: value, TTL: time.Second},
		{Kind: broker.OpGet, Key: key},
		{Kind: broker.OpTake, Key: key},
		{Kind: broker.OpDelete, Key: key},
	})
	return err
}

// evictionPolicy asks CONFIG, which managed servers often forbid, then INFO; empty when neither says.
func (r *Redis) evictionPolicy(ctx context.Context) string {
	const name = "maxmemory-policy"
	if config, err := r.client.ConfigGet(ctx, name).Result(); err == nil && config[name] != "" {
		return config[name]
	}
	info, err := r.client.Info(ctx, "memory").Result()
	if err != nil {
		return ""
	}
	for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), "maxmemory_policy:"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
