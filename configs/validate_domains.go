package configs

import (
	"fmt"
	"strings"

	"github.com/fedbroker/fedbroker/internal/mailaddr"
)

// domains sends the people of each mail domain to one provider, however the domain is spelled.
func (c *checker) domains() {
	owner := map[string]string{}
	for i, p := range c.IdPs {
		if p.Workload != nil && len(p.Domains) > 0 {
			c.problem(fmt.Sprintf("idps[%d].domains", i), "machines have no mail address; this is for people's providers")
			continue
		}
		for j, written := range p.Domains {
			path := fmt.Sprintf("idps[%d].domains[%d]", i, j)
			name, err := mailaddr.Domain(written)
			switch other, taken := owner[name]; {
			case err != nil:
				c.problem(path, "want a mail domain such as example.com, got %q", written)
			case written != strings.ToLower(written):
				c.problem(path, "write it in lower case")
			case taken && other == p.ID:
				c.problem(path, "%s is there twice", name)
			case taken:
				c.problem(path, "%s already leads to idp %q", name, other)
			default:
				owner[name] = p.ID
			}
		}
	}
}
