package audit_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fedbroker/fedbroker/broker/audit"
)

// rehash gives an altered line the hash of what it says now, as somebody would who knows the format.
func rehash(line []byte) []byte {
	body, _, _ := bytes.Cut(line, []byte(`,"hash":"`))
	sum := sha256.Sum256(body)
	return append(slices.Clone(body), `,"hash":"`+hex.EncodeToString(sum[:])+"\"}\n"...)
}

func replace(line []byte, old, fresh string) []byte {
	return bytes.Replace(line, []byte(old), []byte(fresh), 1)
}

func TestVerifyFindsTheFirstBrokenLine(t *testing.T) {
	l, head := written(t, 5)
	other, _ := written(t, 3)
	wantSound(t, join(l...), 5, head)
	forged := rehash(replace(l[2], "alice", "mallory"))
	for what, c := range map[string]struct {
		log  []byte
		line int
	}{
		"edited":                   {join(l[0], l[1], replace(l[2], "alice", "mallory"), l[3], l[4]), 3},
		"edited and hashed anew":   {join(l[0], l[1], forged, l[3], l[4]), 4},
		"first removed":            {join(append([][]byte{other[0]}, l[2:]...)...), 2},
		"middle removed":           {join(l[0], l[1], l[3], l[4]), 3},
		"reordered":                {join(l[0], l[2], l[1], l[3], l[4]), 2},
		"doubled":                  {join(l[0], l[1], l[1], l[2]), 3},
		"inserted":                 {join(l[0], l[1], forged, l[2]), 4},
		"torn":                     {join(l[0], l[1], l[2][:40]), 3},
		"torn before its newline":  {join(l[0], l[1], l[2][:len(l[2])-1]), 3},
		"blank line":               {join(l[0], []byte("\n"), l[1]), 2},
		"carriage return":          {join(l[0], replace(l[1], "}\n", "}\r\n")), 2},
		"two records in a line":    {join(l[0], replace(l[1], "\n", ""), l[2]), 2},
		"spaces":                   {join(l[0], rehash(replace(l[1], `{"seq":`, `{ "seq":`))), 2},
		"two seqs":                 {join(l[0], rehash(replace(l[1], `,"prev"`, `,"seq":2,"prev"`))), 2},
		"seq spelled differently":  {join(l[0], rehash(replace(l[1], `{"seq":2`, `{"SEQ":2`))), 2},
		"seq with a zero":          {join(l[0], rehash(replace(l[1], `{"seq":2`, `{"seq":02`))), 2},
		"second seq at the end":    {join(l[0], rehash(replace(l[1], `,"hash"`, `,"seq":2,"hash"`))), 2},
		"unknown member":           {join(l[0], rehash(replace(l[1], `,"event":{`, `,"x":1,"event":{`))), 2},
		"second event":             {join(l[0], rehash(replace(l[1], `,"hash"`, `,"event":{},"hash"`))), 2},
		"event that is none":       {join(l[0], rehash([]byte(`{"seq":2,"prev":"`+strings.Repeat("0", 64)+`","event":null`))), 2},
		"numbered otherwise":       {join(l[0], rehash(replace(l[1], `{"seq":2`, `{"seq":9`))), 2},
		"begins before 1":          {rehash(replace(l[0], `{"seq":1`, `{"seq":0`)), 1},
		"first names one before":   {rehash(replace(l[0], `"prev":"00`, `"prev":"11`)), 1},
		"short prev":               {join(l[0], rehash(replace(l[1], `,"prev":"`+string(l[1][17:19]), `,"prev":"`))), 2},
		"not JSON":                 {join(l[0], rehash([]byte(`{"seq":2,"prev":"`+strings.Repeat("0", 64)+`","event":{`))), 2},
		"text":                     {join(l[0], []byte("hello\n")), 2},
		"a line without an end":    {join(l[0], bytes.Repeat([]byte("x"), 1<<20)), 2},
		"a long line with its end": {join(l[0], bytes.Repeat([]byte("x"), 9000), []byte("\n")), 2},
	} {
		wantBroken(t, what, c.log, c.line)
	}
}

func TestVerifyWithKnownHeads(t *testing.T) {
	l, head := written(t, 5)
	early := audit.Head{Seq: 2, Hash: string(l[1][len(l[1])-67 : len(l[1])-3])}
	wantSound(t, join(l...), 5, head, early)
	wantBroken(t, "end cut off", join(l[:3]...), 4, head, early)
	wantBroken(t, "all cut off", nil, 1, head)

	// The whole chain was written anew from the second record on.
	var rewritten [][]byte
	prev := string(l[0][len(l[0])-67 : len(l[0])-3])
	rewritten = append(rewritten, l[0])
	for _, line := range l[1:] {
		_, rest, _ := strings.Cut(string(line), `"prev":"`)
		line = replace(line, rest[:64], prev)
		line = rehash(replace(line, "alice", "mallory"))
		prev = string(line[len(line)-67 : len(line)-3])
		rewritten = append(rewritten, line)
	}
	wantSound(t, join(rewritten...), 5) // nothing inside it tells
	wantBroken(t, "rewritten", join(rewritten...), 5, head)
	wantBroken(t, "rewritten, earlier note", join(rewritten...), 2, head, early)

	if _, err := audit.Verify(bytes.NewReader(join(l...)), early, audit.Head{Seq: 2, Hash: head.Hash}); err == nil {
		t.Error("two notes that disagree")
	}
	report := wantSound(t, join(l[2:]...), 3, early, head) // earlier files were rotated away
	if report.First != 3 || report.Head != head {
		t.Errorf("report %+v", report)
	}
}

func TestVerifyReader(t *testing.T) {
	l, _ := written(t, 3)
	wantSound(t, nil, 0)
	if report, err := audit.Verify(iotest.OneByteReader(bytes.NewReader(join(l...)))); err != nil || report.Records != 3 {
		t.Errorf("byte by byte: (%+v, %v)", report, err)
	}
	bad := errors.New("bad disk")
	report, err := audit.Verify(iotest.DataErrReader(iotest.TimeoutReader(iotest.OneByteReader(bytes.NewReader(l[0])))))
	if !errors.Is(err, iotest.ErrTimeout) || report.Broken != nil {
		t.Errorf("a reader that fails: (%+v, %v)", report, err)
	}
	if _, err := audit.Verify(iotest.ErrReader(bad)); !errors.Is(err, bad) {
		t.Errorf("got %v", err)
	}
}

func FuzzVerify(f *testing.F) {
	lines, head := written(f, 4)
	good := join(lines...)
	f.Add(good, 0, byte(1))
	f.Add(good, 100, byte(0x20))
	f.Add(good[:len(good)-1], 3, byte(0))
	f.Add([]byte("\n"), 0, byte(0))
	f.Add([]byte(`{"seq":1,"prev":"`), 0, byte(0))
	f.Fuzz(func(t *testing.T, log []byte, at int, flip byte) {
		report, err := audit.Verify(bytes.NewReader(log))
		if (err == nil) != (report.Broken == nil) {
			t.Fatalf("report %+v with error %v", report, err)
		}
		if err == nil && report.Records != bytes.Count(log, []byte("\n")) {
			t.Fatalf("%d records in %q", report.Records, log)
		}
		if flip == 0 {
			return
		}
		edited := slices.Clone(good)
		edited[uint(at)%uint(len(edited))] ^= flip
		if report, err := audit.Verify(bytes.NewReader(edited), head); err == nil {
			t.Fatalf("an edit of byte %d by %x was not found: %+v", uint(at)%uint(len(edited)), flip, report)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	lines, _ := written(b, 1000)
	log := join(lines...)
	b.SetBytes(int64(len(log)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := audit.Verify(bytes.NewReader(log)); err != nil {
			b.Fatal(err)
		}
	}
}
