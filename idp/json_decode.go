package idp

import (
	"encoding/json"
	"strconv"
	"strings"
)

// unquote decodes a string that text has read.
func unquote(quoted string) string {
	if !strings.Contains(quoted, `\`) {
		return quoted[1 : len(quoted)-1]
	}
	var out string
	_ = json.Unmarshal([]byte(quoted), &out) // cannot fail: text has checked the grammar
	return out
}

// decodeValue turns the text of one checked value into the types that Claims promises.
func decodeValue(raw string) any {
	switch raw[0] {
	case '"':
		return unquote(raw)
	case 't':
		return true
	case 'f':
		return false
	case 'n':
		return nil
	case '{', '[':
		return decodeNested(raw)
	}
	return decodeNumber(raw)
}

func decodeNumber(raw string) any {
	if i, err := strconv.ParseInt(raw, 10, 64); err == nil {
		return i
	}
	f, _ := strconv.ParseFloat(raw, 64) // in range: number has checked it
	return f
}

func decodeNested(raw string) any {
	dec := json.NewDecoder(strings.NewReader(raw))
	dec.UseNumber()
	var v any
	_ = dec.Decode(&v) // cannot fail: value has checked the grammar
	return normalise(v)
}

func normalise(v any) any {
	switch v := v.(type) {
	case json.Number:
		return decodeNumber(v.String())
	case []any:
		for i := range v {
			v[i] = normalise(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normalise(v[k])
		}
	}
	return v
}
