package portal

import (
	"fmt"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
)

// maxQuery bounds what may be searched for.
const maxQuery = 256

// query is what somebody searches for: words, of which a role must have every one. The script home.js filters by the
// same rules.
type query struct {
	text  string // as it was typed
	words []string
}

func parseQuery(text string) (query, error) {
	if len(text) > maxQuery {
		return query{}, bad("that is too long to search for")
	}
	q := query{text: text, words: strings.Fields(strings.ToLower(text))}
	if len(q.words) == 0 {
		q.text = "" // blanks ask for nothing
	}
	return q, nil
}

// matches looks in the role's name and ARN, where its account's id is, and in its account's name.
func (q query) matches(r *broker.Role) bool {
	if len(q.words) == 0 {
		return true
	}
	in := strings.ToLower(string(r.ARN) + "\n" + r.Name + "\n" + r.AccountName)
	for _, word := range q.words {
		if !strings.Contains(in, word) {
			return false
		}
	}
	return true
}

// countText says how many roles there are, or match, in the words of home.js.
func countText(h *homeView) string {
	switch {
	case h.Query == "":
		return counted(h.Total, "role") + " in " + counted(len(h.Accounts), "account")
	case h.Shown == 0:
		return "No role matches"
	}
	return fmt.Sprintf("%d of %s", h.Shown, counted(h.Total, "role"))
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
