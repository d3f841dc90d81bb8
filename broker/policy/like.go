package policy

import "strings"

// like reports whether the whole of s fits the pattern. In a pattern "*" stands for any text without "/", the empty
// one included; every other character, "?" and "[" too, stands for itself. Case counts.
//
// No star crosses a "/", so both sides are compared segment by segment, and the number of segments must agree.
func like(s, pattern string) bool {
	for {
		segment, rest, more := strings.Cut(s, "/")
		wanted, restWanted, moreWanted := strings.Cut(pattern, "/")
		if more != moreWanted || !likeSegment(segment, wanted) {
			return false
		}
		if !more {
			return true
		}
		s, pattern = rest, restWanted
	}
}

// likeSegment matches text without "/". After a mismatch only the last star can usefully take more, so that the work
// is at most the product of the lengths.
func likeSegment(s, pattern string) bool {
	star, resume := -1, 0
	i, j := 0, 0
	for i < len(s) {
		switch {
		case j < len(pattern) && pattern[j] == '*':
			star, resume = j, i
			j++
		case j < len(pattern) && pattern[j] == s[i]:
			i, j = i+1, j+1
		case star >= 0:
			resume++
			i, j = resume, star+1
		default:
			return false
		}
	}
	return strings.Trim(pattern[j:], "*") == ""
}
