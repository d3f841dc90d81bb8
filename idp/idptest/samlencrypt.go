package idptest

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// Namespaces of XML Encryption.
const (
	encSpace   = "http://www.w3.org/2001/04/xmlenc#"
	encSpace11 = "http://www.w3.org/2009/xmlenc11#"
)

// SAMLEncryption says how an assertion is encrypted.
type SAMLEncryption struct {
	To *x509.Certificate
	// Cipher is the URI's end: aes128-cbc, aes256-gcm and so on; empty is aes256-gcm.
	Cipher string
	// Announce, when set, is the cipher that the message names in place of the one that was used.
	Announce string
	// Transport is the URI's end: rsa-oaep-mgf1p, rsa-oaep or rsa-1_5; empty is rsa-oaep-mgf1p.
	Transport string
	// Digest and Mask are the hashes of OAEP; zero is SHA-1 and leaves the element out.
	Digest, Mask crypto.Hash
	// Peer puts EncryptedKey beside EncryptedData.
	Peer bool
	// Ciphertext changes the octets after encryption; Plaintext those before.
	Ciphertext, Plaintext func([]byte) []byte
	// KeySize, when set, is the length of the content key that is announced to the recipient.
	KeySize int
}

// EncryptXML returns the EncryptedAssertion of an assertion.
func EncryptXML(tb testing.TB, assertion *etree.Element, e SAMLEncryption) *etree.Element {
	tb.Helper()
	if e.Cipher == "" {
		e.Cipher = "aes256-gcm"
	}
	if e.Transport == "" {
		e.Transport = "rsa-oaep-mgf1p"
	}
	plain := serialise(assertion)
	if e.Plaintext != nil {
		plain = e.Plaintext(plain)
	}
	key, ciphertext := e.seal(tb, plain)
	if e.Ciphertext != nil {
		ciphertext = e.Ciphertext(ciphertext)
	}
	out := etree.NewElement("saml:EncryptedAssertion")
	out.CreateAttr("xmlns:saml", samlAssertion)
	out.CreateAttr("xmlns:xenc", encSpace)
	out.CreateAttr("xmlns:ds", dsigSpace)
	data := out.CreateElement("xenc:EncryptedData")
	data.CreateAttr("Type", encSpace+"Element")
	data.CreateElement("xenc:EncryptionMethod").CreateAttr("Algorithm", e.announced())
	info := data.CreateElement("ds:KeyInfo")
	if e.Peer {
		info.CreateElement("ds:RetrievalMethod").CreateAttr("URI", "#_key")
		out.AddChild(e.encryptedKey(tb, key))
	} else {
		info.AddChild(e.encryptedKey(tb, key))
	}
	data.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(ciphertext))
	return out
}

func (e SAMLEncryption) announced() string {
	name := e.Cipher
	if e.Announce != "" {
		name = e.Announce
	}
	if strings.HasSuffix(name, "gcm") {
		return encSpace11 + name
	}
	return encSpace + name
}

func (e SAMLEncryption) seal(tb testing.TB, plain []byte) (key, out []byte) {
	tb.Helper()
	key = make([]byte, map[string]int{"aes128": 16, "aes192": 24, "aes256": 32, "triple": 24}[e.Cipher[:6]])
	_, _ = rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	if strings.HasSuffix(e.Cipher, "gcm") {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			tb.Fatal(err)
		}
		nonce := make([]byte, aead.NonceSize())
		_, _ = rand.Read(nonce)
		return key, aead.Seal(nonce, nonce, plain, nil)
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	plain = append(plain, make([]byte, pad)...)
	plain[len(plain)-1] = byte(pad)
	iv := make([]byte, aes.BlockSize)
	_, _ = rand.Read(iv)
	out = make([]byte, len(plain))
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(out, plain)
	return key, append(iv, out...)
}

func (e SAMLEncryption) encryptedKey(tb testing.TB, key []byte) *etree.Element {
	tb.Helper()
	if e.KeySize > 0 {
		key = make([]byte, e.KeySize)
	}
	el := etree.NewElement("xenc:EncryptedKey")
	el.CreateAttr("Id", "_key")
	space := encSpace
	if e.Transport == "rsa-oaep" {
		space = encSpace11
	}
	method := el.CreateElement("xenc:EncryptionMethod")
	method.CreateAttr("Algorithm", space+e.Transport)
	opts := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	if e.Digest != 0 {
		opts.Hash = e.Digest
		method.CreateElement("ds:DigestMethod").CreateAttr("Algorithm", digestURI(e.Digest))
	}
	if e.Mask != 0 {
		opts.MGFHash = e.Mask
		mask := method.CreateElement("xenc11:MGF")
		mask.CreateAttr("xmlns:xenc11", encSpace11)
		mask.CreateAttr("Algorithm", encSpace11+"mgf1"+strings.ToLower(strings.ReplaceAll(e.Mask.String(), "-", "")))
	}
	pub, _ := e.To.PublicKey.(*rsa.PublicKey)
	wrapped, err := rsa.EncryptOAEPWithOptions(rand.Reader, pub, key, opts)
	if e.Transport == "rsa-1_5" {
		//lint:ignore SA1019 this is what must be refused
		wrapped, err = rsa.EncryptPKCS1v15(rand.Reader, pub, key)
	}
	if err != nil {
		tb.Fatal(err)
	}
	el.CreateElement("xenc:CipherData").CreateElement("xenc:CipherValue").SetText(base64.StdEncoding.EncodeToString(wrapped))
	return el
}
