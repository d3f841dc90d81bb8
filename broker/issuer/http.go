package issuer

import (
	"context"
	"errors"
	"net/http"
	"strconv"
)

// The contract's paths (design.md section 6).
const (
	pathDiscovery = "/.well-known/openid-configuration"
	pathJWKS      = "/.well-known/jwks.json"
	pathMetadata  = "/issuer/saml/metadata"
)

// Mount adds the three public documents. They are the same for everybody, so caches may hold them, the keys for five
// minutes: far less than the hour that a new key is published before it signs.
func (i *Issuer) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET "+pathDiscovery, serve("application/json", 3600,
		func(context.Context) ([]byte, error) { return i.Discovery(), nil }))
	mux.HandleFunc("GET "+pathJWKS, serve("application/json", 300, i.JWKS))
	mux.HandleFunc("GET "+pathMetadata, serve("application/samlmetadata+xml", 300, i.Metadata))
}

func serve(contentType string, maxAge int, document func(context.Context) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := document(r.Context())
		switch {
		case errors.Is(err, errNoSAML):
			http.NotFound(w, r)
			return
		case err != nil: // the cause is the store's; a stranger learns nothing of it
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "signing keys are not available", http.StatusServiceUnavailable)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", "public, max-age="+strconv.Itoa(maxAge))
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a client that went away needs no answer
	}
}
