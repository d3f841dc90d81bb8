package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/broker"
)

// fit encodes an event within the line's limit. Texts are cut shorter and lists made shorter, in steps, until it
// fits; a cut text ends in a marker with the start of its own SHA-256, so that two long names stay two names. No
// member is dropped.
func fit(e broker.Event) ([]byte, error) {
	b, err := json.Marshal(e)
	// The last step, 32 bytes a text, always fits: 22 texts, 5 tags and 5 names of at most 6*32+17 bytes each.
	for size := 1024; err == nil && len(b) > MaxLine-frameSize && size >= 24; size /= 2 {
		b, err = json.Marshal(shorten(e, size))
	}
	if err != nil {
		return nil, fmt.Errorf("encode audit record: %w", err)
	}
	if len(b) > MaxLine-frameSize {
		return nil, fmt.Errorf("encode audit record: %d bytes after cutting", len(b))
	}
	return b, nil
}

// shorten cuts every text to size bytes and every list to size/8 members and one that counts the rest.
func shorten(e broker.Event, size int) broker.Event {
	for _, text := range texts(&e) {
		*text = cut(*text, size)
	}
	most := size / 8
	e.Ignored, e.Ended = shortenList(e.Ignored, size, most), shortenList(e.Ended, size, most/4)
	e.Tags = shortenTags(e.Tags, size, most)
	return e
}

func shortenList(list []string, size, most int) []string {
	out := slices.Clone(list)
	if len(out) > most {
		out = append(out[:most], fmt.Sprintf("…[%d more]", len(list)-most))
	}
	for i := range out {
		out[i] = cut(out[i], size)
	}
	return out
}

func shortenTags(tags map[string]string, size, most int) map[string]string {
	if tags == nil {
		return nil
	}
	out := make(map[string]string, min(len(tags), most+1))
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		if i == most {
			out["…[cut]"] = fmt.Sprintf("%d more", len(tags)-most)
			break
		}
		out[cut(key, size)] = cut(tags[key], size)
	}
	return out
}

// texts lists every text of an event.
func texts(e *broker.Event) []*string {
	return []*string{
		&e.ID, &e.Door, &e.Action, &e.Remote, &e.Outcome, &e.Detail, &e.Cause, &e.Reason,
		&e.Provider, &e.Issuer, &e.Subject, &e.Username, &e.ProofHash, &e.Session, &e.Client,
		&e.Role, &e.RoleARN, &e.Rule, &e.SessionName, &e.SourceIdentity,
		&e.STSAction, &e.AccessKeyID, &e.AWSRequestID,
	}
}

// cut shortens a text to at most size bytes and a marker, at a rune's edge.
func cut(s string, size int) string {
	if len(s) <= size {
		return s
	}
	end := size
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	sum := sha256.Sum256([]byte(s))
	return s[:end] + "…[cut " + hex.EncodeToString(sum[:4]) + "]"
}
