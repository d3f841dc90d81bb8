package portal

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// packed compresses a page on its way to a browser that takes that. Such a page must hold nothing that is secret from
// somebody who sees its length and can put words into it, by ?q= (BREACH): the list of one's roles lets nobody in. A
// page with keys on it is never packed.
func packed(w http.ResponseWriter) *gzip.Writer {
	w.Header().Set("Content-Encoding", "gzip")
	w.Header().Add("Vary", "Accept-Encoding")
	// A page of thousands of roles is the same few tags over and over: the fastest level leaves a twentieth of it.
	zip, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level exists
	return zip
}

// takesGzip reads Accept-Encoding (RFC 9110 section 12.5.3): gzip must be named, and not refused by a weight of zero.
func takesGzip(r *http.Request) bool {
	for _, coding := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ToLower(coding), ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		weight = strings.TrimPrefix(strings.ReplaceAll(weight, " ", ""), "q=")
		return weight == "" || strings.Trim(weight, "0.") != ""
	}
	return false
}
