package agent

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Paths of the instance metadata service, and the bounds of a token's life (EC2: InstanceMetadataOptions).
const (
	tokenPath  = "/latest/api/token"
	listPath   = "/latest/meta-data/iam/security-credentials/"
	tokenTTL   = "X-Aws-Ec2-Metadata-Token-Ttl-Seconds"
	tokenName  = "X-Aws-Ec2-Metadata-Token"
	maxTTL     = 21600
	nonceBytes = 8
)

// IMDS is the instance metadata service, version 2: a token first, then credentials. Version 1 is refused.
type IMDS struct {
	handler http.Handler
	o       EndpointOptions
	region  string
	key     []byte
}

var _ http.Handler = (*IMDS)(nil)

// NewIMDS makes a service that tells region where it is not empty. Tokens are good for this one service: they are its
// MAC over their end, so none need be remembered.
func NewIMDS(o EndpointOptions, region string) (*IMDS, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	m := &IMDS{o: o, region: region, key: make([]byte, 32)}
	if _, err := io.ReadFull(o.Random, m.key); err != nil {
		return nil, err
	}
	m.handler = guard(hosts(o.Listener), http.HandlerFunc(m.serve))
	return m, nil
}

// ServeHTTP answers the token path and, with a token, the metadata.
func (m *IMDS) ServeHTTP(w http.ResponseWriter, r *http.Request) { m.handler.ServeHTTP(w, r) }

// Environment is what a program must be given to use the service.
func (m *IMDS) Environment() [][2]string {
	return [][2]string{{"AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://" + m.o.Listener.Addr().String() + "/"}}
}

func (m *IMDS) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.RequestURI == tokenPath && r.Method == http.MethodPut:
		m.issue(w, r)
	case r.RequestURI == tokenPath, r.Method != http.MethodGet:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed", "a token is PUT, metadata are GET")
	case !m.admits(r):
		refuse(w, http.StatusUnauthorized, "Unauthorized", "a token of PUT "+tokenPath+" is required")
	default:
		m.metadata(w, r)
	}
}

func (m *IMDS) issue(w http.ResponseWriter, r *http.Request) {
	raw, ok := one(r.Header, tokenTTL)
	ttl, err := strconv.Atoi(raw)
	if !ok || err != nil || ttl < 1 || ttl > maxTTL || strconv.Itoa(ttl) != raw {
		refuse(w, http.StatusBadRequest, "BadRequest", fmt.Sprintf("%s must be 1 to %d", tokenTTL, maxTTL))
		return
	}
	token := make([]byte, 8+nonceBytes)
	binary.BigEndian.PutUint64(token, uint64(m.o.Now().Add(time.Duration(ttl)*time.Second).UnixNano()))
	if _, err := io.ReadFull(m.o.Random, token[8:]); err != nil {
		unavailable(w, m.o.Log, err)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set(tokenTTL, raw)
	_, _ = io.WriteString(w, base64.RawURLEncoding.EncodeToString(append(token, m.mac(token)...)))
}

func (m *IMDS) mac(token []byte) []byte {
	h := hmac.New(sha256.New, m.key)
	h.Write(token)
	return h.Sum(nil)
}

// admits reports whether a request has a token of ours that has not ended.
func (m *IMDS) admits(r *http.Request) bool {
	raw, ok := one(r.Header, tokenName)
	if !ok {
		return false
	}
	b, err := base64.RawURLEncoding.DecodeString(raw)
	if err != nil || len(b) != 8+nonceBytes+sha256.Size {
		return false
	}
	token, mac := b[:8+nonceBytes], b[8+nonceBytes:]
	if !hmac.Equal(mac, m.mac(token)) {
		return false
	}
	end := int64(binary.BigEndian.Uint64(token))
	return m.o.Now().UnixNano() < end
}

func (m *IMDS) metadata(w http.ResponseWriter, r *http.Request) {
	if r.RequestURI == "/latest/meta-data/placement/region" && m.region != "" {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, m.region)
		return
	}
	list := r.RequestURI == listPath || r.RequestURI+"/" == listPath
	if !list && len(r.RequestURI) <= len(listPath) {
		refuse(w, http.StatusNotFound, "NotFound", "there is nothing here")
		return
	}
	k, err := m.o.Keeper.Get(r.Context())
	switch {
	case err != nil:
		unavailable(w, m.o.Log, err)
	case list:
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, k.RoleName)
	case r.RequestURI == listPath+k.RoleName:
		answer(w, map[string]string{
			"Code": "Success", "LastUpdated": stamp(m.o.Now()), "Type": "AWS-HMAC", "AccessKeyId": k.AccessKeyID,
			"SecretAccessKey": k.SecretAccessKey.Reveal(), "Token": k.Token.Reveal(), "Expiration": stamp(k.Expiration), "AccountId": k.Account,
		})
	default:
		refuse(w, http.StatusNotFound, "NotFound", "there is nothing here")
	}
}
