package xmlenc_test

import (
	"bytes"
	"crypto"
	"errors"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp/idptest"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmlenc"
	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

var limits = xmltree.Limits{Bytes: 1 << 18, Depth: 20, Elements: 500, Attributes: 20, Namespaces: 10, Value: 1024}

const plaintext = "<a>secret</a>"

func encrypt(tb testing.TB, e idptest.SAMLEncryption) *xmltree.Element {
	tb.Helper()
	secret := etree.NewElement("a")
	secret.SetText("secret")
	e.To = idptest.RSAKey(3).Cert
	doc := etree.NewDocument()
	doc.SetRoot(idptest.EncryptXML(tb, secret, e))
	text, err := doc.WriteToBytes()
	if err != nil {
		tb.Fatal(err)
	}
	el, err := xmltree.Parse(text, limits, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return el
}

func decrypters(ns ...int) []crypto.Decrypter {
	var out []crypto.Decrypter
	for _, n := range ns {
		d, _ := idptest.RSAKey(n).Signer.(crypto.Decrypter)
		out = append(out, d)
	}
	return out
}

func TestDecrypt(t *testing.T) {
	for _, c := range []string{"aes128-cbc", "aes192-cbc", "aes256-cbc", "aes128-gcm", "aes192-gcm", "aes256-gcm"} {
		el := encrypt(t, idptest.SAMLEncryption{Cipher: c})
		if got, err := xmlenc.Decrypt(el, decrypters(0, 3)); err != nil || string(got) != plaintext {
			t.Errorf("%s: got %q, %v", c, got, err)
		}
		if got, err := xmlenc.Decrypt(el, decrypters(0, 1)); !errors.Is(err, xmlenc.ErrDecrypt) || got != nil {
			t.Errorf("%s, other keys: got %q, %v", c, got, err)
		}
		if got, err := xmlenc.Decrypt(el, nil); !errors.Is(err, xmlenc.ErrDecrypt) || got != nil {
			t.Errorf("%s, no keys: got %q, %v", c, got, err)
		}
	}
}

// Every padding byte but those from 1 to 16 is refused, and so is every length that is not whole blocks.
func TestCBCPaddingAndLength(t *testing.T) {
	for pad := range 256 {
		el := encrypt(t, idptest.SAMLEncryption{Cipher: "aes128-cbc", Ciphertext: func(b []byte) []byte {
			// One block, whose last plaintext byte is 3 (13 bytes of text): the IV turns it into pad.
			b = bytes.Clone(b[:32])
			b[15] ^= 3 ^ byte(pad)
			return b
		}})
		got, err := xmlenc.Decrypt(el, decrypters(3))
		if ok := pad >= 1 && pad <= 16; ok != (err == nil) || ok && len(got) != 16-pad {
			t.Errorf("padding %d: got %q, %v", pad, got, err)
		}
	}
	for n := range 48 {
		el := encrypt(t, idptest.SAMLEncryption{Cipher: "aes256-cbc", Ciphertext: func(b []byte) []byte { return append(b, b...)[:n] }})
		if got, err := xmlenc.Decrypt(el, decrypters(3)); n < 32 && err == nil || n%16 != 0 && err == nil {
			t.Errorf("%d bytes: got %q", n, got)
		}
	}
}

// FuzzCiphertext: no octets crash any cipher.
func FuzzCiphertext(f *testing.F) {
	f.Add([]byte{}, true)
	f.Add(make([]byte, 33), false)
	f.Fuzz(func(t *testing.T, octets []byte, gcm bool) {
		c := "aes128-cbc"
		if gcm {
			c = "aes256-gcm"
		}
		if len(octets) > 1<<12 {
			return
		}
		el := encrypt(t, idptest.SAMLEncryption{Cipher: c, Ciphertext: func([]byte) []byte { return octets }})
		if got, err := xmlenc.Decrypt(el, decrypters(3)); gcm && err == nil {
			t.Fatalf("forged %q", got)
		}
	})
}
