package iampolicy

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// ordered is a value of a Numeric or Date operator. A value that cannot be read makes the comparison false; the
// operators with Not then hold, as if it were a different value. AWS says so of numbers; nothing is known of dates.
type ordered struct {
	source   string
	number   decimal
	valid    bool
	read     func(string) (decimal, bool)
	relation relation
}

// relation says which results of comparing the request with the document satisfy an operator.
type relation struct{ less, equal, greater bool }

// relationOf reads the tail of an operator's name, such as LessThanEquals.
func relationOf(name, family string) relation {
	tail := strings.TrimPrefix(name, family)
	return relation{
		less:    strings.HasPrefix(tail, "Less"),
		greater: strings.HasPrefix(tail, "Greater"),
		equal:   strings.HasSuffix(tail, "Equals"),
	}
}

// orderedValue returns the compile function of an operator.
func orderedValue(read func(string) (decimal, bool), rel relation) func(string, templateSyntax) (value, error) {
	return func(s string, _ templateSyntax) (value, error) {
		number, ok := read(s)
		return ordered{source: s, number: number, valid: ok, read: read, relation: rel}, nil
	}
}

func (o ordered) compare(actual string, _ Context) outcome {
	number, ok := o.read(actual)
	if !ok || !o.valid {
		return differs
	}
	switch order := number.compare(o.number); {
	case order < 0:
		return outcomeOf(o.relation.less)
	case order > 0:
		return outcomeOf(o.relation.greater)
	default:
		return outcomeOf(o.relation.equal)
	}
}

func (o ordered) show(Context) (text, note string) {
	return o.source, noteUnless(o.valid, "cannot be read")
}

// decimal is a number of any size, exactly: identifiers have more digits than a float64.
type decimal struct {
	negative          bool
	integer, fraction string // without leading and trailing zeros
}

var numberSyntax = regexp.MustCompile(`^([+-]?)([0-9]+)(?:\.([0-9]+))?$`)

// maxNumber bounds the digits of a number. 64-bit integers have twenty.
const maxNumber = 64

func readNumber(s string) (decimal, bool) {
	if len(s) > maxNumber {
		return decimal{}, false
	}
	m := numberSyntax.FindStringSubmatch(s)
	if m == nil {
		return decimal{}, false
	}
	d := decimal{integer: strings.TrimLeft(m[2], "0"), fraction: strings.TrimRight(m[3], "0")}
	d.negative = m[1] == "-" && (d.integer != "" || d.fraction != "")
	return d, true
}

func (d decimal) compare(e decimal) int {
	switch {
	case d.negative != e.negative:
		if d.negative {
			return -1
		}
		return 1
	case d.negative:
		return e.magnitude(d)
	default:
		return d.magnitude(e)
	}
}

// magnitude compares absolute values: of integers the longer is larger, fractions compare as text.
func (d decimal) magnitude(e decimal) int {
	return cmp.Or(
		cmp.Compare(len(d.integer), len(e.integer)),
		strings.Compare(d.integer, e.integer),
		strings.Compare(d.fraction, e.fraction),
	)
}

var epochSyntax = regexp.MustCompile(`^[0-9]{5,15}(\.[0-9]+)?$`)

// dateLayouts are the W3C profile of ISO 8601. Fractions of a second parse with the full layout.
func dateLayouts() []string {
	return []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"}
}

// readDate reads a date or epoch seconds as milliseconds since 1970; AWS compares no finer.
func readDate(s string) (decimal, bool) {
	if len(s) > maxNumber {
		return decimal{}, false
	}
	if epochSyntax.MatchString(s) {
		return readEpoch(s)
	}
	for _, layout := range dateLayouts() {
		if t, err := time.Parse(layout, s); err == nil {
			return readNumber(strconv.FormatInt(t.UnixMilli(), 10))
		}
	}
	return decimal{}, false
}

// readEpoch moves the decimal point three places and drops what is finer.
func readEpoch(s string) (decimal, bool) {
	seconds, fraction, _ := strings.Cut(s, ".")
	return readNumber(seconds + (fraction + "000")[:3])
}
