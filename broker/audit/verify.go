package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Report is what Verify found.
type Report struct {
	// Records is how many lines were read and found good.
	Records int
	// First is the place of the first record: above 1 where older files were rotated away.
	First uint64
	// Head is the last good record.
	Head Head
	// Broken is the first line that does not fit; nil when the whole record is sound.
	Broken *Break
}

// Break is where a record stops being trustworthy: everything before Line is as it was written.
type Break struct {
	Line   int // from 1
	Reason string
}

// Error makes a Break an error.
func (b *Break) Error() string { return fmt.Sprintf("line %d: %s", b.Line, b.Reason) }

// Verify reads a record to its first broken line: one that was edited, that is missing, out of order or put in, or
// that is torn. Each known Head that lies in the range read must be there, which also finds lines cut from the end
// and a chain that was rewritten; one from before the range is passed over. Rotated files are verified as one when
// read one after the other, oldest first. The error is the reader's, or the Break of the Report.
func Verify(r io.Reader, known ...Head) (Report, error) {
	c := chain{known: make(map[uint64]string, len(known))}
	for _, head := range known {
		if other, ok := c.known[head.Seq]; ok && other != head.Hash {
			return c.report, fmt.Errorf("two different records are known as number %d", head.Seq)
		}
		c.known[head.Seq] = head.Hash
	}
	lines := bufio.NewReaderSize(r, MaxLine)
	for {
		b, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(b) == 0 {
			return c.finish()
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return c.report, fmt.Errorf("read audit log: %w", err)
		}
		if reason := c.add(b); reason != "" {
			return c.broken(reason)
		}
	}
}

type chain struct {
	report Report
	known  map[uint64]string
}

// add takes the next line with its newline, and says what is wrong with it.
func (c *chain) add(b []byte) string {
	body, whole := bytes.CutSuffix(b, []byte("\n"))
	if !whole {
		return fmt.Sprintf("it is torn, or longer than %d bytes", MaxLine)
	}
	rec, err := parse(body)
	if err != nil {
		return err.Error()
	}
	last := c.report.Head
	switch {
	case c.report.Records == 0 && rec.Seq == 1 && rec.Prev != noHash:
		return "the first record names one before it"
	case c.report.Records == 0 && rec.Seq == 0:
		return "records count from 1"
	case c.report.Records > 0 && rec.Seq != last.Seq+1:
		return fmt.Sprintf("record %d follows record %d: removed, inserted or reordered", rec.Seq, last.Seq)
	case c.report.Records > 0 && rec.Prev != last.Hash:
		return fmt.Sprintf("record %d does not continue the one before it", rec.Seq)
	}
	if want, ok := c.known[rec.Seq]; ok && want != rec.Hash {
		return fmt.Sprintf("record %d is not the one that is known: the chain was rewritten", rec.Seq)
	}
	if c.report.Records == 0 {
		c.report.First = rec.Seq
	}
	c.report.Records++
	c.report.Head = rec.head()
	return ""
}

func (c *chain) finish() (Report, error) {
	for seq := range c.known {
		if seq > c.report.Head.Seq {
			return c.broken(fmt.Sprintf("record %d is known and not there: cut off", seq))
		}
	}
	return c.report, nil
}

func (c *chain) broken(reason string) (Report, error) {
	c.report.Broken = &Break{Line: c.report.Records + 1, Reason: reason}
	return c.report, c.report.Broken
}
