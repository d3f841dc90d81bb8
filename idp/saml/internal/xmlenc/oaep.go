package xmlenc

import (
	"crypto"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // OAEP does not rest on collision resistance, and SHA-1 is its default in XML Encryption
	_ "crypto/sha256"
	_ "crypto/sha512"

	"github.com/fedbroker/fedbroker/idp/saml/internal/xmltree"
)

// oaepOptions reads the key transport of an EncryptedKey (XML Encryption 1.1 section 5.5.2): rsa-oaep-mgf1p has MGF1
// with SHA-1 whatever its digest; rsa-oaep names the mask, and both default to SHA-1.
func oaepOptions(key *xmltree.Element) (*rsa.OAEPOptions, bool) {
	m, ok := method(key)
	if !ok || len(m.Named(Space, "OAEPparams")) > 0 {
		return nil, false
	}
	opts := &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	if digest := m.Named(dsig, "DigestMethod"); len(digest) > 0 {
		alg, _ := digest[0].Attr("Algorithm")
		if opts.Hash, ok = digestHash(alg); !ok || len(digest) > 1 {
			return nil, false
		}
	}
	mask := m.Named(Space11, "MGF")
	switch alg, _ := m.Attr("Algorithm"); {
	case alg == Space+"rsa-oaep-mgf1p" && len(mask) == 0:
		return opts, true
	case alg == Space11+"rsa-oaep" && len(mask) == 0:
		return opts, true
	case alg == Space11+"rsa-oaep" && len(mask) == 1:
		name, _ := mask[0].Attr("Algorithm")
		opts.MGFHash, ok = maskHash(name)
		return opts, ok
	}
	return nil, false
}

func digestHash(uri string) (crypto.Hash, bool) {
	switch uri {
	case dsig + "sha1":
		return crypto.SHA1, true
	case Space + "sha256":
		return crypto.SHA256, true
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384, true
	case Space + "sha512":
		return crypto.SHA512, true
	}
	return 0, false
}

func maskHash(uri string) (crypto.Hash, bool) {
	switch uri {
	case Space11 + "mgf1sha1":
		return crypto.SHA1, true
	case Space11 + "mgf1sha256":
		return crypto.SHA256, true
	case Space11 + "mgf1sha384":
		return crypto.SHA384, true
	case Space11 + "mgf1sha512":
		return crypto.SHA512, true
	}
	return 0, false
}
