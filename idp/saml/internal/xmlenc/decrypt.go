package xmlenc

import (
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// Space and Space11 are the namespaces of XML Encryption 1.0 and 1.1.
const (
	Space   = "http://www.w3.org/2001/04/xmlenc#"
	Space11 = "http://www.w3.org/2009/xmlenc11#"
)

const (
	dsig = "http://www.w3.org/2000/09/xmldsig#"
	// maxRecipients bounds the RSA operations that one message can cost.
	maxRecipients = 4
)

// ErrDecrypt is the only error of this package.
var ErrDecrypt = errors.New("the element cannot be decrypted")

// Decrypt opens the one EncryptedData child of el (an EncryptedAssertion) with whichever key fits. EncryptedKey may
// stand in the KeyInfo of the data or beside the data (SAML core errata E43). The result is the plaintext as it is.
func Decrypt(el *xmltree.Element, keys []crypto.Decrypter) ([]byte, error) {
	data := el.Named(Space, "EncryptedData")
	if len(data) != 1 {
		return nil, ErrDecrypt
	}
	if typ, ok := data[0].Attr("Type"); ok && typ != Space+"Element" {
		return nil, ErrDecrypt
	}
	open, ok := contentCipher(algorithm(data[0]))
	if !ok {
		return nil, ErrDecrypt
	}
	ciphertext, ok := cipherValue(data[0])
	recipients := encryptedKeys(el, data[0])
	if !ok || len(recipients) == 0 || len(recipients) > maxRecipients {
		return nil, ErrDecrypt
	}
	for _, r := range recipients {
		for _, key := range keys {
			if plain, ok := tryKey(r, key, open, ciphertext); ok {
				return plain, nil
			}
		}
	}
	return nil, ErrDecrypt
}

func tryKey(recipient *xmltree.Element, key crypto.Decrypter, c content, ciphertext []byte) ([]byte, bool) {
	opts, ok := oaepOptions(recipient)
	if !ok {
		return nil, false
	}
	wrapped, ok := cipherValue(recipient)
	if !ok {
		return nil, false
	}
	secret, err := key.Decrypt(rand.Reader, wrapped, opts)
	if err != nil || len(secret) != c.keySize {
		return nil, false
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, false
	}
	return c.open(block, ciphertext)
}

func encryptedKeys(el, data *xmltree.Element) []*xmltree.Element {
	keys := el.Named(Space, "EncryptedKey")
	for _, info := range data.Named(dsig, "KeyInfo") {
		keys = append(keys, info.Named(Space, "EncryptedKey")...)
	}
	return keys
}

// method returns the one EncryptionMethod of an EncryptedData or EncryptedKey.
func method(el *xmltree.Element) (*xmltree.Element, bool) {
	m := el.Named(Space, "EncryptionMethod")
	if len(m) != 1 {
		return nil, false
	}
	return m[0], true
}

func algorithm(el *xmltree.Element) string {
	m, ok := method(el)
	if !ok {
		return ""
	}
	alg, _ := m.Attr("Algorithm")
	return alg
}

func cipherValue(el *xmltree.Element) ([]byte, bool) {
	data := el.Named(Space, "CipherData")
	if len(data) != 1 {
		return nil, false
	}
	value := data[0].Named(Space, "CipherValue")
	if len(value) != 1 {
		return nil, false
	}
	text, err := value[0].Text()
	if err != nil {
		return nil, false
	}
	out, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	return out, err == nil
}

// content is a content cipher: its key size in bytes, and how to open IV or nonce and ciphertext.
type content struct {
	keySize int
	open    func(cipher.Block, []byte) ([]byte, bool)
}

func contentCipher(uri string) (content, bool) {
	switch uri {
	case Space + "aes128-cbc":
		return content{16, openCBC}, true
	case Space + "aes192-cbc":
		return content{24, openCBC}, true
	case Space + "aes256-cbc":
		return content{32, openCBC}, true
	case Space11 + "aes128-gcm":
		return content{16, openGCM}, true
	case Space11 + "aes192-gcm":
		return content{24, openGCM}, true
	case Space11 + "aes256-gcm":
		return content{32, openGCM}, true
	}
	return content{}, false
}

// openCBC checks the length before the cipher, which panics on a broken block, and the padding of XML Encryption
// section 5.2: the last byte counts the padding, the others are arbitrary.
func openCBC(block cipher.Block, in []byte) ([]byte, bool) {
	size := block.BlockSize()
	if len(in) < 2*size || len(in)%size != 0 {
		return nil, false
	}
	out := make([]byte, len(in)-size)
	cipher.NewCBCDecrypter(block, in[:size]).CryptBlocks(out, in[size:])
	pad := int(out[len(out)-1])
	if pad < 1 || pad > size {
		return nil, false
	}
	return out[:len(out)-pad], true
}

// openGCM takes a 96-bit nonce in front and a 128-bit tag at the end (XML Encryption 1.1 section 5.2.4).
func openGCM(block cipher.Block, in []byte) ([]byte, bool) {
	aead, err := cipher.NewGCM(block)
	if err != nil || len(in) < aead.NonceSize()+aead.Overhead() {
		return nil, false
	}
	out, err := aead.Open(nil, in[:aead.NonceSize()], in[aead.NonceSize():], nil)
	return out, err == nil
}
