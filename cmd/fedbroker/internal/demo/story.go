package demo

import (
	"fmt"
	"strings"
	"time"
)

// story is the readable form of a result.
type story struct {
	w     *world
	r     *Result
	stays bool
	b     strings.Builder
}

func (s *story) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

func (s *story) text() string {
	u, job := s.w.urls, s.w.idp.Repos()[0]
	s.line("fedbroker demo: everything below just happened, over HTTP, on this machine.\n")
	s.line("  broker             %s", u.Broker)
	s.line("  identity provider  %s   (SAML, OIDC and CI tokens; for development only)", u.IdP)
	s.line("  local AWS          %s   (accounts %s acme-prod, %s acme-dev)\n", u.AWS, prodAccount, devAccount)

	s.line("1  A CI job on main asks for prod/deploy")
	s.exchange(&s.r.CI)
	s.byHand(fmt.Sprintf(`TOKEN=$(curl -s -H 'Authorization: bearer %s' '%s&audience=%s' | sed 's/.*"value":"\([^"]*\)".*/\1/')`, job.RequestToken.Reveal(), job.RequestURL, u.Broker),
		fmt.Sprintf(`curl -s %s/api/v1/credentials -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"role": "prod/deploy"}'`, u.Broker))

	s.line("2  A person signs in by SAML and asks for prod/admin")
	s.exchange(&s.r.SAML)
	s.line("   console   %s", s.r.SAML.Console.SignInURL)
	s.byHand(fmt.Sprintf("open %s/login/dev, sign in as %s, press Console", u.Broker, s.w.idp.People()[0].Username))

	s.line("3  The same person hops into the other account, dev/analyst, through the hub role")
	s.exchange(&s.r.CrossAccount)
	s.byHand("press Console beside dev/analyst in the portal")

	s.line("4  A pull request asks for prod/deploy")
	s.refusal()
	s.byHand(fmt.Sprintf(`TOKEN=$(curl -s -H 'Authorization: bearer %s' '%s&audience=%s&event=pull_request' | sed 's/.*"value":"\([^"]*\)".*/\1/')`, job.RequestToken.Reveal(), job.RequestURL, u.Broker),
		fmt.Sprintf(`curl -s %s/api/v1/explain -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"role": "prod/deploy"}'`, u.Broker))

	if s.stays {
		s.people()
	}
	return s.b.String()
}

func (s *story) exchange(x *Exchange) {
	a := x.Answered
	s.line("   who       %s, with %s", x.Asked.As, x.Asked.Proof)
	s.line("   AWS call  %s", x.STSAction)
	s.line("   keys      %s, secret %s, until %s", a.AccessKeyID, a.SecretAccessKey, a.Expiration.Local().Format(time.TimeOnly))
	if a.SourceIdentity != "" {
		s.line("   recorded  source identity %s", a.SourceIdentity)
	}
	s.line("   proof     GetCallerIdentity, signed: %s", x.AssumedRoleARN)
}

func (s *story) refusal() {
	r := s.r.Refusal
	s.line("   who       %s, with %s", r.Asked.As, r.Asked.Proof)
	s.line("   answer    %d %s: %s", r.Answered.Status, r.Code, r.Answered.Detail)
	for _, rule := range r.Explanation.Rules {
		for _, c := range rule.Conditions {
			if !c.Met {
				s.line("   because   rule %q wants %s %s = %s, but it is %s", rule.Rule, c.Kind, c.Key, c.Expected, c.Actual)
			}
		}
	}
}

func (s *story) byHand(commands ...string) {
	for i, c := range commands {
		label := "by hand"
		if i > 0 {
			label = ""
		}
		s.line("   %-9s %s", label, c)
	}
	s.line("")
}

func (s *story) people() {
	s.line("The portal is at %s. Sign in, by SAML or by OpenID Connect, as:", s.w.urls.Broker)
	for _, p := range s.w.idp.People() {
		s.line("   %-8s %-28s %s", p.Username, p.Password.Reveal(), strings.Join(p.Groups, ", "))
	}
	s.line("\nAt a terminal: fedbroker login --broker %s, then fedbroker roles.", s.w.urls.Broker)
	s.line("Ctrl-C ends the demo.")
}
