package saml_test

import (
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

// Responses that xmlsec1 signed and encrypted (testdata/xmlsec/generate.py) are accepted: another
// canonicalisation, other prefixes, other line ends than ours.
func TestResponsesOfXMLSec(t *testing.T) {
	text, err := os.ReadFile("testdata/xmlsec/ec.pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	signer, _ := key.(crypto.Signer)
	i := idptest.NewSAMLIDP(clock)
	i.Keys = []idptest.SAMLKey{idptest.RSAKey(1), idptest.RSAKey(0), idptest.SelfSign(signer)}
	p := newProvider(t, i)
	files, err := filepath.Glob("testdata/xmlsec/*.xml")
	if err != nil || len(files) < 19 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			doc, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			id, err := finish(p, base64.StdEncoding.EncodeToString(doc))
			if err != nil {
				t.Fatal(err)
			}
			groups := id.Groups
			if id.Subject != alice || len(groups) != 2 || groups[0] != "staff" || groups[1] != "Zürich <&> \"q\" \r\t" {
				t.Errorf("got %q, %q", id.Subject, groups)
			}
		})
	}
}
