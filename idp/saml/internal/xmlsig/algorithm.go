package xmlsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	_ "crypto/sha1" //nolint:gosec // for identity providers that are allowed it one by one
	_ "crypto/sha256"
	_ "crypto/sha512"
	"errors"
	"math/big"
)

// signatureMethod is a family of keys with a hash.
type signatureMethod struct {
	ecdsa bool
	hash  crypto.Hash
}

// findSignatureMethod is the allow-list (RFC 6931 section 2.3). HMAC and RSA-PSS are not in it.
func findSignatureMethod(uri string, policy Policy) (signatureMethod, error) {
	const more = "http://www.w3.org/2001/04/xmldsig-more#"
	switch uri {
	case more + "rsa-sha256":
		return signatureMethod{hash: crypto.SHA256}, nil
	case more + "rsa-sha384":
		return signatureMethod{hash: crypto.SHA384}, nil
	case more + "rsa-sha512":
		return signatureMethod{hash: crypto.SHA512}, nil
	case more + "ecdsa-sha256":
		return signatureMethod{ecdsa: true, hash: crypto.SHA256}, nil
	case more + "ecdsa-sha384":
		return signatureMethod{ecdsa: true, hash: crypto.SHA384}, nil
	case more + "ecdsa-sha512":
		return signatureMethod{ecdsa: true, hash: crypto.SHA512}, nil
	case Space + "rsa-sha1":
		if policy.AllowSHA1 {
			return signatureMethod{hash: crypto.SHA1}, nil
		}
	}
	return signatureMethod{}, errors.New("the signature algorithm is not accepted")
}

// findDigest is the allow-list of digests (RFC 6931 section 2.1).
func findDigest(uri string, policy Policy) (crypto.Hash, error) {
	switch uri {
	case "http://www.w3.org/2001/04/xmlenc#sha256":
		return crypto.SHA256, nil
	case "http://www.w3.org/2001/04/xmldsig-more#sha384":
		return crypto.SHA384, nil
	case "http://www.w3.org/2001/04/xmlenc#sha512":
		return crypto.SHA512, nil
	case Space + "sha1":
		if policy.AllowSHA1 {
			return crypto.SHA1, nil
		}
	}
	return 0, errors.New("the digest algorithm is not accepted")
}

func sum(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}

func verifyAny(keys []crypto.PublicKey, method signatureMethod, signed, sig []byte) bool {
	digest := sum(method.hash, signed)
	for _, key := range keys {
		switch key := key.(type) {
		case *rsa.PublicKey:
			if !method.ecdsa && rsa.VerifyPKCS1v15(key, method.hash, digest, sig) == nil {
				return true
			}
		case *ecdsa.PublicKey:
			if method.ecdsa && verifyECDSA(key, digest, sig) {
				return true
			}
		}
	}
	return false
}

// verifyECDSA takes r and s as two integers of the curve's length, as XML Signature section 6.4.3 wants; not DER.
func verifyECDSA(key *ecdsa.PublicKey, digest, sig []byte) bool {
	size := (key.Curve.Params().N.BitLen() + 7) / 8
	if len(sig) != 2*size {
		return false
	}
	r, s := new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:])
	return ecdsa.Verify(key, digest, r, s)
}
