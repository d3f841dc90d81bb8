package oauth

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// clientKeySize is the least size of Options.ClientKey in bytes.
const clientKeySize = 32

// registrar seals and opens registrations. Nonces are random: a key is good for 2^32 registrations (NIST SP 800-38D
// section 8.3), which the throttle of one address alone would take decades to reach.
type registrar struct {
	aead  cipher.AEAD
	mac   []byte
	rand  io.Reader
	clock func() time.Time
}

// newRegistrar derives its keys from one of at least 32 bytes (RFC 5869).
func newRegistrar(key []byte, rand io.Reader, clock func() time.Time) (*registrar, error) {
	if len(key) < clientKeySize {
		return nil, errors.New("oauth: ClientKey must have 32 bytes")
	}
	sealing, errSealing := hkdf.Key(sha256.New, key, nil, "fedbroker oauth client id v1", clientKeySize)
	mac, errMAC := hkdf.Key(sha256.New, key, nil, "fedbroker oauth client secret v1", clientKeySize)
	if err := errors.Join(errSealing, errMAC); err != nil {
		return nil, fmt.Errorf("oauth: derive from the client key: %w", err)
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, fmt.Errorf("oauth: client key: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("oauth: client key: %w", err)
	}
	return &registrar{aead: aead, mac: mac, rand: rand, clock: clock}, nil
}

// seal turns a checked client into its id and secret.
func (g *registrar) seal(c client) (id string, proof secret.Text, err error) {
	var encoded bytes.Buffer
	enc := json.NewEncoder(&encoded)
	enc.SetEscapeHTML(false) // a name of angle brackets would be six times as long
	if err := enc.Encode(c); err != nil {
		return "", secret.Text{}, fmt.Errorf("encode client: %w", err)
	}
	plain := encoded.Bytes()
	nonce := make([]byte, g.aead.NonceSize(), g.aead.NonceSize()+len(plain)+g.aead.Overhead())
	if _, err := io.ReadFull(g.rand, nonce); err != nil {
		return "", secret.Text{}, fmt.Errorf("read randomness: %w", err)
	}
	id = string(clientID) + text.EncodeToString(g.aead.Seal(nonce, nonce, plain, []byte(clientID)))
	return id, g.secretOf(id), nil
}

func (g *registrar) secretOf(id string) secret.Text {
	mac := hmac.New(sha256.New, g.mac)
	_, _ = io.WriteString(mac, id)
	return secret.New(string(clientSecret) + text.EncodeToString(mac.Sum(nil)))
}

// open reads a client's id. Who knows it is not yet the client: it is in URLs.
func (g *registrar) open(id string) (client, error) {
	var c client
	body, ours := strings.CutPrefix(id, string(clientID))
	if !ours || len(id) > maxClientID {
		return c, unknownClient()
	}
	sealed, ok := unspell(body)
	if !ok || len(sealed) < g.aead.NonceSize() {
		return c, unknownClient()
	}
	nonce, sealed := sealed[:g.aead.NonceSize()], sealed[g.aead.NonceSize():]
	plain, err := g.aead.Open(nil, nonce, sealed, []byte(clientID))
	if err != nil || json.Unmarshal(plain, &c) != nil {
		return client{}, unknownClient()
	}
	if g.clock().Unix() >= c.Expires {
		return client{}, invalidClient.refuse("this registration is over; register again")
	}
	c.hash = digest("client", id)
	return c, nil
}

// authenticate opens a client's id for whoever has its secret.
func (g *registrar) authenticate(id string, proof secret.Text) (client, error) {
	c, err := g.open(id)
	if err != nil {
		return client{}, err
	}
	if !g.secretOf(id).Equal(proof) {
		return client{}, unknownClient()
	}
	return c, nil
}

func unknownClient() error {
	return invalidClient.refuse("this client is not registered here; register again")
}
