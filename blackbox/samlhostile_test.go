package blackbox

import (
	"bytes"
	"compress/flate"
	"crypto"
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // hostile on purpose
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"hash"
	"strings"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/idptest"
)

// badSAML is one hostile Response, made when it is sent: it answers a request that exists only then.
type badSAML struct {
	name   string
	forged bool // nobody may be believed; otherwise the provider vouches for a form that is refused
	make   func() string
}

// hostileSAML makes a fresh batch for the provider corp.
func hostileSAML(tb testing.TB, t *target) []badSAML {
	cert := spCert(tb)
	var out []badSAML
	for _, family := range []func(*target) []badSAML{
		wrapping, unsignedSAML, wrongKeys, signatureShapes, algorithms, twoDigests, names, issuers, audiences, recipients, destinations, samlTimes, statuses, structure, encodings, doctypes, answers,
		func(t *target) []badSAML { return encrypted(t, cert) },
	} {
		out = append(out, family(t)...)
	}
	return out
}

// altered makes the sender's own message and changes it before it is signed: the provider vouches for all of it.
func altered(t *target, name string, change func(*message)) badSAML {
	return badSAML{name, false, func() string {
		m := good(t, attacker)
		change(m)
		return m.form()
	}}
}

// forgery is a message that no configured provider vouches for.
func forgery(t *target, name string, change func(*message)) badSAML {
	return badSAML{name, true, func() string {
		m := good(t, victim)
		change(m)
		return m.form()
	}}
}

func unsignedSAML(t *target) []badSAML {
	return []badSAML{
		forgery(t, "unsigned", func(m *message) { m.signA = nil }),
		forgery(t, "empty signature", func(m *message) {
			m.signA.change = func(string) string { return `<ds:Signature xmlns:ds="` + nsDS + `"/>` }
		}),
		forgery(t, "no SignatureValue", func(m *message) {
			m.signA.change = func(s string) string { return cut(s, "<ds:SignatureValue>", "</ds:SignatureValue>") }
		}),
		forgery(t, "empty SignatureValue", func(m *message) { m.signA.hmac = func([]byte) []byte { return nil } }),
		forgery(t, "no SignedInfo", func(m *message) {
			m.signA.change = func(s string) string { return cut(s, "<ds:SignedInfo>", "</ds:SignedInfo>") }
		}),
		forgery(t, "no Reference", func(m *message) {
			m.signA.info = func(s string) string { return cut(s, "<ds:Reference ", "</ds:Reference>") }
			m.signA.key = foreignKey()
		}),
		forgery(t, "signature in another namespace", func(m *message) {
			m.signA.change = func(s string) string { return strings.ReplaceAll(s, nsDS, "urn:x") }
		}),
		forgery(t, "signature in a comment", func(m *message) {
			m.signA.change = func(s string) string { return "<!--" + s + "-->" }
		}),
		forgery(t, "status without assertion", func(m *message) {
			m.signA = nil
			m.preR = func(s string) string { return cut(s, "<saml:Assertion", "</saml:Assertion>") }
		}),
		{"borrowed signature", true, func() string { return borrowed(t) }},
	}
}

func cut(text, from, to string) string {
	start, end := strings.Index(text, from), strings.Index(text, to)
	if start < 0 || end < 0 {
		return text
	}
	return text[:start] + text[end+len(to):]
}

func borrowed(t *target) string {
	_, sig := split(good(t, attacker).assertion())
	m := good(t, victim)
	m.signA.change = func(string) string { return sig }
	return m.form()
}

func wrongKeys(t *target) []badSAML {
	twin := idptest.SelfSign(foreignKey().Signer)
	corpCert := base64.StdEncoding.EncodeToString(corpKey().Cert.Raw)
	foreignCert := base64.StdEncoding.EncodeToString(foreignKey().Cert.Raw)
	x509s := func(certs ...string) string {
		return "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>" + strings.Join(certs, "</ds:X509Certificate><ds:X509Certificate>") + "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
	}
	url := w.idps.URL + "/canary/saml"
	var out []badSAML
	for name, info := range map[string]string{
		"own certificate": "", "none": "-", "trusted certificate": x509s(corpCert), "trusted, then foreign": x509s(corpCert, foreignCert), "foreign, then trusted": x509s(foreignCert, corpCert), "KeyName": "<ds:KeyInfo><ds:KeyName>../../../dev/null</ds:KeyName></ds:KeyInfo>",
		"KeyValue": keyValue(), "RetrievalMethod": `<ds:KeyInfo><ds:RetrievalMethod URI="` + url + `"/></ds:KeyInfo>`, "IssuerSerial": "<ds:KeyInfo><ds:X509Data><ds:X509IssuerSerial><ds:X509IssuerName>CN=x</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial></ds:X509Data></ds:KeyInfo>",
		"rubbish": x509s("AAAA"), "empty": "<ds:KeyInfo/>",
	} {
		out = append(out,
			forgery(t, "foreign key, KeyInfo "+name, func(m *message) { m.signA = &signature{key: foreignKey(), keyInfo: info} }),
			forgery(t, "foreign key over response, KeyInfo "+name, func(m *message) { m.signA, m.signR = nil, &signature{key: foreignKey(), keyInfo: info} }),
		)
	}
	return append(out,
		forgery(t, "twin certificate", func(m *message) { m.signA = &signature{key: twin} }),
		forgery(t, "key of another provider", func(m *message) { m.signA = &signature{key: partnerKey()} }),
		forgery(t, "key of another provider over response", func(m *message) { m.signA, m.signR = nil, &signature{key: partnerKey()} }),
		forgery(t, "response by another provider around nothing", func(m *message) { m.signA, m.signR = nil, &signature{key: partnerKey(), keyInfo: "-"} }),
		forgery(t, "both signed, assertion foreign", func(m *message) { m.signA, m.signR = &signature{key: foreignKey()}, &signature{key: corpKey()} }),
		forgery(t, "both signed, response foreign", func(m *message) { m.signR = &signature{key: foreignKey()} }),
		forgery(t, "weak key", func(m *message) { m.signA = &signature{key: idptest.WeakRSAKey()} }),
	)
}

func keyValue() string {
	k := keysOfIssuers().foreignRSA
	return "<ds:KeyInfo><ds:KeyValue><ds:RSAKeyValue><ds:Modulus>" + base64.StdEncoding.EncodeToString(k.N.Bytes()) + "</ds:Modulus><ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue></ds:KeyInfo>"
}

// signatureShapes are signatures by the right key over something else, or in a form with two meanings.
func signatureShapes(t *target) []badSAML {
	transform := func(uris ...string) string {
		var b strings.Builder
		b.WriteString("<ds:Transforms>")
		for _, u := range uris {
			b.WriteString(`<ds:Transform Algorithm="` + u + `"></ds:Transform>`)
		}
		return b.String() + "</ds:Transforms>"
	}
	var out []badSAML
	for name, transforms := range map[string]string{
		"none": "<ds:Transforms></ds:Transforms>", "only enveloped": transform(envSig), "only c14n": transform(excC14), "wrong order": transform(excC14, envSig), "base64": transform(envSig, nsDS+"base64"), "xslt": transform(envSig, "http://www.w3.org/TR/1999/REC-xslt-19991116"), "xpath": transform(envSig, "http://www.w3.org/TR/1999/REC-xpath-19991116"),
		"xpath filter": transform(envSig, "http://www.w3.org/2002/06/xmldsig-filter2"), "three": transform(envSig, excC14, excC14), "five": transform(envSig, excC14, excC14, excC14, excC14), "unknown": transform(envSig, "urn:x"), "inclusive c14n": transform(envSig, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "c14n 1.1": transform(envSig, "http://www.w3.org/2006/12/xml-c14n11"),
	} {
		out = append(out, altered(t, "transforms "+name, func(m *message) { m.signA.transforms = transforms }))
	}
	for name, uri := range map[string]string{"empty": "-", "other": "#_other", "xpointer": "#xpointer(/)", "xpointer id": "#xpointer(id('x'))", "http": w.idps.URL + "/canary/ref", "file": "file:///etc/passwd", "no hash": "x", "two hashes": "##x"} {
		out = append(out, altered(t, "reference "+name, func(m *message) { m.signA.uri = uri }))
	}
	dup := func(s string) string {
		start, end := strings.Index(s, "<ds:Reference "), strings.Index(s, "</ds:Reference>")+len("</ds:Reference>")
		return s[:end] + s[start:end] + s[end:]
	}
	for name, change := range map[string]func(string) string{
		"two references": dup,
		"comment in digest": func(s string) string {
			return strings.Replace(s, "<ds:DigestValue>", "<ds:DigestValue><!--AAAA-->", 1)
		},
		"digest in comment": func(s string) string {
			return strings.NewReplacer("<ds:DigestValue>", "<ds:DigestValue><!--", "</ds:DigestValue>", "--></ds:DigestValue>").Replace(s)
		},
		"two digests": func(s string) string {
			return strings.Replace(s, "<ds:DigestValue>", "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>", 1)
		},
		"two SignatureMethods": func(s string) string {
			return strings.Replace(s, "<ds:SignatureMethod ", `<ds:SignatureMethod Algorithm="`+nsDS+`hmac-sha1"></ds:SignatureMethod><ds:SignatureMethod `, 1)
		},
		"HMACOutputLength": func(s string) string {
			return strings.Replace(s, "</ds:SignatureMethod>", "<ds:HMACOutputLength>8</ds:HMACOutputLength></ds:SignatureMethod>", 1)
		},
		"no Transforms": func(s string) string { return cut(s, "<ds:Transforms>", "</ds:Transforms>") },
		"two C14N methods": func(s string) string {
			return strings.Replace(s, "<ds:SignatureMethod ", `<ds:CanonicalizationMethod Algorithm="`+excC14+`"></ds:CanonicalizationMethod><ds:SignatureMethod `, 1)
		},
	} {
		out = append(out, altered(t, "SignedInfo with "+name, func(m *message) { m.signA.info = change }))
	}
	fake := func(s string) string {
		start, end := strings.Index(s, "<ds:SignedInfo>"), strings.Index(s, "</ds:SignedInfo>")+len("</ds:SignedInfo>")
		return s[start:end]
	}
	for name, change := range map[string]func(string) string{
		"second SignedInfo before": func(s string) string { return strings.Replace(s, "<ds:SignedInfo>", fake(s)+"<ds:SignedInfo>", 1) },
		"second SignedInfo after": func(s string) string {
			return strings.Replace(s, "<ds:SignatureValue>", fake(s)+"<ds:SignatureValue>", 1)
		},
		"SignedInfo in Object":  func(s string) string { return (&pieces{}).inObject(s, fake(s)) },
		"SignedInfo in KeyInfo": func(s string) string { return (&pieces{}).inKeyInfo(s, fake(s)) },
		"two values": func(s string) string {
			return strings.Replace(s, "<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>", 1)
		},
		"comment in value": func(s string) string {
			return strings.Replace(s, "<ds:SignatureValue>", "<ds:SignatureValue><!--x-->", 1)
		},
		"two signatures": func(s string) string { return s + s },
		"element in value": func(s string) string {
			return strings.Replace(s, "<ds:SignatureValue>", "<ds:SignatureValue><x/>", 1)
		},
		"two KeyInfo": func(s string) string {
			return strings.Replace(s, "<ds:KeyInfo>", "<ds:KeyInfo></ds:KeyInfo><ds:KeyInfo>", 1)
		},
		"empty Object": func(s string) string { return (&pieces{}).inObject(s, "") },
		"comment":      func(s string) string { return strings.Replace(s, "<ds:KeyInfo>", "<!--x--><ds:KeyInfo>", 1) },
	} {
		out = append(out, altered(t, "Signature with "+name, func(m *message) { m.signA.change = change }))
	}
	empty := sha256.Sum256(nil)
	return append(out,
		altered(t, "digest of nothing", func(m *message) { m.signA.digest = empty[:] }),
		altered(t, "digest of zeros", func(m *message) { m.signA.digest = make([]byte, 32) }),
		altered(t, "short digest", func(m *message) { m.signA.digest = []byte{1} }),
		altered(t, "no assertion ID", func(m *message) { m.assertID = "-"; m.signA.uri = "#-" }),
		altered(t, "empty assertion ID", func(m *message) { m.assertID = ""; m.signA.uri = "-" }),
		altered(t, "ID changed afterwards", func(m *message) {
			id := m.assertID
			m.post = func(s string) string { return strings.ReplaceAll(s, id, randomID()) }
		}),
		forgery(t, "name changed afterwards", func(m *message) {
			m.nameID = strings.Replace(m.nameID, victim, attacker, 1)
			m.post = func(s string) string { return strings.ReplaceAll(s, attacker, victim) }
		}),
		altered(t, "signature after the subject", func(m *message) {
			m.preA = func(s string) string {
				return strings.Replace(strings.Replace(s, slotA, "", 1), "</saml:Subject>", "</saml:Subject>"+slotA, 1)
			}
			m.signA.alg = nsDS + "dsa-sha1"
		}),
		altered(t, "relative namespace", func(m *message) {
			m.assertAttrs = ` xmlns:rel="relative"`
			m.signA.digest = empty[:]
		}),
	)
}

// twoDigests carry the signed SignedInfo, or its digest, beside a false one that fits the forged assertion.
func twoDigests(t *target) []badSAML {
	var out []badSAML
	for name, place := range map[string]func(sig, genuine, fake, digest string) string{
		"false before":     func(sig, genuine, fake, _ string) string { return strings.Replace(sig, genuine, fake+genuine, 1) },
		"false after":      func(sig, genuine, fake, _ string) string { return strings.Replace(sig, genuine, genuine+fake, 1) },
		"false in Object":  func(sig, _, fake, _ string) string { return (&pieces{}).inObject(sig, fake) },
		"false in KeyInfo": func(sig, _, fake, _ string) string { return (&pieces{}).inKeyInfo(sig, fake) },
		"genuine in Object": func(sig, genuine, fake, _ string) string {
			return (&pieces{}).inObject(strings.Replace(sig, genuine, fake, 1), genuine)
		},
		"genuine in KeyInfo": func(sig, genuine, fake, _ string) string {
			return (&pieces{}).inKeyInfo(strings.Replace(sig, genuine, fake, 1), genuine)
		},
		"genuine inside false": func(sig, genuine, fake, _ string) string {
			return strings.Replace(sig, genuine, strings.Replace(fake, "</ds:SignedInfo>", genuine+"</ds:SignedInfo>", 1), 1)
		},
		"digest in a comment": func(sig, _, _, digest string) string {
			return strings.Replace(sig, "<ds:DigestValue>", "<ds:DigestValue><!--"+digest+"-->", 1)
		},
		"digest in a comment end": func(sig, _, _, digest string) string {
			return strings.Replace(sig, "</ds:DigestValue>", "<!--"+digest+"--></ds:DigestValue>", 1)
		},
		"digest twice": func(sig, _, _, digest string) string {
			return strings.Replace(sig, "<ds:DigestValue>", "<ds:DigestValue>"+digest+"</ds:DigestValue><ds:DigestValue>", 1)
		},
	} {
		out = append(out, forgery(t, "two SignedInfo, "+name, func(m *message) {
			genuine := good(t, attacker)
			genuine.assertID = m.assertID
			_, sig := split(genuine.assertion())
			start, end := strings.Index(sig, "<ds:SignedInfo>"), strings.Index(sig, "</ds:SignedInfo>")+len("</ds:SignedInfo>")
			m.signA.change = func(own string) string {
				fake := own[strings.Index(own, "<ds:SignedInfo>") : strings.Index(own, "</ds:SignedInfo>")+len("</ds:SignedInfo>")]
				digest := fake[strings.Index(fake, "<ds:DigestValue>")+len("<ds:DigestValue>") : strings.Index(fake, "</ds:DigestValue>")]
				return place(sig, sig[start:end], fake, digest)
			}
		}))
	}
	return out
}

func algorithms(t *target) []badSAML {
	corp := corpKey()
	var out []badSAML
	for _, alg := range []string{
		nsDS + "rsa-sha1", nsDS + "dsa-sha1", nsDS + "hmac-sha1", moreDS + "hmac-sha256", moreDS + "hmac-sha512", moreDS + "rsa-md5", moreDS + "rsa-ripemd160", moreDS + "rsa-sha224", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", moreDS + "ecdsa-sha256", moreDS + "ecdsa-sha1", "", "none", "http://www.w3.org/2000/09/xmldsig#none", "RS256",
		moreDS + "RSA-SHA256", " " + moreDS + "rsa-sha256", moreDS + "rsa-sha512",
	} {
		out = append(out, altered(t, "method "+alg, func(m *message) { m.signA.alg = alg + "\u0020"[:boolInt(alg == "")] }))
	}
	for _, digest := range []string{nsDS + "sha1", moreDS + "md5", moreDS + "sha224", "urn:none", nsEnc + "sha512", nsEnc + "ripemd160", " " + nsEnc + "sha256"} {
		out = append(out, altered(t, "digest "+digest, func(m *message) { m.signA.digestAlg = digest }))
	}
	for _, c14n := range []string{"http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "http://www.w3.org/2006/12/xml-c14n11", "urn:x", "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments"} {
		out = append(out, altered(t, "canonicalisation "+c14n, func(m *message) { m.signA.c14n = c14n }))
	}
	out = append(out, altered(t, "SHA-1", func(m *message) { m.signA.hash = crypto.SHA1 }), altered(t, "SHA-1 over response", func(m *message) { m.signA, m.signR = nil, &signature{key: corp, hash: crypto.SHA1} }))
	pkix, _ := x509.MarshalPKIXPublicKey(corp.Signer.Public())
	for name, secret := range map[string][]byte{"certificate": corp.Cert.Raw, "key": pkix, "base64": []byte(base64.StdEncoding.EncodeToString(corp.Cert.Raw)), "empty": {}, "entity": []byte(t.entity)} {
		for uri, h := range map[string]func() hash.Hash{nsDS + "hmac-sha1": sha1.New, moreDS + "hmac-sha256": sha256.New} {
			out = append(out, forgery(t, "HMAC "+name+" "+uri, func(m *message) {
				m.signA = &signature{key: idptest.SAMLKey{Cert: corp.Cert}, alg: uri, hmac: func(signed []byte) []byte {
					mac := hmac.New(h, secret)
					mac.Write(signed)
					return mac.Sum(nil)
				}}
			}))
		}
	}
	for name, sig := range map[string][]byte{"zero": make([]byte, 256), "one": append(make([]byte, 255), 1), "short": {1}, "long": bytes.Repeat([]byte{1}, 5000), "empty": {}} {
		out = append(out, forgery(t, "RSA value "+name, func(m *message) { m.signA.hmac = func([]byte) []byte { return sig } }))
	}
	for name, sig := range map[string][]byte{"zero": make([]byte, 64), "short": make([]byte, 63), "ones": bytes.Repeat([]byte{255}, 64)} {
		out = append(out, forgery(t, "ECDSA value "+name, func(m *message) {
			m.signA = &signature{key: corpECKey(), hmac: func([]byte) []byte { return sig }}
		}))
	}
	return append(out, altered(t, "ECDSA in DER", func(m *message) { m.signA = &signature{key: corpECKey(), der: true} }))
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// names put markup and look-alikes into the NameID. A provider that lets its users choose their name signs them all.
func names(t *target) []badSAML {
	var out []badSAML
	for name, inner := range map[string]string{
		"comment": "victim<!---->@corp.example", "comment at the end": victim + "<!---->.evil.example", "CDATA": "<![CDATA[" + victim + "]]>.evil.example", "half CDATA": "victim<![CDATA[@corp.example]]>", "instruction": victim + "<?x y?>.evil.example", "element": victim + "<x/>.evil.example", "element around": "<x>" + victim + "</x>", "empty": "", "blank": " ", "no-break": "\u00a0", "zero width": victim + "\u200b", "padded": " " + victim + " ", "newline": victim + "\n", "tab": "\t" + victim,
		"soft hyphen": "vic\u00adtim@corp.example", "direction": "\u202e" + victim, "word joiner": victim + "\u2060", "line separator": victim + "\u2028", "variation": victim + "\ufe0f", "hangul filler": "\u3164", "braille": "\u2800", "BOM": "\ufeff" + victim, "long": strings.Repeat("a", 5000), "nested": `<saml:NameID>` + victim + `</saml:NameID>`, "carriage return": victim + "&#13;", "tag": victim + "\U000e0001",
	} {
		out = append(out, altered(t, "name "+name, func(m *message) { m.nameID = "<saml:NameID>" + inner + "</saml:NameID>" }))
	}
	nameID := "<saml:NameID>" + attacker + "</saml:NameID>"
	other := "<saml:NameID>" + victim + "</saml:NameID>"
	for name, whole := range map[string]string{
		"none": "-", "two": nameID + other, "two the other way": other + nameID, "BaseID": `<saml:BaseID NameQualifier="x"/>`, "both": nameID + `<saml:BaseID/>`, "EncryptedID": `<saml:EncryptedID/>`, "other namespace": `<x:NameID xmlns:x="urn:x">` + victim + `</x:NameID>`, "and another": nameID + `<x:NameID xmlns:x="urn:x">` + victim + `</x:NameID>`, "lower case": "<saml:nameID>" + victim + "</saml:nameID>",
	} {
		out = append(out, altered(t, "names "+name, func(m *message) { m.nameID = whole }))
	}
	return out
}

func issuers(t *target) []badSAML {
	var out []badSAML
	for name, issuer := range map[string]string{
		"other": issuerXML("https://evil.example"), "partner": issuerXML(entityPartner), "empty": issuerXML(""), "padded": issuerXML(" " + t.entity), "comment": issuerXML("https://<!-- -->idp.corp.example/metadata"), "comment at the end": issuerXML(t.entity + "<!---->x"), "CDATA": issuerXML("<![CDATA[" + t.entity + "]]>x"), "instruction": issuerXML(t.entity + "<?x?>"), "element": issuerXML(t.entity + "<x/>"), "two": issuerXML(t.entity) + issuerXML(t.entity), "case": issuerXML(strings.ToUpper(t.entity)), "slash": issuerXML(t.entity + "/"),
		"format": `<saml:Issuer Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress">` + t.entity + "</saml:Issuer>", "other namespace": `<x:Issuer xmlns:x="urn:x">` + t.entity + `</x:Issuer>`,
	} {
		out = append(out, altered(t, "issuer of the assertion "+name, func(m *message) { m.assertIssuer = issuer }),
			altered(t, "issuer of the response "+name, func(m *message) { m.respIssuer, m.signR = issuer, &signature{key: corpKey()} }))
	}
	return append(out,
		altered(t, "assertion without issuer", func(m *message) { m.assertIssuer = "-" }),
		altered(t, "signed response without issuer", func(m *message) { m.respIssuer, m.signA, m.signR = "-", nil, &signature{key: corpKey()} }),
		altered(t, "no issuer at all", func(m *message) { m.respIssuer, m.assertIssuer = "-", "-" }),
		forgery(t, "partner's assertion in corp's response", func(m *message) {
			m.signA, m.assertIssuer = &signature{key: partnerKey()}, issuerXML(entityPartner)
		}),
	)
}

func audiences(t *target) []badSAML {
	ours := t.audience()
	out := []badSAML{}
	add := func(name, inner string) {
		out = append(out, altered(t, "audience "+name, func(m *message) { m.conditions = conditionsXML(stamp(-time.Minute), stamp(5*time.Minute), inner) }))
	}
	for name, aud := range map[string]string{
		"other": "https://other.example", "empty": "", "prefix": ours[:len(ours)-1], "longer": ours + "/", "case": strings.ToUpper(ours), "padded": " " + ours, "comment": ours[:10] + "<!-- -->" + ours[10:] + "x", "comment at the end": ours + "<!-- -->x", "CDATA": "<![CDATA[" + ours + "]]>x", "instruction": ours + "<?x?>y", "element": ours + "<x/>", "partner's": strings.Replace(ours, "/corp/", "/partner/", 1), "the ACS": t.acs(), "origin": w.publicURL,
	} {
		add(name, audienceXML(aud))
	}
	add("no restriction", "")
	add("empty restriction", "<saml:AudienceRestriction></saml:AudienceRestriction>")
	add("two restrictions, one not ours", audienceXML(ours)+audienceXML("https://other.example"))
	add("two the other way", audienceXML("https://other.example")+audienceXML(ours))
	add("other namespace", `<x:AudienceRestriction xmlns:x="urn:x"><x:Audience>`+ours+`</x:Audience></x:AudienceRestriction>`)
	add("unknown condition", audienceXML(ours)+`<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="x"/>`)
	add("do not cache", audienceXML(ours)+`<saml:DoNotCacheCondition/>`)
	return append(out,
		altered(t, "no conditions", func(m *message) { m.conditions = "-" }),
		altered(t, "two conditions", func(m *message) { m.conditions += m.conditions }),
	)
}

func recipients(t *target) []badSAML {
	var out []badSAML
	for name, r := range map[string]string{"other": "https://other.example/acs", "empty": "", "prefix": t.acs()[:len(t.acs())-1], "longer": t.acs() + "/", "query": t.acs() + "?x", "case": strings.ToUpper(t.acs()), "partner's": strings.Replace(t.acs(), "/corp/", "/partner/", 1), "padded": " " + t.acs(), "other scheme": strings.Replace(t.acs(), "http:", "https:", 1), "path": "/saml/corp/acs", "dots": strings.Replace(t.acs(), "/corp/", "/x/../corp/", 1)} {
		out = append(out, altered(t, "recipient "+name, func(m *message) { m.confirm = strings.Replace(m.confirm, `"`+t.acs()+`"`, `"`+r+`"`, 1) }))
	}
	bearerMethod := "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	for name, method := range map[string]string{"holder of key": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key", "sender vouches": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", "empty": "", "case": strings.ToUpper(bearerMethod), "unknown": "urn:x", "SAML 1": "urn:oasis:names:tc:SAML:1.0:cm:bearer"} {
		out = append(out, altered(t, "confirmation method "+name, func(m *message) { m.confirm = strings.Replace(m.confirm, bearerMethod, method, 1) }))
	}
	return append(out,
		altered(t, "no confirmation", func(m *message) { m.confirm = "-" }),
		altered(t, "no confirmation data", func(m *message) { m.confirm = `<saml:SubjectConfirmation Method="` + bearerMethod + `"/>` }),
		altered(t, "two confirmation data", func(m *message) {
			m.confirm = strings.Replace(m.confirm, "</saml:SubjectConfirmation>", `<saml:SubjectConfirmationData Recipient="`+t.acs()+`" NotOnOrAfter="`+stamp(time.Hour)+`"/></saml:SubjectConfirmation>`, 1)
		}),
		altered(t, "no recipient", func(m *message) { m.confirm = strings.Replace(m.confirm, ` Recipient="`+t.acs()+`"`, "", 1) }),
		altered(t, "confirmation without end", func(m *message) {
			m.confirm = `<saml:SubjectConfirmation Method="` + bearerMethod + `"><saml:SubjectConfirmationData Recipient="` + t.acs() + `"` + t.answering() + `/></saml:SubjectConfirmation>`
		}),
	)
}

func destinations(t *target) []badSAML {
	var out []badSAML
	for name, d := range map[string]string{"absent": "-", "other": "https://other.example/acs", "empty": "", "prefix": t.acs()[:len(t.acs())-1], "longer": t.acs() + "x", "query": t.acs() + "?x", "case": strings.ToUpper(t.acs()), "partner's": strings.Replace(t.acs(), "/corp/", "/partner/", 1), "padded": t.acs() + " ", "other scheme": strings.Replace(t.acs(), "http:", "https:", 1), "javascript": "javascript:alert(1)", "other port": strings.Replace(t.acs(), "localhost:", "localhost:1", 1)} {
		out = append(out, altered(t, "destination "+name, func(m *message) { m.dest = d }), altered(t, "signed destination "+name, func(m *message) { m.dest, m.signR = d, &signature{key: corpKey()} }))
	}
	return out
}

func samlTimes(t *target) []badSAML {
	past, future := stamp(-10*time.Minute), stamp(10*time.Minute)
	var out []badSAML
	add := func(name string, change func(*message)) { out = append(out, altered(t, "time "+name, change)) }
	cond := func(from, until string) func(*message) {
		return func(m *message) { m.conditions = conditionsXML(from, until, audienceXML(t.audience())) }
	}
	add("conditions over", cond(stamp(-time.Hour), stamp(-2*time.Minute)))
	add("conditions not yet", cond(stamp(3*time.Minute), stamp(time.Hour)))
	add("conditions backwards", cond(stamp(40*time.Second), stamp(-40*time.Second)))
	add("conditions without end", func(m *message) {
		m.conditions = strings.Replace(m.conditions, " NotOnOrAfter=", " NotOnOrAfterX=", 1)
	})
	for name, until := range map[string]string{
		"no zone": "2099-01-01T00:00:00", "date": "2099-01-01", "empty": "", "text": "never", "seconds": "4070908800", "year 10000": "10000-01-01T00:00:00Z", "negative": "-0001-01-01T00:00:00Z", "month 13": "2099-13-01T00:00:00Z", "24:00": "2099-01-01T24:00:00Z", "leap second": "2099-06-30T23:59:60Z", "comma": "2099-01-01T00:00:00,5Z", "60000 digits": "2099-01-01T00:00:00." + strings.Repeat("1", 6000) + "Z", "padded": " 2099-01-01T00:00:00Z", "space": "2099-01-01 00:00:00Z", "lower case": "2099-01-01t00:00:00z", "zone +99": "2099-01-01T00:00:00+99:00", "infinity": "INF", "fraction only": "2099-01-01T00:00:00.Z",
	} {
		add("end "+name, cond(stamp(-time.Minute), until))
		add("confirmation end "+name, func(m *message) { m.confirm = confirmXML(t.acs(), t.answering(), until) })
	}
	add("confirmation over", func(m *message) { m.confirm = confirmXML(t.acs(), t.answering(), stamp(-2*time.Minute)) })
	add("confirmation not yet", func(m *message) {
		m.confirm = strings.Replace(m.confirm, " NotOnOrAfter", ` NotBefore="`+future+`" NotOnOrAfter`, 1)
	})
	add("assertion old", func(m *message) { m.assertTime = stamp(-time.Hour) })
	add("assertion of the future", func(m *message) { m.assertTime = future })
	add("assertion without time", func(m *message) { m.assertTime = "-" })
	add("response old", func(m *message) { m.respTime = stamp(-time.Hour) })
	add("response of the future", func(m *message) { m.respTime = future })
	add("response without time", func(m *message) { m.respTime = "-" })
	add("session over", func(m *message) {
		m.authn = strings.Replace(m.authn, " SessionIndex", ` SessionNotOnOrAfter="`+past+`" SessionIndex`, 1)
	})
	add("sign-in in the future", func(m *message) {
		m.authn = strings.Replace(m.authn, `AuthnInstant="`, `AuthnInstant="`+future+`" X="`, 1)
	})
	add("sign-in without time", func(m *message) { m.authn = strings.Replace(m.authn, "AuthnInstant=", "AuthnInstantX=", 1) })
	add("session end malformed", func(m *message) {
		m.authn = strings.Replace(m.authn, " SessionIndex", ` SessionNotOnOrAfter="later" SessionIndex`, 1)
	})
	return out
}

func statuses(t *target) []badSAML {
	code := func(value string) string { return `<samlp:StatusCode Value="` + value + `"/>` }
	status := func(inner string) string { return "<samlp:Status>" + inner + "</samlp:Status>" }
	prefix := "urn:oasis:names:tc:SAML:2.0:status:"
	var out []badSAML
	for name, s := range map[string]string{
		"absent": "-", "empty": status(""), "Requester": status(code(prefix + "Requester")), "Responder": status(code(prefix + "Responder")), "AuthnFailed": status(`<samlp:StatusCode Value="` + prefix + `Responder">` + code(prefix+"AuthnFailed") + `</samlp:StatusCode>`), "success over failure": status(`<samlp:StatusCode Value="` + ok20 + `">` + code(prefix+"AuthnFailed") + `</samlp:StatusCode>`),
		"two statuses": status(code(ok20)) + status(code(prefix+"Requester")), "two the other way": status(code(prefix+"Requester")) + status(code(ok20)), "two codes": status(code(ok20) + code(prefix+"Requester")), "no value": status("<samlp:StatusCode/>"), "case": status(code(strings.ToLower(ok20))), "padded": status(code(" " + ok20)), "other namespace": `<x:Status xmlns:x="urn:x">` + code(ok20) + `</x:Status>`, "foreign code": status(`<x:StatusCode xmlns:x="urn:x" Value="` + ok20 + `"/>`), "SAML 1": status(code("samlp:Success")),
	} {
		out = append(out, altered(t, "status "+name, func(m *message) { m.status = s }))
	}
	return out
}

// structure is what the schema forbids, or allows and nobody should read twice.
func structure(t *target) []badSAML {
	statement := func(name string) string {
		return `<saml:AttributeStatement><saml:Attribute Name="groups"><saml:AttributeValue>` + name + `</saml:AttributeValue></saml:Attribute></saml:AttributeStatement>`
	}
	var out []badSAML
	add := func(name string, change func(*message)) { out = append(out, altered(t, name, change)) }
	for _, v := range []string{"1.0", "1.1", "2.1", "", "-", "2", " 2.0", "3.0"} {
		add("version of the response "+v, func(m *message) { m.version = v })
		add("version of the assertion "+v, func(m *message) { m.assertVersion = v })
	}
	add("no response ID", func(m *message) { m.respID = "-" })
	add("response ID of the assertion", func(m *message) { m.respID = m.assertID })
	add("no subject", func(m *message) { m.nameID, m.confirm = "-", "-" })
	add("two subjects", func(m *message) {
		m.assertExtra = "<saml:Subject><saml:NameID>" + victim + "</saml:NameID>" + m.confirm + "</saml:Subject>"
	})
	add("no sign-in", func(m *message) { m.authn = "-" })
	add("two sign-ins", func(m *message) { m.authn += m.authn })
	add("sign-in without context", func(m *message) { m.authn = cut(m.authn, "<saml:AuthnContext>", "</saml:AuthnContext>") })
	add("two contexts", func(m *message) {
		m.authn = strings.Replace(m.authn, "</saml:AuthnStatement>", "<saml:AuthnContext/></saml:AuthnStatement>", 1)
	})
	add("encrypted attribute", func(m *message) {
		m.attributes = "<saml:AttributeStatement><saml:EncryptedAttribute/></saml:AttributeStatement>"
	})
	add("attribute without name", func(m *message) {
		m.attributes = strings.Replace(statement("x"), ` Name="groups"`, "", 1)
	})
	add("comment in a value", func(m *message) { m.attributes = statement("admins<!---->-not") })
	add("instruction in a value", func(m *message) { m.attributes = statement("admins<?x?>-not") })
	add("CDATA in a value", func(m *message) { m.attributes = statement("<![CDATA[admins]]>-not") })
	add("element in a value", func(m *message) { m.attributes = statement("admins<x/>-not") })
	add("unknown statement", func(m *message) { m.assertExtra = `<saml:Statement/>` })
	add("unknown child", func(m *message) { m.assertExtra = `<x:Foo xmlns:x="urn:x"/>` })
	add("unknown child of the response", func(m *message) { m.respExtra = `<x:Foo xmlns:x="urn:x"/>` })
	add("two assertions signed by the provider", func(m *message) { m.respExtra = good(t, victim).assertion() })
	add("two assertions under one signature", func(m *message) {
		other := good(t, victim)
		other.signA = nil
		m.respExtra, m.signA, m.signR = other.assertion(), nil, &signature{key: corpKey()}
	})
	add("text after the document", func(m *message) { m.epilog = "x" })
	add("element after the document", func(m *message) { m.epilog = "<x/>" })
	add("null bytes after the document", func(m *message) { m.epilog = "\x00\x00" })
	add("text before the document", func(m *message) { m.prolog = "x" })
	add("duplicate attribute", func(m *message) { m.post = twice(` ID="` + m.assertID + `"`) })
	add("duplicate destination", func(m *message) { m.post = twice(` Destination="` + m.dest + `"`) })
	add("attribute twice by prefix", func(m *message) {
		m.respAttrs = ` xmlns:a="urn:a" xmlns:b="urn:a"`
		m.post = func(s string) string {
			return strings.Replace(s, "<samlp:Status>", `<samlp:Status a:x="1" b:x="2">`, 1)
		}
	})
	for name, from := range map[string][2]string{
		"colon name": {"<samlp:Status>", "<samlp:Status :x=\"1\">"}, "two colons": {"<samlp:Status>", `<samlp:Status a:b:c="1">`}, "colon element": {"<samlp:Status>", "<:x/><samlp:Status>"}, "undeclared prefix": {"<samlp:Status>", `<samlp:Status foo:x="1">`}, "xmlns prefix": {"<samlp:Status>", `<samlp:Status xmlns:xmlns="urn:x">`}, "undeclared": {"<samlp:Status>", `<samlp:Status xmlns:saml="">`}, "xml namespace": {"<samlp:Status>", `<samlp:Status xmlns:xml="urn:x">`},
		"unclosed": {"</samlp:Response>", ""}, "wrong end": {"</samlp:Response>", "</samlp:Answer>"}, "instruction": {"<samlp:Status>", "<?x y?><samlp:Status>"}, "stylesheet": {"<samlp:Response ", `<?xml-stylesheet href="` + w.idps.URL + `/canary/xsl"?><samlp:Response `}, "entity": {"<samlp:Status>", "&x;<samlp:Status>"}, "control": {"<samlp:Status>", "&#1;<samlp:Status>"}, "text": {"<samlp:Status>", "text<samlp:Status>"}, "xml:base": {"<samlp:Status>", `<samlp:Status xmlns:xsi="x" xsi:x='1' xml:base="a" xml:base="b">`},
	} {
		add("markup "+name, func(m *message) { m.post = func(s string) string { return strings.Replace(s, from[0], from[1], 1) } })
	}
	for name, root := range map[string]string{"AuthnRequest": "AuthnRequest", "LogoutResponse": "LogoutResponse", "ArtifactResponse": "ArtifactResponse", "lower case": "response"} {
		add("root "+name, func(m *message) {
			m.post = func(s string) string { return strings.ReplaceAll(s, "samlp:Response", "samlp:"+root) }
		})
	}
	add("root in another namespace", func(m *message) {
		m.post = func(s string) string { return strings.ReplaceAll(s, nsP, "urn:oasis:names:tc:SAML:1.0:protocol") }
	})
	return append(out, badSAML{"assertion alone", false, func() string { return base64.StdEncoding.EncodeToString([]byte(good(t, attacker).assertion())) }})
}

func twice(text string) func(string) string {
	return func(s string) string { return strings.Replace(s, text, text+text, 1) }
}

func encodings(t *target) []badSAML {
	plain := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	var out []badSAML
	for name, encode := range map[string]func(text string) string{
		"not base64": func(text string) string { return text },
		"base64url": func(text string) string {
			return strings.NewReplacer("+", "-", "/", "_").Replace(plain(text + "<!-- >>>??? -->"))
		},
		"base64 twice":         func(text string) string { return plain(plain(text)) },
		"deflated":             func(text string) string { return plain(string(deflated([]byte(text)))) },
		"UTF-16":               func(text string) string { return plain(utf16le(text)) },
		"UTF-16 declared":      func(text string) string { return plain(utf16le(`<?xml version="1.0" encoding="UTF-16"?>` + text)) },
		"UTF-7 declared":       func(text string) string { return plain(`<?xml version="1.0" encoding="UTF-7"?>` + text) },
		"Latin-1 declared":     func(text string) string { return plain(`<?xml version="1.0" encoding="ISO-8859-1"?>` + text) },
		"XML 1.1":              func(text string) string { return plain(`<?xml version="1.1"?>` + text) },
		"bad UTF-8":            func(text string) string { return plain(strings.Replace(text, "staff", "\xff\xfe", 1)) },
		"overlong UTF-8":       func(text string) string { return plain(strings.Replace(text, "staff", "\xc0\xaf", 1)) },
		"null":                 func(text string) string { return plain(strings.Replace(text, "staff", "\x00", 1)) },
		"star":                 func(text string) string { return plain(text) + "*" },
		"padding inside":       func(text string) string { return "AA==" + plain(text) },
		"no document":          func(string) string { return plain(" ") },
		"one equals sign":      func(string) string { return "=" },
		"nothing":              func(string) string { return "" },
		"declaration twice":    func(text string) string { return plain(`<?xml version="1.0"?><?xml version="1.0"?>` + text) },
		"declaration late":     func(text string) string { return plain(` <?xml version="1.0"?>` + text) },
		"spaces in the base64": func(text string) string { return strings.Replace(plain(text), "A", "A ", 40) },
	} {
		out = append(out, altered(t, "encoding "+name, func(m *message) { m.encode = encode }))
	}
	return out
}

func deflated(b []byte) []byte {
	var out bytes.Buffer
	z, err := flate.NewWriter(&out, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = z.Write(b) // a buffer takes everything
	_ = z.Close()
	return out.Bytes()
}

// utf16le is UTF-16 with a byte order mark; the text is ASCII.
func utf16le(s string) string {
	out := []byte{0xff, 0xfe}
	for _, c := range []byte(s) {
		out = append(out, c, 0)
	}
	return string(out)
}

func doctypes(t *target) []badSAML {
	url := w.idps.URL + "/canary/"
	var out []badSAML
	for name, prolog := range map[string]string{
		"plain": `<!DOCTYPE Response>`, "entity": `<!DOCTYPE r [<!ENTITY x "victim">]>`, "external": `<!DOCTYPE r SYSTEM "` + url + `dtd">`, "external entity": `<!DOCTYPE r [<!ENTITY x SYSTEM "` + url + `xxe">]>`, "parameter entity": `<!DOCTYPE r [<!ENTITY % x SYSTEM "` + url + `pe"> %x;]>`, "file": `<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`,
		"laughs": `<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>`, "attribute list": `<!DOCTYPE r [<!ATTLIST saml:Assertion Id ID #IMPLIED>]>`, "lower case": `<!doctype r>`, "unclosed": `<!DOCTYPE r [`, "element": `<!ELEMENT x ANY>`,
	} {
		out = append(out, altered(t, "doctype "+name, func(m *message) { m.prolog = prolog }))
		out = append(out, altered(t, "doctype used "+name, func(m *message) {
			m.prolog = prolog
			m.post = func(s string) string { return strings.Replace(s, ">staff<", ">&x;&d;<", 1) }
		}))
	}
	return out
}

// samlBombs are large, deep or many. Those that stay within the limits may be believed, for they are genuine; what counts
// is time and memory.
func samlBombs(t *target) []badSAML {
	own := func(change func(*message)) func() string { return altered(t, "", change).make }
	fill := func(find, with string) func() string {
		return own(func(m *message) { m.post = func(s string) string { return strings.Replace(s, find, with+find, 1) } })
	}
	fixed := func(text string) func() string { return func() string { return text } }
	var attrs, spaces strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&attrs, ` a%d="x"`, i)
		fmt.Fprintf(&spaces, ` xmlns:n%d="urn:x"`, i)
	}
	cert := base64.StdEncoding.EncodeToString(foreignKey().Cert.Raw)
	return []badSAML{
		{"bomb: 90 kB deep", false, fill("<samlp:Status>", strings.Repeat("<a>", 13000)+strings.Repeat("</a>", 13000))},
		{"bomb: deep and unclosed", false, fill("<samlp:Status>", strings.Repeat("<a>", 30000))},
		{"bomb: 4000 attributes", false, fill("<samlp:Status>", "<samlp:Extensions"+attrs.String()+"/>")},
		{"bomb: 4000 namespaces", false, fill("<samlp:Status>", "<samlp:Extensions"+spaces.String()+"/>")},
		{"bomb: 10000 elements", false, fill("<samlp:Status>", "<samlp:Extensions>"+strings.Repeat("<a/>", 20000)+"</samlp:Extensions>")},
		{"bomb: long value", false, fill("<samlp:Status>", `<samlp:Extensions x="`+strings.Repeat("x", 80000)+`"/>`)},
		{"bomb: 130 kB", false, fill("<samlp:Status>", "<!--"+strings.Repeat("x", 130000)+"-->")},
		{"bomb: 1 MB", false, fill("<samlp:Status>", "<!--"+strings.Repeat("x", 1<<20)+"-->")},
		{"bomb: 5 MB", false, fixed(strings.Repeat("A", 5<<20))},
		{"bomb: 64 MB deflated", false, fixed(base64.StdEncoding.EncodeToString(deflated(make([]byte, 64<<20))))},
		{"bomb: certificates", false, own(func(m *message) {
			m.signA.keyInfo = "<ds:KeyInfo><ds:X509Data>" + strings.Repeat("<ds:X509Certificate>"+cert+"</ds:X509Certificate>", 130) + "</ds:X509Data></ds:KeyInfo>"
		})},
		{"bomb: references", false, own(func(m *message) {
			m.signA.change = func(s string) string {
				start, end := strings.Index(s, "<ds:Reference "), strings.Index(s, "</ds:Reference>")+len("</ds:Reference>")
				return s[:end] + strings.Repeat(s[start:end], 150) + s[end:]
			}
		})},
		{"bomb: transforms", false, own(func(m *message) {
			m.signA.change = func(s string) string {
				return strings.Replace(s, "</ds:Transforms>", strings.Repeat(`<ds:Transform Algorithm="`+excC14+`"/>`, 1200)+"</ds:Transforms>", 1)
			}
		})},
		{"bomb: signatures", false, own(func(m *message) { m.signA.change = func(s string) string { return strings.Repeat(s, 25) } })},
		{"bomb: assertions", false, own(func(m *message) {
			m.post = func(s string) string {
				start, end := strings.Index(s, "<saml:Assertion"), strings.Index(s, "</saml:Assertion>")+len("</saml:Assertion>")
				return s[:end] + strings.Repeat(s[start:end], 20) + s[end:]
			}
		})},
		{"bomb: PrefixList", false, own(func(m *message) { m.signA.prefixes = strings.TrimSpace(strings.Repeat("p ", 2000)) })},
		{"bomb: quadratic namespaces", false, fill("<samlp:Status>", "<samlp:Extensions>"+nestedNamespaces(50)+"</samlp:Extensions>")},
		{"bomb: quotes", false, fill("<samlp:Status>", `<samlp:Extensions x="`+strings.Repeat("&quot;", 9000)+`"/>`)},
		{"bomb: less-than signs", false, fixed(base64.StdEncoding.EncodeToString([]byte(strings.Repeat("<", 90000))))},
		{"bomb: ten thousand fields", false, fixed("A&" + strings.Repeat("x=1&", 10000))},
	}
}

func nestedNamespaces(depth int) string {
	var b strings.Builder
	for i := range depth {
		fmt.Fprintf(&b, `<a xmlns:p%d="urn:%d" p%d:x="1">`, i, i, i)
	}
	return b.String() + strings.Repeat("</a>", depth)
}

// answers say whose request they answer, and are wrong.
func answers(t *target) []badSAML {
	var out []badSAML
	for name, id := range map[string]string{"another request": "_0123456789abcdef", "nothing": ""} {
		out = append(out, altered(t, "response in response to "+name, func(m *message) { m.respAttrs, m.inResponseTo = ` InResponseTo="`+id+`"`, "" }),
			altered(t, "confirmation in response to "+name, func(m *message) { m.confirm = confirmXML(t.acs(), ` InResponseTo="`+id+`"`, stamp(5*time.Minute)) }))
	}
	if t.inResponseTo != "" {
		out = append(out,
			altered(t, "response in response to nobody", func(m *message) { m.inResponseTo = "" }),
			altered(t, "confirmation in response to nobody", func(m *message) { m.confirm = confirmXML(t.acs(), "", stamp(5*time.Minute)) }),
			altered(t, "padded InResponseTo", func(m *message) { m.inResponseTo += " " }),
		)
	}
	return out
}

// encrypted takes encryption for authentication, breaks ciphertexts, or hides more than one thing in them.
func encrypted(t *target, cert *x509.Certificate) []badSAML {
	var out []badSAML
	add := func(forged bool, name string, e encryption, change func(*message)) {
		subject := attacker
		if forged {
			subject = victim
		}
		out = append(out, badSAML{"encrypted: " + name, forged, func() string {
			m := good(t, subject)
			e.to = cert
			m.encrypt = &e
			if change != nil {
				change(m)
			}
			return m.form()
		}})
	}
	unsigned := func(m *message) { m.signA = nil }
	foreign := func(m *message) { m.signA = &signature{key: foreignKey()} }
	for _, alg := range []string{"aes128-cbc", "aes256-cbc", "aes128-gcm", "aes256-gcm"} {
		add(true, "unsigned "+alg, encryption{alg: alg}, unsigned)
		add(true, "foreign key "+alg, encryption{alg: alg}, foreign)
		for n := range 34 {
			add(true, fmt.Sprintf("%s of %d bytes", alg, n), encryption{alg: alg, sealed: bytes.Repeat([]byte{byte(n + 1)}, n)}, nil)
		}
	}
	for n := range 17 {
		for _, size := range []int{16, 32} {
			add(false, fmt.Sprintf("padding %d of %d", n+17, size), encryption{alg: fmt.Sprintf("aes%d-cbc", size*8), fit: func(c []byte) []byte { return c[:len(c)-n-1] }}, nil)
		}
	}
	for name, secret := range map[string][]byte{"no key": {}, "1 byte": {1}, "15 bytes": make([]byte, 15), "17 bytes": make([]byte, 17), "64 bytes": make([]byte, 64), "16 for 32": make([]byte, 16)} {
		add(false, "content key of "+name, encryption{secret: secret}, nil)
	}
	for name, e := range map[string]encryption{
		"PKCS1 1.5": {pkcs15: true}, "Triple DES": {dataAlg: nsEnc + "tripledes-cbc"}, "unknown cipher": {dataAlg: "urn:x"}, "CBC said to be GCM": {alg: "aes256-cbc", dataAlg: nsE11 + "aes256-gcm"}, "GCM said to be CBC": {dataAlg: nsEnc + "aes256-cbc"}, "key wrap": {keyAlg: nsEnc + "kw-aes256"}, "unknown key transport": {keyAlg: "urn:x"}, "type Content": {typ: nsEnc + "Content"},
		"broken key": {wrappedBy: func(k []byte) []byte { return flip(k, 5) }}, "empty key": {wrappedBy: func([]byte) []byte { return nil }}, "short key": {wrappedBy: func(k []byte) []byte { return k[:100] }}, "long key": {wrappedBy: func(k []byte) []byte { return append(k, k...) }},
		"flipped GCM": {fit: func(c []byte) []byte { return flip(c, 40) }}, "flipped tag": {fit: func(c []byte) []byte { return flip(c, len(c)-1) }}, "flipped CBC": {alg: "aes256-cbc", fit: func(c []byte) []byte { return flip(c, 200) }}, "flipped IV": {alg: "aes256-cbc", fit: func(c []byte) []byte { return flip(c, 1) }},
		"two roots": {plain: func(s string) string { return s + s }}, "text before": {plain: func(s string) string { return "x" + s }}, "text after": {plain: func(s string) string { return s + "x" }}, "doctype inside": {plain: func(s string) string { return `<!DOCTYPE x [<!ENTITY x "y">]>` + s }}, "nothing inside": {plain: func(string) string { return "" }}, "not XML": {plain: func(string) string { return "hello" }},
		"a NameID inside": {plain: func(string) string { return `<saml:NameID xmlns:saml="` + nsA + `">x</saml:NameID>` }}, "a Response inside": {plain: func(s string) string { return `<samlp:Response xmlns:samlp="` + nsP + `">` + s + `</samlp:Response>` }}, "deep inside": {plain: func(string) string { return strings.Repeat("<a>", 10000) + strings.Repeat("</a>", 10000) }},
		"no data": {change: func(s string) string { return cut(s, "<xenc:EncryptedData", "</xenc:EncryptedData>") }}, "two data": {change: func(s string) string {
			start, end := strings.Index(s, "<xenc:EncryptedData"), strings.Index(s, "</xenc:EncryptedData>")+len("</xenc:EncryptedData>")
			return s[:end] + s[start:end] + s[end:]
		}}, "no key at all": {change: func(s string) string { return cut(s, "<ds:KeyInfo>", "</ds:KeyInfo>") }}, "CipherReference": {change: func(s string) string {
			return cut(s, "<xenc:CipherValue>", "</xenc:CipherValue>") + `<!-- ` + w.idps.URL + `/canary/cipher -->`
		}}, "50 keys": {change: func(s string) string {
			start, end := strings.Index(s, "<xenc:EncryptedKey>"), strings.Index(s, "</xenc:EncryptedKey>")+len("</xenc:EncryptedKey>")
			return s[:end] + strings.Repeat(s[start:end], 49) + s[end:]
		}},
	} {
		add(false, name, e, nil)
	}
	add(true, "unsigned beside a signed one", encryption{}, func(m *message) { m.signA, m.respExtra = nil, good(t, attacker).assertion() })
	add(false, "beside a plain unsigned one", encryption{}, func(m *message) {
		other := good(t, victim)
		other.signA = nil
		m.respExtra = other.assertion()
	})
	add(true, "wrapped inside", encryption{plain: func(genuine string) string {
		m := good(t, attacker)
		p := newPieces(t, m, forgedIDs["same ID"])
		return p.beforeEnd(p.signedEvil(p.sig), p.bare)
	}}, unsigned)
	add(true, "response signed by a foreign key", encryption{}, func(m *message) { m.signA, m.signR = nil, &signature{key: foreignKey()} })
	return out
}

// TestHostileSAML sends the batch through every door: the JSON API, the ACS where nobody asked, and the ACS in answer to
// real logins, each of which is spent by its first answer.
func TestHostileSAML(t *testing.T) {
	var c tally
	c.watch(t, func() {
		batch := hostileSAML(t, &target{idp: "corp", entity: entityCorp})
		if len(batch) < 300 {
			t.Errorf("only %d messages", len(batch))
		}
		for _, b := range batch {
			response := b.make()
			c.hostile(t, "JSON API: "+b.name, b.forged, func() (answer, error) { return direct(w.nodeURLs[0], response) })
			c.hostile(t, "ACS: "+b.name, b.forged, func() (answer, error) { return acs(w.nodeURLs[1], "corp", response, pending{}) })
		}
		for _, b := range samlBombs(&target{idp: "corp", entity: entityCorp}) {
			response := b.make()
			c.measured(t, "JSON API: "+b.name, func() (answer, error) { return direct(w.nodeURLs[0], response) })
			c.measured(t, "ACS: "+b.name, func() (answer, error) { return acs(w.nodeURLs[1], "corp", response, pending{}) })
		}
		asked := &target{idp: "corp", entity: entityCorp, inResponseTo: "_to-be-asked"}
		for _, b := range hostileSAML(t, asked) {
			p, err := begin(w.nodeURLs[0], "corp")
			if err != nil {
				t.Fatal(err)
			}
			asked.inResponseTo = p.requestID
			response := b.make()
			c.hostile(t, "ACS, asked: "+b.name, b.forged, func() (answer, error) { return acs(w.nodeURLs[1], "corp", response, p) })
		}
	})
	for _, path := range canary.seen() {
		c.bypass++
		t.Errorf("bypass: a URL of a message was fetched: %s", path)
	}
	c.report(t, "hostile SAML")
}
