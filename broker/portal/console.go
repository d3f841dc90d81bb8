package portal

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/fedbroker/fedbroker/broker"
)

// console issues credentials and sends the browser into the AWS console with them.
func (p *Portal) console(w http.ResponseWriter, r *http.Request) (answer, error) {
	return p.run(r, "portal", "console", func(ctx context.Context, v *broker.Visit) (answer, error) {
		form, _, err := p.posted(ctx, w, r, v)
		if err != nil {
			return answer{}, err
		}
		want, err := wanted(form)
		if err != nil {
			return answer{}, err
		}
		page, err := pageIn(form)
		if err != nil {
			return answer{}, err
		}
		signIn, issued, err := v.Console(ctx, want, page)
		if err != nil {
			return answer{}, explained(v, want.Role, err)
		}
		p.noteUse(ctx, v, issued.Grant.Role.Name)
		out := seeOther(signIn.URL.Reveal())
		out.secret = true
		return out, nil
	})
}

// wanted reads what the row of a role asks for: the role, and a duration such as 1h30m where one was chosen.
func wanted(form url.Values) (broker.Want, error) {
	want := broker.Want{Role: form.Get("role")}
	text := form.Get("duration")
	if text == "" {
		return want, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return broker.Want{}, bad("a duration is a text such as 1h or 30m")
	}
	want.Duration = d.Truncate(time.Second)
	return want, nil
}
