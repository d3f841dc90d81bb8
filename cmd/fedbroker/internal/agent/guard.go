package agent

import (
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Listen listens on a loopback address, on a port that is free when address has port 0. Others are refused.
func Listen(address string) (net.Listener, error) {
	ap, err := netip.ParseAddrPort(address)
	if err != nil || !ap.Addr().IsLoopback() {
		return nil, errors.New("an agent listens on loopback only; write an address like 127.0.0.1:9911")
	}
	return net.Listen("tcp", ap.String())
}

// hosts are the ways to write a listener's own address in a Host header (RFC 9110 section 7.2).
func hosts(l net.Listener) map[string]bool {
	addr := l.Addr().String()
	out := map[string]bool{addr: true}
	if host, port, err := net.SplitHostPort(addr); err == nil && port == "80" {
		out[strings.TrimSuffix(net.JoinHostPort(host, ""), ":")] = true
	}
	return out
}

// browserOrProxy are the request headers that no SDK sends to a loopback endpoint. A name that ends in a dash stands for
// all that begin so.
func browserOrProxy() []string {
	return []string{"Origin", "Referer", "Cookie", "Sec-", "Access-Control-", "Forwarded", "Via", "X-Forwarded-", "X-Real-Ip", "Upgrade", "Service-Worker"}
}

// guard passes on only what a program on this machine sent to this very listener, with no body and no query.
func guard(own map[string]bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		switch {
		case !own[r.Host]:
			refuse(w, http.StatusForbidden, "Forbidden", "the Host is not this endpoint's own address")
		case !fromLoopback(r):
			refuse(w, http.StatusForbidden, "Forbidden", "this endpoint is for this machine")
		case foreign(r.Header) != "":
			refuse(w, http.StatusForbidden, "Forbidden", "requests of browsers and proxies are refused")
		case r.ContentLength != 0 || len(r.TransferEncoding) > 0:
			refuse(w, http.StatusBadRequest, "BadRequest", "no body is expected")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func fromLoopback(r *http.Request) bool {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// foreign names a header that tells of a browser or a proxy; empty when there is none.
func foreign(h http.Header) string {
	for name := range h {
		for _, bad := range browserOrProxy() {
			if name == bad || strings.HasSuffix(bad, "-") && strings.HasPrefix(name, bad) {
				return name
			}
		}
	}
	return ""
}

// one returns a header that is there exactly once.
func one(h http.Header, name string) (string, bool) {
	if values := h.Values(name); len(values) == 1 {
		return values[0], true
	}
	return "", false
}

// refuse answers as the SDKs read it: Go wants code and message, others Code and Message.
func refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"code": code, "message": message, "Code": code, "Message": message})
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

// unavailable tells why there are no credentials: the program behind the SDK shows it to the person.
func unavailable(w http.ResponseWriter, l *log.Logger, err error) {
	l.Print(err)
	refuse(w, http.StatusServiceUnavailable, "CredentialsUnavailable", err.Error())
}
