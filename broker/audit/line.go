package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// MaxLine is the most bytes of one line, its newline included (invariant 10 of design.md section 9).
const MaxLine = 8 << 10

// Head names one record of a chain by its place and hash: everything before it is fixed by it.
type Head struct {
	Seq  uint64 `json:"seq"`
	Hash string `json:"hash"`
}

const hashSize = 2 * sha256.Size

var noHash = strings.Repeat("0", hashSize)

// Parts of a line. The hash stands last and has a fixed size, so that it is found without parsing.
const (
	linePrev  = `,"prev":"`
	lineEvent = `","event":`
	lineHash  = `,"hash":"`
	lineEnd   = `"}`
	tailSize  = len(lineHash) + hashSize + len(lineEnd)
	// frameSize is the most that a line needs beside its event: 20 digits of seq, prev, hash and newline.
	frameSize = len(`{"seq":`) + 20 + len(linePrev) + hashSize + len(lineEvent) + tailSize + 1
)

// line appends one record to the chain that ends in prev.
func line(prev Head, event []byte) ([]byte, Head) {
	next := Head{Seq: prev.Seq + 1}
	b := make([]byte, 0, frameSize+len(event))
	b = append(b, `{"seq":`...)
	b = strconv.AppendUint(b, next.Seq, 10)
	b = append(b, linePrev...)
	b = append(b, prev.Hash...)
	b = append(b, lineEvent...)
	b = append(b, event...)
	next.Hash = hash(b)
	b = append(b, lineHash...)
	b = append(b, next.Hash...)
	return append(b, lineEnd+"\n"...), next
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// record is a line as it was read. What the event says is not looked into: older and newer brokers' events verify too.
type record struct {
	Seq   uint64          `json:"seq"`
	Prev  string          `json:"prev"`
	Event json.RawMessage `json:"event"`
	Hash  string          `json:"hash"`
}

func (r *record) head() Head { return Head{Seq: r.Seq, Hash: r.Hash} }

// parse checks a line, without its newline, on its own: its hash, and that it is spelled as this package spells it.
// A second seq, say, would fit the hash and make two readers see two records.
func parse(b []byte) (record, error) {
	var r record
	if len(b) >= MaxLine {
		return r, fmt.Errorf("longer than %d bytes", MaxLine)
	}
	if len(b) < tailSize {
		return r, errors.New("too short for a record")
	}
	body, tail := b[:len(b)-tailSize], b[len(b)-tailSize:]
	if string(tail) != lineHash+hash(body)+lineEnd {
		return r, errors.New("its hash does not fit: it was edited")
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return r, fmt.Errorf("not a record: %w", err)
	}
	again, _ := line(Head{Seq: r.Seq - 1, Hash: r.Prev}, r.Event)
	if len(r.Prev) != hashSize || !bytes.HasPrefix(r.Event, []byte("{")) || !bytes.Equal(again[:len(again)-1], b) {
		return r, errors.New("not a record: it is not in the form of one")
	}
	return r, nil
}
