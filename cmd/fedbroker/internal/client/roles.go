package client

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// known is what this machine remembers of a broker's roles: nothing that opens anything.
type known struct {
	At    time.Time      `json:"at"`
	Roles []Role         `json:"roles"`
	Uses  map[string]int `json:"uses"` // by ARN
}

func (c *Client) known() known {
	k := known{}
	_ = readJSON(filepath.Join(c.dir, "roles.json"), &k) // what cannot be read is asked for again
	if k.Uses == nil {
		k.Uses = map[string]int{}
	}
	return k
}

// keep remembers; that a disk is full is no reason to refuse a role.
func (c *Client) keep(k known) { _ = writeJSON(filepath.Join(c.dir, "roles.json"), k) }

// Roles asks for the granted roles, the most used first, then by account and name.
func (c *Client) Roles(ctx context.Context) ([]Role, error) {
	var out struct {
		Roles *[]Role `json:"roles"`
	}
	if err := c.api(ctx, http.MethodGet, "/api/v1/roles", nil, &out); err != nil {
		return nil, err
	}
	if out.Roles == nil || slices.ContainsFunc(*out.Roles, Role.odd) {
		return nil, &notServed{c.o.Broker, "/api/v1/roles"}
	}
	k := c.known()
	k.At, k.Roles = c.o.Now().UTC(), *out.Roles
	c.keep(k)
	return k.sorted(), nil
}

var (
	aliasForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$`)
	arnForm   = regexp.MustCompile(`^arn:(aws|aws-[a-z-]{1,20}):iam::[0-9]{12}:role/[\x21-\x7e]{1,512}$`)
)

// odd reports whether a role is not one as brokers configure them: names end up in files and on command lines.
func (r Role) odd() bool {
	return !aliasForm.MatchString(r.Name) || !arnForm.MatchString(r.ARN) || !strings.Contains(r.ARN, "::"+r.AccountID+":")
}

func (k known) sorted() []Role {
	roles := slices.Clone(k.Roles)
	slices.SortStableFunc(roles, func(a, b Role) int {
		return cmp.Or(cmp.Compare(k.Uses[b.ARN], k.Uses[a.ARN]), cmp.Compare(a.AccountName, b.AccountName), cmp.Compare(a.AccountID, b.AccountID), cmp.Compare(a.Name, b.Name))
	})
	return roles
}

// namesFor is how long remembered names are good enough to complete a word.
const namesFor = 10 * time.Minute

// Names are the granted roles for completion: as remembered when that is recent, or when the broker does not answer.
func (c *Client) Names(ctx context.Context) []Role {
	k := c.known()
	if age := c.o.Now().Sub(k.At); age >= 0 && age < namesFor {
		return k.sorted()
	}
	if roles, err := c.Roles(ctx); err == nil {
		return roles
	}
	return k.sorted()
}

// Resolve finds the role that a person means: an alias or ARN in full, or a part that only one role has. A full name
// that is remembered is not asked for: the broker decides anyway. The use is counted.
func (c *Client) Resolve(ctx context.Context, typed string) (Role, error) {
	k := c.known()
	role, ok := exactly(k.Roles, typed)
	if !ok {
		roles, err := c.Roles(ctx)
		if err != nil {
			return Role{}, err
		}
		if role, err = Match(roles, typed); err != nil {
			return Role{}, err
		}
		k = c.known()
	}
	k.Uses[role.ARN]++
	c.keep(k)
	return role, nil
}

func exactly(roles []Role, typed string) (Role, bool) {
	i := slices.IndexFunc(roles, func(r Role) bool { return r.Name == typed || r.ARN == typed })
	if i < 0 {
		return Role{}, false
	}
	return roles[i], true
}

// maxNamed is how many roles an error names.
const maxNamed = 5

// Match finds the one role that typed names, in full or by a part of its alias or ARN, in any case.
func Match(roles []Role, typed string) (Role, error) {
	if r, ok := exactly(roles, typed); ok {
		return r, nil
	}
	found := Filter(roles, typed)
	switch {
	case typed == "" || len(found) == 0:
		return Role{}, fmt.Errorf(`no role of yours matches %q; "fedbroker roles" lists them`, typed)
	case len(found) == 1:
		return found[0], nil
	}
	var names []string
	for _, r := range found[:min(len(found), maxNamed)] {
		names = append(names, r.Name)
	}
	if len(found) > maxNamed {
		names = append(names, "…")
	}
	return Role{}, fmt.Errorf("%q matches %d roles: %s; name one of them", typed, len(found), strings.Join(names, ", "))
}

// Filter keeps the roles whose alias or ARN has part in it, in any case.
func Filter(roles []Role, part string) []Role {
	part = strings.ToLower(part)
	var out []Role
	for _, r := range roles {
		if strings.Contains(strings.ToLower(r.Name), part) || strings.Contains(strings.ToLower(r.ARN), part) {
			out = append(out, r)
		}
	}
	return out
}
