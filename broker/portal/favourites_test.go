package portal_test

import (
	"bytes"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/portal"
)

var anyRow = regexp.MustCompile(`<input type="hidden" name="role" value="([^"]*)">`)

// shelfOn lists the roles in a section of the start page: favourites or recents.
func shelfOn(page, section string) []string {
	_, rest, _ := strings.Cut(page, `aria-labelledby="`+section+`"`)
	part, _, _ := strings.Cut(rest, "</section>")
	var out []string
	for _, m := range anyRow.FindAllStringSubmatch(part, -1) {
		out = append(out, html.UnescapeString(m[1]))
	}
	return out
}

func keep(role, how string) url.Values { return url.Values{"role": {role}, "keep": {how}} }

func (b *browser) wantShelf(favourites, recents string) {
	b.t.Helper()
	page := b.get("/").Body.String()
	if got := strings.Join(shelfOn(page, "favourites"), " "); got != favourites {
		b.t.Errorf("favourites %q, want %q", got, favourites)
	}
	if got := strings.Join(shelfOn(page, "recents"), " "); got != recents {
		b.t.Errorf("recents %q, want %q", got, recents)
	}
}

func TestFavourites(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	b.wantShelf("", "")
	wantRedirect(t, b.post("/favourites", keep("prod/reader", "yes")), "/#role:prod/reader")
	if e := b.Audit.Last(); e.Door != "portal" || e.Action != "favourites" || e.Subject != "alice" || e.Outcome != "ok" {
		t.Errorf("record %+v", e)
	}
	wantRedirect(t, b.post("/favourites", keep("arn:aws:iam::444455556666:role/Analyst", "yes")), "/#role:arn:aws:iam::444455556666:role/Analyst")
	b.wantShelf("prod/reader dev/analyst", "")
	if page := b.get("/").Body.String(); strings.Count(page, `value="no" aria-pressed="true" aria-label="Favourite: prod/reader"`) != 2 ||
		!strings.Contains(page, `value="yes" aria-pressed="false" aria-label="Favourite: prod/legacy"`) {
		t.Errorf("stars: %s", page)
	}
	// They are the person's, not the browser's, and nobody else's.
	elsewhere := b.browser()
	elsewhere.login("alice")
	elsewhere.wantShelf("prod/reader dev/analyst", "")
	mallory := b.browser()
	mallory.login("mallory")
	mallory.wantShelf("", "")
	// A second time changes nothing, and what is searched for hides them.
	b.post("/favourites", keep("prod/reader", "yes"))
	b.wantShelf("dev/analyst prod/reader", "")
	if page := b.get("/?q=prod").Body.String(); len(shelfOn(page, "favourites")) > 0 {
		t.Error("favourites stand above what was found")
	}
	form := keep("prod/reader", "no")
	form.Set("q", "pro d&x")
	wantRedirect(t, b.post("/favourites", form), "/?q=pro+d%26x#role:prod/reader")
	b.wantShelf("dev/analyst", "")
	b.Pass(179 * 24 * time.Hour)
	b.login("alice")
	b.wantShelf("dev/analyst", "")
	b.Pass(2 * 24 * time.Hour)
	b.login("alice")
	b.wantShelf("", "")
}

func TestForeignFavourites(t *testing.T) {
	b := newSite(t).browser()
	b.login("alice")
	for name, headers := range forged {
		t.Run(name, func(t *testing.T) {
			wantRefusal(t, b.forge("/favourites", keep("prod/reader", "yes"), headers), 400, "invalid_request")
		})
	}
	wantRefusal(t, b.post("/favourites", keep("prod/deploy", "yes")), 403, "role_not_granted")
	wantRefusal(t, b.post("/favourites", keep("prod/admin", "yes")), 403, "mfa_required")
	wantRefusal(t, b.post("/favourites", keep(hostile, "yes")), 403, "role_not_granted")
	wantRefusal(t, b.post("/favourites", keep("", "yes")), 400, "ambiguous_role")
	wantRefusal(t, b.post("/favourites", keep("prod/reader", "")), 400, "invalid_request")
	wantRefusal(t, b.post("/favourites", keep("prod/reader", "maybe")), 400, "invalid_request")
	wantRefusal(t, b.browser().post("/favourites", keep("prod/reader", "yes")), 401, "login_required")
	b.Store.Break(0)
	wantRefusal(t, b.post("/favourites", keep("prod/reader", "yes")), 503, "store_unavailable")
	b.Store.Break(1) // the session is found, the shelf is not
	wantRefusal(t, b.post("/favourites", keep("prod/reader", "yes")), 503, "store_unavailable")
	b.Store.Mend()
	b.wantShelf("", "")
}

func TestFavouritesAreBounded(t *testing.T) {
	b := siteOf(t, doortest.New(t, estate(51, 1)...)).browser()
	b.login("alice")
	name := func(i int) string { return fmt.Sprintf("team-%03d/job-0", i) }
	for i := range 50 {
		wantRedirect(t, b.post("/favourites", keep(name(i), "yes")), "/#role:"+name(i))
	}
	wantRefusal(t, b.post("/favourites", keep(name(50), "yes")), 400, "invalid_request")
	wantRedirect(t, b.post("/favourites", keep(name(7), "no")), "/#role:"+name(7))
	wantRedirect(t, b.post("/favourites", keep(name(50), "yes")), "/#role:"+name(50))
}

func TestRecents(t *testing.T) {
	b := siteOf(t, doortest.New(t, estate(6, 1)...)).browser()
	b.login("alice")
	use := func(role string) *http.Response { return b.post("/console", url.Values{"role": {role}}).Result() }
	use("prod/deploy") // refused: not used
	b.wantShelf("", "")
	for _, role := range []string{"prod/reader", "dev/analyst", "prod/reader", "prod/reader"} {
		use(role)
	}
	b.wantShelf("", "prod/reader dev/analyst")
	b.post("/favourites", keep("prod/reader", "yes"))
	b.wantShelf("prod/reader", "dev/analyst") // once is enough
	for i := range 6 {
		use(fmt.Sprintf("team-%03d/job-0", i))
	}
	b.wantShelf("prod/reader", "team-005/job-0 team-004/job-0 team-003/job-0 team-002/job-0 team-001/job-0")
}

// TestShelfIsAConvenience: whatever the store does to it, pages come and consoles open, or the store was needed for
// something else as well.
func TestShelfIsAConvenience(t *testing.T) {
	for target, want := range map[string]string{"/": "favourites cannot be read", "/console": "the use of a role cannot be remembered"} {
		survived := 0
		for after := range 8 {
			var log bytes.Buffer
			b := newSite(t, func(o *portal.Options) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) }).browser()
			b.login("alice")
			b.Store.Stumble(after)
			ask := func() int {
				if target == "/" {
					return b.get(target).Code
				}
				return b.post(target, url.Values{"role": {"prod/reader"}}).Code
			}
			code := ask()
			switch logged := strings.Contains(log.String(), want); {
			case logged && code >= 400:
				t.Errorf("%s, stumbling after %d: %d for want of favourites", target, after, code)
			case logged:
				survived++
			case code >= 400 && code != http.StatusServiceUnavailable:
				t.Errorf("%s, stumbling after %d: %d", target, after, code)
			}
		}
		if survived == 0 {
			t.Errorf("%s: no stumble hit the shelf", target)
		}
	}
}
