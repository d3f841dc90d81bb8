package broker

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"github.com/fedbroker/fedbroker/idp"
	"github.com/fedbroker/fedbroker/sts"
)

// lengthPrefixed writes each part after its length, so that no two lists of parts give the same bytes.
func lengthPrefixed(parts ...string) []byte {
	var out []byte
	for _, p := range parts {
		out = binary.BigEndian.AppendUint64(out, uint64(len(p)))
		out = append(out, p...)
	}
	return out
}

// Digest names a list of parts in the store: the SHA-256, in hex, of each part after its length, so that no two lists
// share a name.
func Digest(parts ...string) string {
	sum := sha256.Sum256(lengthPrefixed(parts...))
	return hex.EncodeToString(sum[:])
}

// cacheKey names the session that a request would have: everything that shapes it and whose it is, and nothing that
// differs between two equal requests (invariant 5). For pass-through the proof itself is part of it, by its hash.
func (b *Broker) cacheKey(id *idp.Identity, req sts.Request, hub *Role) string {
	parts := []string{
		b.Endpoint, string(req.Mode), string(req.RoleARN), req.Region, id.Provider, id.Issuer, id.Subject,
		req.SessionName, req.SourceIdentity, strconv.FormatInt(int64(req.Duration), 10), req.Policy, req.PrincipalARN, req.ExternalID,
	}
	list := func(items ...string) {
		parts = append(parts, strconv.Itoa(len(items)), string(lengthPrefixed(items...)))
	}
	list(req.PolicyARNs...)
	list(req.TransitiveTags...)
	tags := make([]string, 0, 2*len(req.Tags))
	for _, t := range req.Tags {
		tags = append(tags, t.Key, t.Value)
	}
	list(tags...)
	hubName := ""
	if hub != nil {
		hubName = fmt.Sprintf("%s %s %s", hub.ARN, hub.Mode, hub.ExternalID)
	}
	proof := ""
	if req.Mode == sts.ModePassThrough {
		proof = id.Proof.Hash
	}
	list(hubName, proof)
	mac := hmac.New(sha256.New, b.CacheKey)
	mac.Write(lengthPrefixed(parts...))
	return hex.EncodeToString(mac.Sum(nil))
}
