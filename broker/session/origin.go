package session

import (
	"strings"
	"unicode"
)

// Origin is where a session began, as far as that can be shown to the person whose it is. None of it is proof of
// anything: a client names itself as it likes.
type Origin struct {
	// Client is what a command line calls itself; empty for a browser.
	Client string `json:"client,omitempty"`
	// Remote is the address that the login came from.
	Remote string `json:"remote,omitempty"`
	// Agent is the browser's User-Agent.
	Agent string `json:"agent,omitempty"`
}

// maxOrigin bounds each text of an Origin, in bytes.
const maxOrigin = 256

func (o Origin) bounded() Origin {
	return Origin{Client: bounded(o.Client), Remote: bounded(o.Remote), Agent: bounded(o.Agent)}
}

// bounded keeps what can be shown of a text.
func bounded(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s[:min(len(s), maxOrigin)], ""))
	return s
}
