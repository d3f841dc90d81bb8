package interop_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp/devidp"
	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
)

// shape is what a Response looks like before anybody reads it.
type shape struct{ responseSigned, assertionSigned, encrypted bool }

func shapeOf(t *testing.T, encoded string) shape {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		t.Fatal(err)
	}
	return shape{
		responseSigned:  doc.FindElement("/Response/Signature") != nil,
		assertionSigned: doc.FindElement("/Response/Assertion/Signature") != nil,
		encrypted:       doc.FindElement("/Response/EncryptedAssertion") != nil,
	}
}

// asSimpleSAMLphp spells the broker's own metadata in SimpleSAMLphp's settings.
func asSimpleSAMLphp(t *testing.T, w world, settings map[string]any) map[string]any {
	t.Helper()
	sp, err := devidp.ParseServiceProvider([]byte(mustGet(t, w.brokerURL+"/saml/ssp/metadata")))
	if err != nil {
		t.Fatal(err)
	}
	if len(sp.SigningCerts) == 0 || sp.EncryptionCert == nil {
		t.Fatal("the broker's metadata lacks a key")
	}
	party := map[string]any{
		"AssertionConsumerService": sp.ACS[0], "validate.authnrequest": true,
		"keys": []any{
			map[string]any{"type": "X509Certificate", "signing": true, "X509Certificate": base64.StdEncoding.EncodeToString(sp.SigningCerts[0].Raw)},
			map[string]any{"type": "X509Certificate", "encryption": true, "X509Certificate": base64.StdEncoding.EncodeToString(sp.EncryptionCert.Raw)},
		},
	}
	for name, value := range settings {
		party[name] = value
	}
	return map[string]any{sp.EntityID: party}
}

func people() map[string][]string {
	return map[string][]string{
		"uid": {"alice"}, "mail": {"alice@example.com"}, "groups": {"developers", "aws-admins"},
		"https://aws.amazon.com/SAML/Attributes/Role":            {"arn:aws:iam::" + account + ":role/FromSAML," + provider},
		"https://aws.amazon.com/SAML/Attributes/RoleSessionName": {"alice"},
	}
}

func TestSimpleSAMLphpSignsPeopleIn(t *testing.T) {
	t.Parallel()
	ssp := startSimpleSAMLphp(t, people())
	w := startWorld(t, ssp, oidcProvider{})
	const gcm, cbc = "http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#aes256-cbc"
	for name, tc := range map[string]struct {
		settings map[string]any
		want     shape
	}{
		"assertion signed": {
			map[string]any{"saml20.sign.assertion": true, "saml20.sign.response": false},
			shape{assertionSigned: true},
		},
		"response signed": {
			map[string]any{"saml20.sign.assertion": false, "saml20.sign.response": true},
			shape{responseSigned: true},
		},
		"both signed": {
			map[string]any{"saml20.sign.assertion": true, "saml20.sign.response": true},
			shape{responseSigned: true, assertionSigned: true},
		},
		"encrypted, CBC": {
			map[string]any{"saml20.sign.assertion": true, "saml20.sign.response": false, "assertion.encryption": true, "sharedkey_algorithm": cbc},
			shape{encrypted: true},
		},
		"encrypted, GCM, both signed": {
			map[string]any{"saml20.sign.assertion": true, "saml20.sign.response": true, "assertion.encryption": true, "sharedkey_algorithm": gcm},
			shape{responseSigned: true, encrypted: true},
		},
		"encrypted, response signed": {
			map[string]any{"saml20.sign.assertion": false, "saml20.sign.response": true, "assertion.encryption": true, "sharedkey_algorithm": cbc},
			shape{responseSigned: true, encrypted: true},
		},
	} {
		t.Run(name, func(t *testing.T) {
			ssp.register(t, asSimpleSAMLphp(t, w, tc.settings))
			b := devclient.New(devclient.Options{})
			form, err := b.SAMLForm(t.Context(), w.brokerURL+"/login/ssp", alice())
			if err != nil {
				t.Fatal(err)
			}
			if got := shapeOf(t, form.Fields.Get("SAMLResponse")); got != tc.want {
				t.Fatalf("SimpleSAMLphp sent %+v, want %+v", got, tc.want)
			}
			portal, err := b.Submit(t.Context(), form)
			if err != nil {
				t.Fatal(err)
			}
			if portal.Status != http.StatusOK || portal.URL.Path != "/" {
				t.Fatalf("after the ACS: %d at %s\n%s", portal.Status, portal.URL, portal.Body)
			}
			answer, err := b.Fetch(t.Context(), portal, http.MethodPost, "/api/v1/credentials", `{"role": "interop/brokered"}`)
			if err != nil || answer.Status != http.StatusOK {
				t.Fatalf("credentials: %v, %d %s", err, answer.Status, answer.Body)
			}
			if arn := w.user.as(readKeys(t, string(answer.Body))).whoAmI(t); !strings.HasPrefix(arn, "arn:aws:sts::"+account+":assumed-role/Brokered/alice") {
				t.Errorf("the keys are %s", arn)
			}
			refusedAgain(t, w, b, form)
		})
	}
}

// refusedAgain sends the same response once more, and then to a new login after changing it: neither signs anybody in.
func refusedAgain(t *testing.T, w world, b *devclient.Browser, form *devclient.Form) {
	t.Helper()
	page, err := b.Submit(t.Context(), form)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status < 400 {
		t.Errorf("the same response was taken twice: %d at %s", page.Status, page.URL)
	}
	fresh := devclient.New(devclient.Options{})
	changed, err := fresh.SAMLForm(t.Context(), w.brokerURL+"/login/ssp", alice())
	if err != nil {
		t.Fatal(err)
	}
	changed.Fields.Set("SAMLResponse", otherAttribute(t, changed.Fields.Get("SAMLResponse")))
	page, err = fresh.Submit(t.Context(), changed)
	if err != nil {
		t.Fatal(err)
	}
	if page.Status < 400 {
		t.Errorf("a changed response was taken: %d at %s", page.Status, page.URL)
	}
	if roles, err := fresh.Fetch(t.Context(), page, http.MethodGet, "/api/v1/roles", ""); err != nil || roles.Status != http.StatusUnauthorized {
		t.Errorf("after a refused response: %v, %d", err, roles.Status)
	}
}

// otherAttribute changes what the assertion says: an attribute's text, or where that is encrypted the last ciphertext.
// A character somewhere could fall into KeyInfo, which no signature covers and nobody reads.
func otherAttribute(t *testing.T, encoded string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	doc := string(raw)
	if strings.Contains(doc, ">developers<") {
		doc = strings.Replace(doc, ">developers<", ">auditors<", 1)
	} else {
		start := strings.LastIndex(doc, "CipherValue>")
		start = strings.LastIndex(doc[:start], "CipherValue>") + len("CipherValue>")
		doc = doc[:start] + tampered(doc[start:])
	}
	return base64.StdEncoding.EncodeToString([]byte(doc))
}

// samlAssertion signs alice in at SimpleSAMLphp for AWS itself and returns the Response.
func samlAssertion(t *testing.T, ssp *simpleSAMLphp) string {
	t.Helper()
	form, err := devclient.New(devclient.Options{}).SAMLForm(t.Context(), ssp.baseURL+"/saml2/idp/SSOService.php?spentityid="+url.QueryEscape("urn:amazon:webservices"), alice())
	if err != nil {
		t.Fatal(err)
	}
	return form.Fields.Get("SAMLResponse")
}

// awsParty is AWS as a service provider of SimpleSAMLphp.
func awsParty(w world) map[string]any {
	return map[string]any{"urn:amazon:webservices": map[string]any{
		"AssertionConsumerService": w.awsURL + "/saml", "saml20.sign.assertion": true, "saml20.sign.response": true,
	}}
}
