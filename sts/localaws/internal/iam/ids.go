package iam

import (
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
)

// The prefixes of AWS's unique ids (IAM user guide, "Unique identifiers").
const (
	PrefixUser         = "AIDA"
	PrefixRole         = "AROA"
	PrefixAccessKey    = "AKIA"
	PrefixTemporaryKey = "ASIA"
)

// Minter makes ids and secrets from one source of randomness.
type Minter struct{ Rand io.Reader }

// UniqueID returns a prefix and 17 characters of A-Z and 2-7, as AWS names users and roles.
func (m Minter) UniqueID(prefix string) (string, error) {
	raw, err := m.bytes(11)
	if err != nil {
		return "", err
	}
	return prefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(raw)[:17], nil
}

// accountShift and accountMask are where a key id holds its account (sts fact sheet, section 3.2).
const (
	accountShift = 7
	accountMask  = 0x7fffffffff80
	newKeyBit    = 1 << 47 // set in every key id minted since 2019
)

// AccessKeyID returns a key id of 20 characters from which tools can decode the account.
func (m Minter) AccessKeyID(prefix, accountID string) (string, error) {
	account, err := strconv.ParseUint(accountID, 10, 40)
	if err != nil {
		return "", fmt.Errorf("mint access key: account %q: %w", accountID, err)
	}
	raw, err := m.bytes(10)
	if err != nil {
		return "", err
	}
	var head [8]byte
	copy(head[2:], raw[:6])
	bits := binary.BigEndian.Uint64(head[:])&^accountMask | account<<accountShift | newKeyBit
	binary.BigEndian.PutUint64(head[:], bits)
	copy(raw[:6], head[2:])
	return prefix + base32.StdEncoding.EncodeToString(raw), nil
}

// DecodeAccount returns the account that a key id holds, whether or not such a key exists.
func DecodeAccount(accessKeyID string) (string, bool) {
	if len(accessKeyID) != 20 {
		return "", false
	}
	raw, err := base32.StdEncoding.DecodeString(accessKeyID[4:])
	if err != nil {
		return "", false
	}
	var head [8]byte
	copy(head[2:], raw[:6])
	account := binary.BigEndian.Uint64(head[:]) & accountMask >> accountShift
	if account > 999_999_999_999 {
		return "", false
	}
	return fmt.Sprintf("%012d", account), true
}

// SecretKey returns 40 characters of base64, as AWS's secret access keys.
func (m Minter) SecretKey() (string, error) {
	raw, err := m.bytes(30)
	return base64.StdEncoding.EncodeToString(raw), err
}

// Token returns an opaque string of 128 characters with 96 random bytes behind it.
func (m Minter) Token() (string, error) {
	raw, err := m.bytes(96)
	return base64.StdEncoding.EncodeToString(raw), err
}

// URLToken returns an opaque string of 43 characters that needs no escaping in a URL or cookie.
func (m Minter) URLToken() (string, error) {
	raw, err := m.bytes(32)
	return base64.RawURLEncoding.EncodeToString(raw), err
}

// UUID returns a random (version 4) UUID, the form of AWS's request ids.
func (m Minter) UUID() (string, error) {
	raw, err := m.bytes(16)
	if err != nil {
		return "", err
	}
	raw[6] = raw[6]&0x0f | 0x40
	raw[8] = raw[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:]), nil
}

func (m Minter) bytes(n int) ([]byte, error) {
	raw := make([]byte, n)
	if _, err := io.ReadFull(m.Rand, raw); err != nil {
		return nil, fmt.Errorf("read randomness: %w", err)
	}
	return raw, nil
}
