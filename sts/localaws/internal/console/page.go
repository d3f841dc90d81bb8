package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/sts/localaws/internal/iam"
	"github.com/fedbroker/fedbroker/sts/localaws/internal/session"
)

// view is what the page shows.
type view struct {
	AccountID      string
	AccountName    string
	Role           string
	RoleARN        string
	SessionName    string
	SessionARN     string
	PrincipalID    string
	SourceIdentity string
	Method         string
	Provider       string
	Chained        bool
	Tags           []tagView
	Until          time.Time
	Left           string
	CredentialsEnd time.Time
	Place          string
}

type tagView struct {
	Key, Value string
	Transitive bool
}

// home shows who is signed in, on every path of the console.
func (c *Console) home(w http.ResponseWriter, r *http.Request) {
	now := c.Clock()
	ticket, ok := c.ticket(r, now)
	if !ok {
		c.render(w, r, http.StatusUnauthorized, "signedout.html", struct{ Ended bool }{false})
		return
	}
	c.render(w, r, http.StatusOK, "home.html", struct {
		view
		Issuer string
	}{show(ticket, r.URL.Path, now), ticket.Issuer})
}

func (c *Console) signedOut(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, "signedout.html", struct{ Ended bool }{true})
}

func (c *Console) ticket(r *http.Request, now time.Time) (session.Ticket, bool) {
	cookies := r.CookiesNamed(cookieName)
	if len(cookies) != 1 {
		return session.Ticket{}, false
	}
	return c.signed.Get(cookies[0].Value, now)
}

func show(ticket session.Ticket, path string, now time.Time) view {
	s := ticket.Session
	v := view{
		AccountID: s.Account.ID, AccountName: s.Account.Name, Role: s.Role, RoleARN: s.RoleARN, SessionName: s.Name,
		SessionARN: s.ARN, PrincipalID: s.ID(), SourceIdentity: s.SourceIdentity, Method: string(s.Method),
		Provider: s.Provider, Chained: s.Chained, Until: ticket.Expires.UTC(), CredentialsEnd: s.Expires.UTC(),
		Left: ticket.Expires.Sub(now).Round(time.Minute).String(), Place: strings.Trim(strings.TrimPrefix(path, root), "/"),
	}
	v.Left = strings.TrimSuffix(v.Left, "0s")
	for _, tag := range s.Tags {
		v.Tags = append(v.Tags, tagView{tag.Key, tag.Value, transitive(s, tag)})
	}
	slices.SortFunc(v.Tags, func(a, b tagView) int { return strings.Compare(a.Key, b.Key) })
	return v
}

func transitive(s *session.Session, tag iam.Tag) bool {
	return slices.ContainsFunc(s.TransitiveKeys, func(key string) bool { return iam.FoldTagKey(key) == iam.FoldTagKey(tag.Key) })
}
