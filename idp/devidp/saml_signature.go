package devidp

import (
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

func badSignature() error {
	return refuse(http.StatusForbidden, "The SAML request is not signed with a key of the service provider.")
}

// redirectAlgorithm maps the signature algorithms that a redirect may use (RFC 4051; RSA, no SHA-1).
func redirectAlgorithm(uri string) (x509.SignatureAlgorithm, bool) {
	switch uri {
	case dsig.RSASHA256SignatureMethod:
		return x509.SHA256WithRSA, true
	case dsig.RSASHA384SignatureMethod:
		return x509.SHA384WithRSA, true
	case dsig.RSASHA512SignatureMethod:
		return x509.SHA512WithRSA, true
	}
	return 0, false
}

// checkRedirectSignature verifies the parameters in the encoding they came in (SAML bindings 3.4.4.1).
func checkRedirectSignature(rawQuery string, query map[string]string, certs []*x509.Certificate) error {
	algorithm, known := redirectAlgorithm(query["SigAlg"])
	signature, err := base64.StdEncoding.DecodeString(query["Signature"])
	signed, plain := signedOctets(rawQuery, query)
	if !known || err != nil || !plain {
		return badSignature()
	}
	if !slices.ContainsFunc(certs, func(c *x509.Certificate) bool {
		return c.CheckSignature(algorithm, signed, signature) == nil
	}) {
		return badSignature()
	}
	return nil
}

// signedOctets puts the parameters in the order that the binding signs them in. It fails when one that was read is
// spelled otherwise in the query ("Relay%53tate"): it would be read without being verified.
func signedOctets(rawQuery string, query map[string]string) (octets []byte, plain bool) {
	raw := map[string]string{}
	for part := range strings.SplitSeq(rawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		raw[name] = part
	}
	var parts []string
	for _, name := range []string{"SAMLRequest", "RelayState", "SigAlg"} {
		_, read := query[name]
		part, spelled := raw[name]
		if read != spelled {
			return nil, false
		}
		if read {
			parts = append(parts, part)
		}
	}
	return []byte(strings.Join(parts, "&")), true
}

// verifyEnveloped verifies a signed AuthnRequest and returns the bytes that the signature covers: nothing else is read.
func verifyEnveloped(doc []byte, certs []*x509.Certificate, now time.Time) ([]byte, error) {
	root, err := parseXML(doc)
	if err != nil {
		return nil, err
	}
	if !allowedSignature(root) {
		return nil, badSignature()
	}
	for _, cert := range certs {
		store := dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{cert}}
		validator := dsig.NewDefaultValidationContext(&store)
		validator.Clock = dsig.NewFakeClockAt(now)
		verified, err := validator.Validate(root.Copy())
		if err == nil {
			tree := etree.NewDocument()
			tree.SetRoot(verified)
			return tree.WriteToBytes()
		}
	}
	return nil, badSignature()
}

// allowedSignature wants exactly one signature, of an algorithm that is in force.
func allowedSignature(root *etree.Element) bool {
	methods := root.FindElements(".//SignatureMethod")
	digests := root.FindElements(".//DigestMethod")
	if len(methods) != 1 || len(digests) != 1 {
		return false
	}
	_, ok := redirectAlgorithm(attribute(methods[0], "Algorithm"))
	digest := attribute(digests[0], "Algorithm")
	return ok && (digest == "http://www.w3.org/2001/04/xmlenc#sha256" || digest == "http://www.w3.org/2001/04/xmlenc#sha512")
}
