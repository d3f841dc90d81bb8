package web

import "net/http"

// SameOrigin reports whether a browser says that one of our own pages sent the request (invariant 8). publicURL is
// the broker's origin. A request that carries neither Origin nor Sec-Fetch-Site does not come from a page of a current
// browser and is not same-origin: absent means refused.
func SameOrigin(r *http.Request, publicURL string) bool {
	origins := r.Header.Values("Origin")
	sites := r.Header.Values("Sec-Fetch-Site")
	switch {
	case len(origins) > 1 || len(sites) > 1:
		return false
	case len(origins) == 1 && origins[0] != publicURL:
		return false
	case len(sites) == 1:
		return sites[0] == "same-origin"
	}
	return len(origins) == 1
}

// FromPage reports whether a browser page sent the request, of whatever site, or a navigation did.
func FromPage(r *http.Request) bool {
	return len(r.Header.Values("Origin")) > 0 || r.Header.Get("Sec-Fetch-Mode") == "navigate"
}
