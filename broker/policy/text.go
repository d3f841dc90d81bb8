package policy

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// absent stands in an explanation for a claim that is not there.
const absent = "absent"

// maxPrinted bounds a value in an explanation or a refusal, in bytes.
const maxPrinted = 300

// printable shows a claim so that what looks alike does not read alike: plain ASCII stands as it is, everything else is
// quoted with escapes; arrays in brackets, objects as JSON.
func printable(value any) string {
	return cut(printableWhole(value))
}

func printableWhole(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return plainOrQuoted(value)
	case []any:
		parts := make([]string, len(value))
		for i, element := range value {
			parts[i] = printableWhole(element)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	if text, ok := scalarText(value); ok {
		return text
	}
	doc, err := json.Marshal(value)
	if err != nil {
		return "a value that cannot be shown"
	}
	return string(doc)
}

func plainOrQuoted(s string) string {
	plain := s != "" && s == strings.TrimSpace(s) && s != absent
	for i := 0; i < len(s) && plain; i++ {
		plain = s[i] >= ' ' && s[i] < utf8.RuneSelf-1 && s[i] != '"'
	}
	if plain {
		return s
	}
	return strconv.QuoteToASCII(s)
}

// quoted is for refusals: always in quotes, cut.
func quoted(s string) string { return strconv.QuoteToASCII(cut(s)) }

func cut(s string) string {
	if len(s) <= maxPrinted {
		return s
	}
	end := maxPrinted
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

func orAbsent(s string) string {
	if s == "" {
		return absent
	}
	return s
}

func anyOf(wanted []string) string {
	if len(wanted) == 1 {
		return printable(wanted[0])
	}
	return cut("any of " + strings.TrimSuffix(strings.TrimPrefix(printableWhole(anys(wanted)), "["), "]"))
}

// shortDuration writes 4h rather than 4h0m0s.
func shortDuration(d time.Duration) string {
	s := d.Round(time.Second).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
