package issuer_test

import (
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/broker/issuer"
)

func TestCheckTellsWhatAWSWouldMind(t *testing.T) {
	for url, want := range map[string]string{
		"https://aws.example.com":                             "",
		"https://aws.example.com/broker":                      "",
		"http://aws.example.com":                              "not https",
		"https://aws.example.com:8443":                        "has a port",
		"https://aws.example.com:443":                         "has a port",
		"https://aws.example.com:":                            "has a port",
		"https://aws.example.com?x=1":                         "has a query",
		"https://aws.example.com?":                            "has a query",
		"https://aws.example.com#x":                           "has a fragment",
		"https://u@aws.example.com":                           "names a user",
		"https://aws.example.com/":                            "ends in a slash",
		"https://AWS.example.com":                             "capitals",
		"https://aws.example.com/" + strings.Repeat("a", 240): "longer than 255",
		"https://localhost":                                   "not a public host",
		"https://127.0.0.1":                                   "not a public host",
		"https://10.0.0.8":                                    "not a public host",
		"https://[::1]":                                       "not a public host",
		"https://broker":                                      "not a public host",
		"https://broker.internal":                             "not a public host",
		"aws.example.com":                                     "not a URL",
		"":                                                    "not a URL",
		"https://":                                            "not a URL",
	} {
		problems := strings.Join(issuer.Check(url), "\n")
		if (want == "") != (problems == "") || !strings.Contains(problems, want) {
			t.Errorf("Check(%q) = %q, want %q", url, problems, want)
		}
	}
	if got := issuer.Check("http://localhost:8080/?x"); len(got) != 4 {
		t.Errorf("all problems at once: %q", got)
	}
}

func TestIssuerURL(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://aws.example.com":           true,
		"https://aws.example.com:8443/path": true,
		"http://127.0.0.1:8080":             true,
		"http://[::1]:8080":                 true,
		"http://localhost:8080":             true,
		"http://broker.localhost:8080":      true,

		"":                               false,
		"aws.example.com":                false,
		"http://aws.example.com":         false,
		"http://localhost.example.com":   false,
		"ftp://aws.example.com":          false,
		"https://":                       false,
		"https://u:p@aws.example.com":    false,
		"https://aws.example.com/":       false,
		"https://aws.example.com?":       false,
		"https://aws.example.com#":       false,
		"https://aws.example.com/a b":    false,
		"https://aws.example.com/\x7f":   false,
		"https:aws.example.com":          false,
		"https://aws.example.com/\u2028": false,
	} {
		_, err := issuer.New(issuer.Options{URL: url, Keys: fixed(t, issuer.PurposeJWT, pkcs8(ecKeyP256))})
		if (err == nil) != ok {
			t.Errorf("issuer URL %q: %v", url, err)
		}
		_, err = issuer.New(issuer.Options{
			URL: issuerURL, Keys: fixed(t, issuer.PurposeJWT, pkcs8(ecKeyP256)),
			SAML: &issuer.SAMLOptions{Keys: fixed(t, issuer.PurposeSAML, pkcs8(rsaKey())+certificate(rsaKey())), Recipient: url},
		})
		if (err == nil) != (ok || url == "") {
			t.Errorf("SAML recipient %q: %v", url, err)
		}
	}
}

func TestOptions(t *testing.T) {
	keys := fixed(t, issuer.PurposeJWT, pkcs8(ecKeyP256))
	for name, o := range map[string]issuer.Options{
		"no keys":           {URL: issuerURL},
		"no SAML keys":      {URL: issuerURL, Keys: keys, SAML: &issuer.SAMLOptions{}},
		"a long audience":   {URL: issuerURL, Keys: keys, Audience: strings.Repeat("a", 256)},
		"a long entity id":  {URL: issuerURL, Keys: keys, SAML: &issuer.SAMLOptions{EntityID: strings.Repeat("a", 1025), Keys: fixed(t, issuer.PurposeSAML, pkcs8(rsaKey())+certificate(rsaKey()))}},
		"a blank entity id": {URL: issuerURL, Keys: keys, SAML: &issuer.SAMLOptions{EntityID: "a b", Keys: fixed(t, issuer.PurposeSAML, pkcs8(rsaKey())+certificate(rsaKey()))}},
	} {
		if _, err := issuer.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if i := newIssuer(t); i.Audience() != "sts.amazonaws.com" || i.URL() != issuerURL {
		t.Errorf("audience %q, url %q", i.Audience(), i.URL())
	}
}
