package saml

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/url"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// ecdsaHash is the hash that goes with a curve; 0 for curves that are not used.
func ecdsaHash(key *ecdsa.PublicKey) crypto.Hash {
	switch key.Curve.Params().BitSize {
	case 256:
		return crypto.SHA256
	case 384:
		return crypto.SHA384
	case 521:
		return crypto.SHA512
	}
	return 0
}

// signatureMethod names the algorithm and hash of our signing key (RFC 6931 section 2.3).
func signatureMethod(pub crypto.PublicKey) (string, crypto.Hash, error) {
	switch key := pub.(type) {
	case *rsa.PublicKey:
		return dsig.RSASHA256SignatureMethod, crypto.SHA256, nil
	case *ecdsa.PublicKey:
		hash := ecdsaHash(key)
		return map[crypto.Hash]string{
			crypto.SHA256: dsig.ECDSASHA256SignatureMethod,
			crypto.SHA384: dsig.ECDSASHA384SignatureMethod,
			crypto.SHA512: dsig.ECDSASHA512SignatureMethod,
		}[hash], hash, nil
	}
	return "", 0, errors.New("the signing key is neither RSA nor ECDSA")
}

// xmlSigner signs with our randomness and in XML Signature's form: ECDSA as r and s of fixed length, where Go and
// goxmldsig make DER.
type xmlSigner struct {
	key  crypto.Signer
	rand io.Reader
}

func (s xmlSigner) Public() crypto.PublicKey { return s.key.Public() }

func (s xmlSigner) Sign(_ io.Reader, digest []byte, opts crypto.SignerOpts) ([]byte, error) {
	sig, err := s.key.Sign(s.rand, digest, opts)
	pub, isECDSA := s.key.Public().(*ecdsa.PublicKey)
	if err != nil || !isECDSA {
		return sig, err
	}
	var pair struct{ R, S *big.Int }
	if rest, err := asn1.Unmarshal(sig, &pair); err != nil || len(rest) > 0 {
		return nil, errors.New("the signing key returned a malformed signature")
	}
	size := (pub.Curve.Params().N.BitLen() + 7) / 8
	out := make([]byte, 2*size)
	pair.R.FillBytes(out[:size])
	pair.S.FillBytes(out[size:])
	return out, nil
}

func (p *Provider) signer() xmlSigner { return xmlSigner{key: p.opt.Signing.Key, rand: p.opt.Rand} }

func (p *Provider) signQuery(query string) (string, error) {
	method, hash, err := signatureMethod(p.opt.Signing.Key.Public())
	if err != nil {
		return "", err
	}
	query += "&SigAlg=" + url.QueryEscape(method)
	h := hash.New()
	h.Write([]byte(query))
	sig, err := p.signer().Sign(nil, h.Sum(nil), hash)
	if err != nil {
		return "", err
	}
	return query + "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(sig)), nil
}

// signElement adds an enveloped signature behind the Issuer, where the schema wants it.
func (p *Provider) signElement(el *etree.Element) error {
	method, _, err := signatureMethod(p.opt.Signing.Key.Public())
	if err != nil {
		return err
	}
	ctx, err := dsig.NewSigningContext(p.signer(), [][]byte{p.opt.Signing.Cert.Raw})
	if err != nil {
		return err
	}
	ctx.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	if err := ctx.SetSignatureMethod(method); err != nil {
		return err
	}
	// The digest transforms what it is given; it gets a copy.
	sig, err := ctx.ConstructSignature(el.Copy(), true)
	if err != nil {
		return err
	}
	el.InsertChildAt(1, sig)
	return nil
}
