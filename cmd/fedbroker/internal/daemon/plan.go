package daemon

import (
	"crypto/tls"
	"slices"
	"strings"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/policy"
	"github.com/fedbroker/fedbroker/configs"
)

// plan is as much of a generation as the file and what it names on this machine decide: what check can know.
type plan struct {
	roles  []*broker.Role
	policy *policy.Policy
	people *providers
	cert   *tls.Certificate // nil without server.tls
}

// prepare makes a plan or says everything that is wrong, in the order of the file.
func prepare(f *configs.File, m makings) (*plan, error) {
	p := &plan{roles: roles(f)}
	var problems, more configs.Problems
	p.policy, problems = compile(f, p.roles)
	p.people, more = buildProviders(f, m)
	problems = append(problems, more...)
	if t := f.Server.TLS; t != nil {
		cert, err := tls.X509KeyPair([]byte(t.Cert.Text().Reveal()), []byte(t.Key.Text().Reveal()))
		if err != nil {
			problems = append(problems, problemAt(f, "server.tls", err)...)
		}
		p.cert = &cert
	}
	if len(problems) > 0 {
		return nil, inOrder(problems)
	}
	return p, nil
}

func inOrder(problems configs.Problems) configs.Problems {
	slices.SortStableFunc(problems, func(a, b configs.Problem) int { return a.Place.Line - b.Place.Line })
	return problems
}

// problemAt is one problem with its place; an error of several lines becomes one of one.
func problemAt(f *configs.File, path string, err error) configs.Problems {
	message := strings.ReplaceAll(err.Error(), "\n", "; ")
	return configs.Problems{{Place: f.Place(path), Message: path + ": " + message}}
}
