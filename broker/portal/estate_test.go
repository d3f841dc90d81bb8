package portal_test

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/sts"
)

// estate is the roles of a company with so many accounts, and so many roles in each. Their names and those of AWS share
// a part only, as they do in life.
func estate(accounts, each int) []*broker.Role {
	roles := make([]*broker.Role, 0, accounts*each)
	for a := range accounts {
		account := fmt.Sprintf("team-%03d", a)
		for r := range each {
			roles = append(roles, &broker.Role{
				Name: fmt.Sprintf("%s/job-%d", account, r), ARN: sts.RoleARN(fmt.Sprintf("arn:aws:iam::%012d:role/acme/Job%d", 210000000000+a, r)),
				AccountName: account, Mode: sts.ModeSAML, Region: "eu-central-1", Duration: time.Hour, MaxDuration: 8 * time.Hour,
			})
		}
	}
	return roles
}

// BenchmarkHome is the whole of GET /, of a signed-in person: session, rules, page.
func BenchmarkHome(b *testing.B) {
	for _, c := range []struct {
		name           string
		accounts, each int
		target, accept string
	}{
		{"48-roles", 12, 4, "/", ""},
		{"48-roles-gzip", 12, 4, "/", "gzip"},
		{"5000-roles", 500, 10, "/", ""},
		{"5000-roles-gzip", 500, 10, "/", "gzip"},
		{"5000-roles-search", 500, 10, "/?q=team-07+job-3", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			w := siteOf(b, doortest.New(b, estate(c.accounts, c.each)...)).browser()
			w.login("alice")
			r := w.request("GET", c.target, nil)
			r.Header.Set("Accept-Encoding", c.accept)
			r.AddCookie(w.jar["__Host-session"])
			bytes := 0
			b.ReportAllocs()
			for b.Loop() {
				answer := httptest.NewRecorder()
				w.handler.ServeHTTP(answer, r)
				bytes = answer.Body.Len()
			}
			b.ReportMetric(float64(bytes), "page-bytes")
		})
	}
}
