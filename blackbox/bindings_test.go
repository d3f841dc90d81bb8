package blackbox

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Proofs that are good, through the wrong door, in the wrong company, or in another browser.
func TestProofsOutOfPlace(t *testing.T) {
	var c tally
	corp, partner := &target{idp: "corp", entity: entityCorp}, &target{idp: "partner", entity: entityPartner}
	node, api := w.nodeURLs[0], w.nodeURLs[0]+"/api/v1/credentials"
	saml := func() string { return good(corp, attacker).form() }
	jwt := func() string { return workload("pinned", attackerSub).string() }
	form := func(pairs ...string) string {
		var b strings.Builder
		for i := 0; i+1 < len(pairs); i += 2 {
			b.WriteString("&" + url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
		}
		return strings.TrimPrefix(b.String(), "&")
	}
	for name, try := range map[string]attempt{
		"bearer and SAMLResponse": func() (answer, error) {
			return post(api, formType, form("SAMLResponse", saml()), "Authorization", "Bearer "+jwt())
		},
		"two Authorization headers": func() (answer, error) {
			return post(api, "application/json", "{}", "Authorization", "Bearer "+jwt(), "Authorization", "Bearer "+jwt())
		},
		"two tokens in one header": func() (answer, error) {
			return post(api, "application/json", "{}", "Authorization", "Bearer "+jwt()+", Bearer "+jwt())
		},
		"Basic":                  func() (answer, error) { return post(api, "application/json", "{}", "Authorization", "Basic "+jwt()) },
		"token in the query":     func() (answer, error) { return post(api+"?access_token="+jwt(), "application/json", "{}") },
		"token in the body":      func() (answer, error) { return post(api, "application/json", `{"token":"`+jwt()+`"}`) },
		"assertion in the query": func() (answer, error) { return post(api+"?"+form("SAMLResponse", saml()), formType, "") },
		"assertion twice": func() (answer, error) {
			return post(api, formType, form("SAMLResponse", saml(), "SAMLResponse", saml()))
		},
		"assertion as JSON": func() (answer, error) { return post(api, "application/json", `{"SAMLResponse":"`+saml()+`"}`) },
		"assertion as multipart": func() (answer, error) {
			return post(api, "multipart/form-data; boundary=x", form("SAMLResponse", saml()))
		},
		"assertion from a page": func() (answer, error) {
			return post(api, formType, form("SAMLResponse", saml()), "Origin", w.publicURL)
		},
		"assertion by navigation": func() (answer, error) {
			return post(api, formType, form("SAMLResponse", saml()), "Sec-Fetch-Mode", "navigate")
		},
		"unknown field": func() (answer, error) { return post(api, formType, form("SAMLResponse", saml(), "x", "y")) },
		"ACS: SAMLRequest beside": func() (answer, error) {
			return post(node+"/saml/corp/acs", formType, form("SAMLResponse", saml(), "SAMLRequest", "x"))
		},
		"ACS: response twice": func() (answer, error) {
			return post(node+"/saml/corp/acs", formType, form("SAMLResponse", saml(), "SAMLResponse", saml()))
		},
		"ACS: artifact":            func() (answer, error) { return post(node+"/saml/corp/acs", formType, form("SAMLart", "x")) },
		"ACS: nothing":             func() (answer, error) { return post(node+"/saml/corp/acs", formType, "") },
		"ACS: in the query":        func() (answer, error) { return post(node+"/saml/corp/acs?"+form("SAMLResponse", saml()), formType, "") },
		"ACS of another provider":  func() (answer, error) { return acs(node, "partner", saml(), pending{}) },
		"ACS of nobody":            func() (answer, error) { return acs(node, "nobody", saml(), pending{}) },
		"unasked where forbidden":  func() (answer, error) { return acs(node, "partner", partnerForm(partner, attacker), pending{}) },
		"partner speaks for corp":  func() (answer, error) { return direct(node, partnerForm(corp, victim)) },
		"partner speaks at corp's": func() (answer, error) { return acs(node, "corp", partnerForm(corp, victim), pending{}) },
		"partner's for corp's ACS": func() (answer, error) {
			return acs(node, "corp", partnerForm(&target{idp: "corp", entity: entityPartner}, victim), pending{})
		},
		"corp's for partner's ACS": func() (answer, error) {
			return direct(node, good(&target{idp: "partner", entity: entityCorp}, attacker).form())
		},
	} {
		c.hostile(t, name, true, try)
	}
	otherBrowsers(t, &c)
	c.report(t, "proofs out of place")
}

func partnerForm(t *target, subject string) string {
	m := good(t, subject)
	m.signA.key = partnerKey()
	return m.form()
}

// otherBrowsers answer a login that another browser began, or another provider was asked for.
func otherBrowsers(t *testing.T, c *tally) {
	t.Helper()
	start := func(idp string) pending {
		p, err := begin(w.nodeURLs[0], idp)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	mine, other, partners := start("corp"), start("corp"), start("partner")
	reply := func(p pending) string {
		return good(&target{idp: "corp", entity: entityCorp, inResponseTo: p.requestID}, victim).form()
	}
	c.hostile(t, "no cookie", true, func() (answer, error) { return acs(w.nodeURLs[1], "corp", reply(mine), pending{}) })
	c.hostile(t, "a cookie of another login", true, func() (answer, error) {
		return acs(w.nodeURLs[1], "corp", reply(mine), pending{relayState: mine.relayState, cookie: other.cookie})
	})
	c.hostile(t, "RelayState of another login", true, func() (answer, error) {
		return acs(w.nodeURLs[1], "corp", reply(mine), pending{relayState: other.relayState, cookie: other.cookie})
	})
	c.hostile(t, "another provider was asked", true, func() (answer, error) {
		return acs(w.nodeURLs[1], "corp", reply(partners), partners)
	})
	c.hostile(t, "no RelayState", true, func() (answer, error) {
		return post(w.nodeURLs[1]+"/saml/corp/acs", formType, url.Values{"SAMLResponse": {reply(mine)}}.Encode(), "Cookie", mine.cookie)
	})
	c.hostile(t, "an asked answer at the JSON API", true, func() (answer, error) { return direct(w.nodeURLs[0], reply(mine)) })
	c.good(t, "the right browser", func() (answer, error) {
		p := start("corp")
		return acs(w.nodeURLs[1], "corp", reply(p), p)
	}, func(a answer) error {
		if a.status != http.StatusSeeOther {
			return signsIn(victim)(a)
		}
		return nil
	})
}
