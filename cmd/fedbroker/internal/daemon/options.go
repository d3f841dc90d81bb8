package daemon

import (
	"io"
	"log/slog"
	"net"
	"time"
)

// Options are what the daemon takes from the process; those without a default are required.
type Options struct {
	// Getenv resolves env: references on reload.
	Getenv func(string) (string, bool)
	// Listener, when set, is the public listener instead of server.listen.
	Listener net.Listener
	// Host, when set, is the only Host header that is answered: a page elsewhere cannot reach a broker on loopback by
	// DNS rebinding.
	Host string
	// Version is shown in metrics.
	Version string
	// AuditWriter takes audit records where the configuration names no file.
	AuditWriter io.Writer
	Logger      *slog.Logger
	Clock       func() time.Time
	Rand        io.Reader
	// SessionCookie, LoginCookie and ChoiceCookie rename the cookies; empty means the defaults.
	SessionCookie, LoginCookie, ChoiceCookie string
}
