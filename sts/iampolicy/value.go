package iampolicy

import (
	"bytes"
	"encoding/base64"
	"net/netip"
)

// outcome is what comparing one value of the request with one of the document gave.
type outcome int

const (
	differs outcome = iota
	equals
	// malformed values neither equal nor differ: they hold for no operator, negated ones included.
	malformed
)

func outcomeOf(equal bool) outcome {
	if equal {
		return equals
	}
	return differs
}

// value is one value of a condition, compiled for its operator.
type value interface {
	compare(actual string, c Context) outcome
	// show returns the value as a trace shows it; note says why it can match nothing.
	show(c Context) (text, note string)
}

var (
	_ value = text{}
	_ value = foldedText{}
	_ value = arnValue{}
	_ value = ordered{}
	_ value = boolean{}
	_ value = binary{}
	_ value = network{}
)

// text is a value of StringEquals or StringLike.
type text struct{ template }

func newText(s string, syntax templateSyntax) (value, error) {
	syntax.wildcards = false
	t, err := newTemplate(s, syntax)
	return text{t}, err
}

func newTextPattern(s string, syntax templateSyntax) (value, error) {
	syntax.wildcards = true
	t, err := newTemplate(s, syntax)
	return text{t}, err
}

func (t text) compare(actual string, c Context) outcome {
	g, ok := t.expand(c)
	return outcomeOf(ok && g.match(actual))
}

// foldedText is a value of StringEqualsIgnoreCase.
type foldedText struct{ template }

func newFoldedText(s string, syntax templateSyntax) (value, error) {
	t, err := newTemplate(s, syntax)
	return foldedText{t}, err
}

func (t foldedText) compare(actual string, c Context) outcome {
	g, ok := t.expand(c)
	return outcomeOf(ok && lower(string(g)) == lower(actual))
}

// arnValue is a value of ArnLike or ArnEquals, which are the same.
type arnValue struct {
	source string
	// pattern has no parts when the value is no ARN, and then matches nothing.
	pattern arnPattern
}

func newARNValue(s string, syntax templateSyntax) (value, error) {
	parts := splitOutsideVariables(s, syntax.variables)
	if len(parts) != arnComponents || parts[0] != "arn" {
		return arnValue{source: s}, nil
	}
	syntax.wildcards = true
	pattern, err := newARNPattern(parts, syntax)
	return arnValue{source: s, pattern: pattern}, err
}

func (v arnValue) compare(actual string, c Context) outcome {
	if _, ok := splitARN(actual); !ok || len(v.pattern.parts) == 0 {
		return malformed
	}
	return outcomeOf(v.pattern.match(actual, c))
}

func (v arnValue) show(c Context) (text, note string) {
	if len(v.pattern.parts) == 0 {
		return v.source, "not an ARN of six components"
	}
	return v.pattern.show(c)
}

// boolean is a value of Bool or Null. In the request only "true" is true, in any case; everything else is false.
type boolean struct {
	source      string
	want, valid bool
}

func newBool(s string, _ templateSyntax) (value, error) {
	folded := lower(s)
	return boolean{source: s, want: folded == "true", valid: folded == "true" || folded == "false"}, nil
}

func (b boolean) compare(actual string, _ Context) outcome {
	if !b.valid {
		return malformed
	}
	return outcomeOf((lower(actual) == "true") == b.want)
}

func (b boolean) show(Context) (text, note string) {
	return b.source, noteUnless(b.valid, "not a Boolean")
}

// binary is a value of BinaryEquals: base64 in the document, raw bytes in the request.
type binary struct {
	source string
	bytes  []byte
	valid  bool
}

func newBinary(s string, _ templateSyntax) (value, error) {
	b, err := base64.StdEncoding.Strict().DecodeString(s)
	return binary{source: s, bytes: b, valid: err == nil}, nil
}

func (b binary) compare(actual string, _ Context) outcome {
	return outcomeOf(b.valid && bytes.Equal(b.bytes, []byte(actual)))
}

func (b binary) show(Context) (text, note string) { return b.source, noteUnless(b.valid, "not base64") }

// network is a value of IpAddress: an address or a CIDR block.
type network struct {
	source string
	prefix netip.Prefix
}

// newNetwork keeps a malformed block as the zero prefix, which matches nothing. An IPv6 block with host bits set is
// one of those; an IPv4 block is not. So is a block of IPv4-mapped addresses, since the request's are unmapped.
func newNetwork(s string, _ templateSyntax) (value, error) {
	if addr, err := netip.ParseAddr(s); err == nil && addr.Zone() == "" {
		addr = addr.Unmap()
		return network{source: s, prefix: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}
	prefix, err := netip.ParsePrefix(s)
	switch addr := prefix.Addr(); {
	case err != nil, addr.Is4In6(), addr.Is6() && prefix != prefix.Masked():
		return network{source: s}, nil
	}
	return network{source: s, prefix: prefix}, nil
}

func (n network) compare(actual string, _ Context) outcome {
	addr, err := netip.ParseAddr(actual)
	if err != nil || addr.Zone() != "" || !n.prefix.IsValid() {
		return malformed
	}
	// ::ffff:10.0.0.1 is the same host as 10.0.0.1; a dual-stack listener reports either.
	return outcomeOf(n.prefix.Contains(addr.Unmap()))
}

func (n network) show(Context) (text, note string) {
	return n.source, noteUnless(n.prefix.IsValid(), "not an address or CIDR block")
}

func noteUnless(valid bool, note string) string {
	if valid {
		return ""
	}
	return note
}
