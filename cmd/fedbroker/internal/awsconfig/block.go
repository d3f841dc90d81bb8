package awsconfig

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxBytes is the largest file that is edited; AWS's readers take seconds for less.
const maxBytes = 4 << 20

// Section is one section of the file: its kind ("profile", "sso-session" or "services"), its name, and its lines in
// order. A setting with no value and settings of its own beneath is written with Nested.
type Section struct {
	Kind, Name string
	Settings   []Setting
}

// Setting is one line, or one with lines beneath it.
type Setting struct {
	Key, Value string
	Nested     []Setting
}

// header is how AWS's readers spell a section of the configuration file.
func (s Section) header() string {
	if s.Kind == "profile" && s.Name == "default" {
		return "default"
	}
	return s.Kind + " " + s.Name
}

var (
	// namePattern is what every SDK takes in a name without quotes, less what would be awkward on a command line.
	namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._/@:+-]{0,255}$`)
	keyPattern  = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)
)

// A value is printable text that begins and ends with something to see, and in which no reader finds a comment (" #" and
// " ;" begin one).
func goodValue(v string) bool {
	for _, r := range v {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return false
		}
	}
	return v != "" && strings.TrimSpace(v) == v && !strings.Contains(v, " #") && !strings.Contains(v, " ;")
}

func (s Section) check() error {
	if !slices.Contains([]string{"profile", "sso-session", "services"}, s.Kind) || !namePattern.MatchString(s.Name) {
		return fmt.Errorf("awsconfig: %q cannot be the name of a section", s.header())
	}
	return checkSettings(s.Settings, false)
}

func checkSettings(settings []Setting, nested bool) error {
	for _, x := range settings {
		switch {
		case !keyPattern.MatchString(x.Key):
			return fmt.Errorf("awsconfig: %q cannot be a key", x.Key)
		case len(x.Nested) > 0 && (nested || x.Value != ""):
			return fmt.Errorf("awsconfig: %s has settings of its own and a value", x.Key)
		case len(x.Nested) == 0 && !goodValue(x.Value):
			return fmt.Errorf("awsconfig: the value of %s cannot be written", x.Key)
		}
		if err := checkSettings(x.Nested, true); err != nil {
			return err
		}
	}
	return nil
}

// render writes the sections with a line end.
func render(sections []Section, eol string) string {
	var b strings.Builder
	for _, s := range sections {
		b.WriteString("[" + s.header() + "]" + eol)
		for _, x := range s.Settings {
			line(&b, "", x, eol)
		}
	}
	return b.String()
}

func line(b *strings.Builder, indent string, x Setting, eol string) {
	b.WriteString(indent + x.Key + " =")
	if x.Value != "" {
		b.WriteString(" " + x.Value)
	}
	b.WriteString(eol)
	for _, n := range x.Nested {
		line(b, indent+"  ", n, eol)
	}
}

// Result is what an edit did.
type Result struct {
	Content []byte
	// Written are the sections of the block, Taken the headers that the person has outside it and that were left out.
	Written []Section
	Taken   []string
}

// Edit returns content with the sections as the block of owner, a broker's URL. No sections at all remove the block.
func Edit(content []byte, owner string, sections []Section) (Result, error) {
	if len(content) > maxBytes {
		return Result{}, fmt.Errorf("it is larger than %d bytes", maxBytes)
	}
	if bytes.IndexByte(content, 0) >= 0 || !utf8.Valid(content) {
		return Result{}, errors.New("it is not a text file in UTF-8")
	}
	if !goodValue(owner) || strings.ContainsAny(owner, " ") {
		return Result{}, errors.New("awsconfig: that cannot own a block")
	}
	before, block, after, err := split(content, owner)
	if err != nil {
		return Result{}, err
	}
	res := Result{}
	theirs := headers(before, after)
	for _, s := range sections {
		if err := s.check(); err != nil {
			return Result{}, err
		}
		if theirs[s.header()] {
			res.Taken = append(res.Taken, s.header())
			continue
		}
		res.Written = append(res.Written, s)
	}
	res.Content = join(before, block, after, owner, res.Written)
	return res, nil
}

func begin(owner string) string {
	return "# fedbroker " + owner + ` begin: written by "fedbroker configure", changes up to the end are lost`
}

func end(owner string) string { return "# fedbroker " + owner + " end" }

// split finds the block. Without one, everything is before it.
func split(content []byte, owner string) (before, block, after []byte, err error) {
	from, to := -1, -1
	at := 0
	for raw := range bytes.Lines(content) {
		text := strings.TrimRight(string(raw), "\r\n")
		switch {
		case strings.HasPrefix(text, "# fedbroker "+owner+" begin"):
			if from >= 0 {
				return nil, nil, nil, fmt.Errorf("the block of %s begins twice; remove one of them", owner)
			}
			from = at
		case text == end(owner):
			if from < 0 || to >= 0 {
				return nil, nil, nil, fmt.Errorf("the block of %s ends where none began; remove the line %q", owner, text)
			}
			to = at + len(raw)
		case from >= 0 && to < 0 && strings.HasPrefix(text, "# fedbroker "):
			return nil, nil, nil, fmt.Errorf("the block of %s has no end before the next begins; remove it", owner)
		}
		at += len(raw)
	}
	switch {
	case from < 0:
		return content, nil, nil, nil
	case to < 0:
		return nil, nil, nil, fmt.Errorf("the block of %s begins and has no end; remove it, or add the line %q after it", owner, end(owner))
	}
	return content[:from], content[from:to], content[to:], nil
}

var headerPattern = regexp.MustCompile(`^\s*\[\s*([^\]]*?)\s*\]`)

// headers are the sections outside the block, as far as AWS's readers would see one.
func headers(parts ...[]byte) map[string]bool {
	out := map[string]bool{}
	for _, part := range parts {
		for raw := range bytes.Lines(part) {
			m := headerPattern.FindStringSubmatch(strings.TrimPrefix(string(raw), "\ufeff"))
			if m == nil {
				continue
			}
			kind, name, _ := strings.Cut(strings.Join(strings.Fields(m[1]), " "), " ")
			name = strings.Trim(name, `"'`)
			switch {
			case kind == "profile" && name == "default":
				out["default"] = true
			case name == "":
				out[kind] = true
			default:
				out[kind+" "+name] = true
			}
		}
	}
	return out
}

// join puts the file together. A block that is new stands at the end, after an empty line.
func join(before, block, after []byte, owner string, sections []Section) []byte {
	if len(sections) == 0 {
		return slices.Concat(before, after)
	}
	eol := lineEnd(block, before)
	gap := ""
	switch {
	case len(before) == 0, block != nil:
	case before[len(before)-1] != '\n':
		gap = eol + eol
	case !bytes.HasSuffix(before, []byte(eol+eol)):
		gap = eol
	}
	text := gap + begin(owner) + eol + render(sections, eol) + end(owner) + eol
	return slices.Concat(before, []byte(text), after)
}

// lineEnd is that of the first line of the first part that has one.
func lineEnd(parts ...[]byte) string {
	for _, part := range parts {
		if i := bytes.IndexByte(part, '\n'); i > 0 && part[i-1] == '\r' {
			return "\r\n"
		} else if i >= 0 {
			break
		}
	}
	return "\n"
}
