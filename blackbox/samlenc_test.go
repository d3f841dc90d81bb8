package blackbox

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RSA-OAEP's default
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"hash"
	"math/big"
	"strings"
)

// encryption is how an assertion is encrypted; what is left empty is AES-256-GCM under RSA-OAEP with SHA-1.
type encryption struct {
	to        *x509.Certificate
	alg       string // without the namespace: aes128-cbc …
	oaep256   bool
	mgf1p256  bool // digest SHA-256, mask SHA-1, as OpenSAML can
	pkcs15    bool
	beside    bool // EncryptedKey beside EncryptedData
	keyAlg    string
	dataAlg   string // URI that is written
	typ       string
	wrap      int
	sealed    []byte // instead of the ciphertext
	fit       func(ciphertext []byte) []byte
	secret    []byte // content key of another length
	plain     func(assertion string) string
	change    func(xml string) string
	wrappedBy func([]byte) []byte
}

func (e *encryption) keySize() int {
	switch {
	case strings.HasPrefix(e.alg, "aes128"):
		return 16
	case strings.HasPrefix(e.alg, "aes192"):
		return 24
	}
	return 32
}

func (e *encryption) seal(assertion string) string {
	if e.alg == "" {
		e.alg = "aes256-gcm"
	}
	if e.plain != nil {
		assertion = e.plain(assertion)
	}
	secret := make([]byte, e.keySize())
	_, _ = rand.Read(secret)
	if e.secret != nil {
		secret = e.secret
	}
	ciphertext := e.sealed
	if ciphertext == nil {
		ciphertext = e.content(secret, []byte(assertion))
	}
	if e.fit != nil {
		ciphertext = e.fit(ciphertext)
	}
	key := e.wrapKey(secret)
	if e.wrappedBy != nil {
		key = e.wrappedBy(key)
	}
	return e.xml(ciphertext, key)
}

func (e *encryption) content(secret, plain []byte) []byte {
	block, err := aes.NewCipher(secret)
	if err != nil {
		return bytes.Repeat([]byte{7}, 64)
	}
	if strings.HasSuffix(e.alg, "gcm") {
		aead, err := cipher.NewGCM(block)
		if err != nil {
			panic(err)
		}
		nonce := make([]byte, 12)
		_, _ = rand.Read(nonce)
		return aead.Seal(nonce, nonce, plain, nil)
	}
	pad := 16 - len(plain)%16
	plain = append(plain, make([]byte, pad)...)
	plain[len(plain)-1] = byte(pad)
	out := make([]byte, 16+len(plain))
	_, _ = rand.Read(out[:16])
	cipher.NewCBCEncrypter(block, out[:16]).CryptBlocks(out[16:], plain)
	return out
}

func (e *encryption) wrapKey(secret []byte) []byte {
	public, _ := e.to.PublicKey.(*rsa.PublicKey)
	var out []byte
	var err error
	switch {
	case e.pkcs15:
		out = pkcs1v15(public, secret)
	case e.mgf1p256:
		out, err = rsa.EncryptOAEPWithOptions(rand.Reader, public, secret, &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1})
	default:
		var h hash.Hash = sha1.New() //nolint:gosec // RSA-OAEP's default
		if e.oaep256 {
			h = sha256.New()
		}
		out, err = rsa.EncryptOAEP(h, rand.Reader, public, secret, nil)
	}
	if err != nil {
		panic(err)
	}
	return out
}

// pkcs1v15 encrypts in the way that is refused (RFC 8017 section 7.2.1); crypto/rsa has it no more for good reasons.
func pkcs1v15(key *rsa.PublicKey, secret []byte) []byte {
	block := bytes.Repeat([]byte{0xa5}, key.Size())
	block[0], block[1] = 0, 2
	block[len(block)-len(secret)-1] = 0
	copy(block[len(block)-len(secret):], secret)
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
}

func (e *encryption) xml(ciphertext, key []byte) string {
	method := `<xenc:EncryptionMethod Algorithm="` + nsEnc + `rsa-oaep-mgf1p"><ds:DigestMethod Algorithm="` + nsDS + `sha1"/></xenc:EncryptionMethod>`
	switch {
	case e.keyAlg != "":
		method = `<xenc:EncryptionMethod Algorithm="` + e.keyAlg + `"/>`
	case e.mgf1p256:
		method = `<xenc:EncryptionMethod Algorithm="` + nsEnc + `rsa-oaep-mgf1p"><ds:DigestMethod Algorithm="` + nsEnc + `sha256"/></xenc:EncryptionMethod>`
	case e.pkcs15:
		method = `<xenc:EncryptionMethod Algorithm="` + nsEnc + `rsa-1_5"/>`
	case e.oaep256:
		method = `<xenc:EncryptionMethod Algorithm="` + nsE11 + `rsa-oaep"><ds:DigestMethod Algorithm="` + nsEnc + `sha256"/><xenc11:MGF xmlns:xenc11="` + nsE11 + `" Algorithm="` + nsE11 + `mgf1sha256"/></xenc:EncryptionMethod>`
	}
	space := nsEnc
	if strings.HasSuffix(e.alg, "gcm") {
		space = nsE11
	}
	dataAlg, typ := space+e.alg, nsEnc+"Element"
	if e.dataAlg != "" {
		dataAlg = e.dataAlg
	}
	if e.typ != "" {
		typ = e.typ
	}
	encKey := `<xenc:EncryptedKey>` + method + `<xenc:CipherData><xenc:CipherValue>` + wrapped(key, e.wrap) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>`
	info, beside := `<ds:KeyInfo>`+encKey+`</ds:KeyInfo>`, ""
	if e.beside {
		info, beside = "", encKey
	}
	out := `<saml:EncryptedAssertion xmlns:saml="` + nsA + `" xmlns:xenc="` + nsEnc + `" xmlns:ds="` + nsDS + `"><xenc:EncryptedData Type="` + typ + `"><xenc:EncryptionMethod Algorithm="` + dataAlg + `"/>` + info +
		`<xenc:CipherData><xenc:CipherValue>` + wrapped(ciphertext, e.wrap) + `</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>` + beside + `</saml:EncryptedAssertion>`
	if e.change != nil {
		out = e.change(out)
	}
	return out
}

func fromBase64(text string) []byte {
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return b
}
