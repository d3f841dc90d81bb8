package oauth2

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Limits of lists: past them a person's groups are unknown, and the sign-in fails.
const (
	maxPages = 20
	maxItems = 2000
	maxText  = 512 // bytes of one attribute
)

// claims asks user-info and reads the lists.
func (l *Login) claims(ctx context.Context, access secret.Text) (idp.Claims, error) {
	p, err := l.get(ctx, l.opts.Service.UserinfoURL, access, List{What: "the person"})
	if err != nil {
		return idp.Claims{}, err
	}
	info, err := idp.ParseClaims(p.body)
	if err != nil {
		return idp.Claims{}, invalid("user-info is not one strict JSON object", err)
	}
	if len(l.opts.Service.Lists) == 0 {
		return info, nil
	}
	all := info.Map()
	lists := map[string][]any{}
	for _, list := range l.opts.Service.Lists {
		if err := l.readList(ctx, list, access, lists); err != nil {
			return idp.Claims{}, err
		}
	}
	for name, values := range lists {
		all[name] = values
	}
	return idp.NewClaims(all), nil
}

// readList follows the pages of one list.
func (l *Login) readList(ctx context.Context, list List, access secret.Text, into map[string][]any) error {
	for name := range list.Into {
		if into[name] == nil {
			into[name] = []any{} // filled by a list, so never by user-info
		}
	}
	items := 0
	for next, pages := list.URL, 0; next != ""; pages++ {
		if pages == maxPages {
			return tooMany(list)
		}
		p, err := l.get(ctx, next, access, list)
		if err != nil {
			return err
		}
		var raw []json.RawMessage
		if err := json.Unmarshal(p.body, &raw); err != nil {
			return invalid("the identity provider's API sent no list of "+list.What, errors.New("not a JSON array"))
		}
		if items += len(raw); items > maxItems {
			return tooMany(list)
		}
		for _, doc := range raw {
			if err := list.take(doc, into); err != nil {
				return err
			}
		}
		next = p.next
	}
	return nil
}

func tooMany(list List) error {
	return invalid(fmt.Sprintf("the identity provider's API lists too many %s", list.What), nil)
}

// take adds one item to the claims, unless it is not wanted.
func (list List) take(doc []byte, into map[string][]any) error {
	item, err := idp.ParseClaims(doc)
	if err != nil {
		return invalid("an item of the identity provider's "+list.What+" is not one strict JSON object", err)
	}
	for pointer, want := range list.Where {
		if got, _ := item.At(pointer); got != want {
			return nil
		}
	}
	for name, pointers := range list.Into {
		value, err := joined(item, pointers)
		if err != nil {
			return invalid("an item of the identity provider's "+list.What+" is malformed", err)
		}
		into[name] = append(into[name], value)
	}
	return nil
}

// joined makes org/team of its parts. No part may have a slash: an organisation must not pass for a team of another.
func joined(item idp.Claims, pointers []string) (string, error) {
	parts := make([]string, len(pointers))
	for i, pointer := range pointers {
		v, _ := item.At(pointer)
		text, ok := scalar(v)
		if !ok || strings.Contains(text, "/") {
			return "", fmt.Errorf("nothing usable at %s", pointer)
		}
		parts[i] = text
	}
	return strings.Join(parts, "/"), nil
}

// scalar reads a name, or an id that is a number.
func scalar(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, v != "" && len(v) <= maxText && strings.TrimSpace(v) == v && !strings.ContainsFunc(v, func(r rune) bool { return r < ' ' || r == 0x7f })
	case int64:
		return strconv.FormatInt(v, 10), v > 0
	}
	return "", false
}

// identity maps the claims. Only the subject and the groups can fail it: a decision could hang on their absence.
func (l *Login) identity(c idp.Claims) (idp.Identity, error) {
	f := l.opts.Service.Fields
	subject, ok := scalar(at(c, f.Subject))
	if !ok {
		return idp.Identity{}, invalid("user-info names nobody", nil)
	}
	groups, err := groupsOf(at(c, f.Groups))
	if err != nil {
		return idp.Identity{}, err
	}
	username, _ := scalar(at(c, f.Username))
	email, _ := scalar(at(c, f.Email))
	return idp.Identity{
		Provider: l.opts.ID, Issuer: l.opts.Service.Issuer, Subject: subject, Username: username, Email: email, Groups: groups, Claims: c,
	}, nil
}

// at is nil for an attribute that the service does not tell.
func at(c idp.Claims, pointer string) any {
	if pointer == "" {
		return nil
	}
	v, _ := c.At(pointer)
	return v
}

func groupsOf(v any) ([]string, error) {
	if v == nil {
		return nil, nil
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := scalar(item)
		if !ok {
			return nil, invalid("the groups of user-info are neither a name nor a list of names", nil)
		}
		out = append(out, s)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
