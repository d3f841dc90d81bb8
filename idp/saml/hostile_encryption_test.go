package saml_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml"
)

func encrypted(f func(*idptest.SAMLEncryption)) func(*idptest.SAMLAnswer) {
	return func(a *idptest.SAMLAnswer) {
		a.Encrypt.To = idptest.RSAKey(3).Cert
		f(&a.Encrypt)
	}
}

func cut(n int) func([]byte) []byte {
	return func(b []byte) []byte { return b[:min(n, len(b))] }
}

// Anyone can encrypt to our key: no ciphertext may crash us, and all get one and the same answer.
func TestHostileCiphertext(t *testing.T) {
	var cases []func(*idptest.SAMLEncryption)
	for n := range 34 {
		for _, c := range []string{"aes128-cbc", "aes256-cbc", "aes128-gcm", "aes256-gcm"} {
			cases = append(cases, func(e *idptest.SAMLEncryption) { e.Cipher, e.Ciphertext = c, cut(n) })
		}
	}
	for pad := range 256 {
		// The IV decides the padding of a message of one block; here the last block of the real one is broken up.
		cases = append(cases, func(e *idptest.SAMLEncryption) {
			e.Cipher = "aes128-cbc"
			e.Ciphertext = func(b []byte) []byte {
				b = bytes.Clone(b)
				b[len(b)-17] ^= byte(pad) | 1
				return b
			}
		})
	}
	for n := range 40 {
		if n != 32 {
			cases = append(cases, func(e *idptest.SAMLEncryption) { e.KeySize = n + 1 })
		}
	}
	cases = append(cases,
		func(e *idptest.SAMLEncryption) { e.Transport = "rsa-1_5" },
		func(e *idptest.SAMLEncryption) { e.Cipher, e.Announce = "aes128-gcm", "aes256-gcm" },
		func(e *idptest.SAMLEncryption) { e.Cipher, e.Announce = "aes128-cbc", "aes256-cbc" },
		func(e *idptest.SAMLEncryption) { e.Cipher = "tripledes-cbc" },
		func(e *idptest.SAMLEncryption) { e.To = idptest.RSAKey(1).Cert },
		func(e *idptest.SAMLEncryption) { e.Plaintext = func([]byte) []byte { return nil } },
		func(e *idptest.SAMLEncryption) { e.Plaintext = func([]byte) []byte { return []byte("<a/>") } },
		func(e *idptest.SAMLEncryption) {
			e.Plaintext = func(b []byte) []byte { return append(bytes.Clone(b), b...) }
		},
		func(e *idptest.SAMLEncryption) { e.Plaintext = func(b []byte) []byte { return b[:len(b)-1] } },
		func(e *idptest.SAMLEncryption) {
			e.Plaintext = func(b []byte) []byte { return append([]byte("<!DOCTYPE a>"), b...) }
		},
		func(e *idptest.SAMLEncryption) {
			e.Plaintext = func(b []byte) []byte { return bytes.Replace(b, []byte("alice@"), []byte("mallory@"), 1) }
		},
	)
	i := idptest.NewSAMLIDP(clock)
	p := newProvider(t, i)
	var first *idp.Error
	for n, c := range cases {
		a := good()
		encrypted(c)(&a)
		id, err := finish(p, i.Respond(t, a))
		e := refused(t, id, err)
		if first == nil {
			first = e
		}
		if e.Kind != first.Kind || e.Error() != first.Error() {
			t.Fatalf("case %d: %v differs from %v", n, e, first)
		}
	}
	// Unsigned inside is answered like undecryptable.
	a := good()
	encrypted(func(*idptest.SAMLEncryption) {})(&a)
	a.SignAssertion = false
	id, err := finish(p, i.Respond(t, a))
	if e := refused(t, id, err); e.Error() != first.Error() {
		t.Errorf("%v differs from %v", e, first)
	}
}

func TestHostileEncryptedElements(t *testing.T) {
	var cases []hostile
	add := func(name string, f func(encryptedAssertion *etree.Element)) {
		cases = append(cases, hostile{name: name, answer: func(a *idptest.SAMLAnswer) {
			encrypted(func(*idptest.SAMLEncryption) {})(a)
			a.Tamper = func(el *etree.Element) { f(find(el, "EncryptedAssertion")) }
		}})
	}
	for _, part := range []string{"EncryptedData", "EncryptionMethod", "KeyInfo", "EncryptedKey", "CipherData", "CipherValue"} {
		add("no "+part, drop(part))
	}
	for _, part := range []string{"EncryptedData", "EncryptionMethod", "CipherData", "CipherValue"} {
		add("two of "+part, double(part))
	}
	for n, alg := range []string{"", "none", "http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "http://www.w3.org/2001/04/xmlenc#kw-aes128"} {
		add(fmt.Sprintf("content algorithm %d", n), setAttr("EncryptionMethod", "Algorithm", alg))
	}
	transport := func(f func(method *etree.Element)) func(*etree.Element) {
		return func(el *etree.Element) { f(find(find(el, "EncryptedKey"), "EncryptionMethod")) }
	}
	for n, alg := range []string{"", "http://www.w3.org/2001/04/xmlenc#rsa-1_5", "http://www.w3.org/2001/04/xmlenc#kw-aes256"} {
		add(fmt.Sprintf("transport %d", n), transport(func(m *etree.Element) { m.CreateAttr("Algorithm", alg) }))
	}
	add("OAEP label", transport(func(m *etree.Element) { m.CreateElement("xenc:OAEPparams").SetText("AAAA") }))
	add("unknown OAEP digest", transport(func(m *etree.Element) { m.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", dsigMore+"md5") }))
	add("a mask with mgf1p", transport(func(m *etree.Element) {
		g := m.CreateElement("e:MGF")
		g.CreateAttr("xmlns:e", "http://www.w3.org/2009/xmlenc11#")
		g.CreateAttr("Algorithm", "http://www.w3.org/2009/xmlenc11#mgf1sha1")
	}))
	add("type Content", setAttr("EncryptedData", "Type", "http://www.w3.org/2001/04/xmlenc#Content"))
	add("five recipients", func(el *etree.Element) {
		info := find(el, "KeyInfo")
		for range 4 {
			k := find(el, "EncryptedKey").Copy()
			k.RemoveAttr("Id")
			info.AddChild(k)
		}
	})
	add("a reference in place of the value", func(el *etree.Element) {
		d := find(el, "CipherData")
		d.RemoveChild(find(d, "CipherValue"))
		d.CreateElement("xenc:CipherReference").CreateAttr("URI", "http://127.0.0.1/")
	})
	cases = append(cases, hostile{name: "something else that the IdP signed", answer: func(a *idptest.SAMLAnswer) {
		encrypted(func(*idptest.SAMLEncryption) {})(a)
		a.EditAssertion = func(el *etree.Element) { el.Tag = "Evidence" }
	}})
	cases = append(cases, hostile{name: "no decryption key", opt: func(o *saml.Options) { o.Encryption = nil }, answer: encrypted(func(*idptest.SAMLEncryption) {})})
	run(t, cases)
}
