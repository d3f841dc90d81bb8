package web

import (
	"net/http"
	"strings"
)

// Protect sets the headers that every answer carries. Handlers replace the policy where a page needs one.
func Protect(next http.Handler, https bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		// not no-referrer: with it browsers send "Origin: null" on forms (Fetch standard, append a request Origin header)
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		if https {
			h.Set("Strict-Transport-Security", "max-age=63072000")
		}
		next.ServeHTTP(w, r)
	})
}

// PagePolicy is the content policy of a page that may send forms to the given origins besides our own. Its scripts may
// ask us, and nobody else.
func PagePolicy(formOrigins ...string) string {
	return "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action " +
		strings.Join(append([]string{"'self'"}, formOrigins...), " ")
}
