package telemetry

import (
	"net/http"
	"strconv"
)

// unmatched is the route of a request that no pattern of the mux took.
const unmatched = "unmatched"

// Middleware times every request of a mux (http.ServeMux) by the pattern that served it. It must wrap the mux with
// nothing in between that copies the request, for the mux leaves its pattern in the request it is given.
func (m *Metrics) Middleware(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := m.clock()
		m.inFlight.Inc()
		watched := &statusWriter{ResponseWriter: w}
		defer func() {
			m.inFlight.Dec()
			m.requests.WithLabelValues(route(r), m.sets.method.of(r.Method), watched.label()).
				Observe(m.clock().Sub(start).Seconds())
		}()
		mux.ServeHTTP(watched, r)
		watched.finish()
	})
}

func route(r *http.Request) string {
	if r.Pattern == "" {
		return unmatched
	}
	return r.Pattern
}

// statusWriter remembers the status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the first final status.
func (w *statusWriter) WriteHeader(status int) {
	if w.status < http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write sends 200 where nothing was sent.
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status < http.StatusOK {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// finish notes the 200 that net/http sends for a handler that returned and wrote nothing.
func (w *statusWriter) finish() {
	if w.status < http.StatusOK {
		w.status = http.StatusOK
	}
}

// label is the status as a label: "500" where the handler panicked before it sent one, "other" outside 200 to 599.
func (w *statusWriter) label() string {
	switch {
	case w.status < http.StatusOK:
		return strconv.Itoa(http.StatusInternalServerError)
	case w.status > 599:
		return other
	}
	return strconv.Itoa(w.status)
}
