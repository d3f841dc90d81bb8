package policy

import "slices"

// index finds the rules of one provider that an identity could meet: by one pin of each rule, chosen as the one that
// fewest rules share, and for rules without a pin by listing them.
type index struct {
	keys []indexKey
	rest []int32
}

// indexKey is one claim that rules are indexed by.
type indexKey struct {
	at      *path
	byValue map[string][]int32
}

// buildIndex indexes rules, given as ascending numbers into all.
func buildIndex(all []rule, numbers []int32) index {
	shared := countPins(all, numbers)
	byKey := map[string]*indexKey{}
	var ix index
	for _, n := range numbers {
		best := tellingPin(all[n].pins, shared)
		if best == nil {
			ix.rest = append(ix.rest, n)
			continue
		}
		key := byKey[best.at.text]
		if key == nil {
			key = &indexKey{at: best.at, byValue: map[string][]int32{}}
			byKey[best.at.text] = key
		}
		for _, value := range best.wanted {
			key.byValue[value] = append(key.byValue[value], n)
		}
	}
	for _, key := range byKey {
		ix.keys = append(ix.keys, *key)
	}
	return ix
}

// pinValue is a claim with one value.
type pinValue struct{ key, value string }

// countPins says how many rules want a claim to have a value.
func countPins(all []rule, numbers []int32) map[pinValue]int {
	shared := map[pinValue]int{}
	for _, n := range numbers {
		for _, p := range all[n].pins {
			for _, value := range p.wanted {
				shared[pinValue{p.at.text, value}]++
			}
		}
	}
	return shared
}

// tellingPin chooses the pin whose values the fewest rules share; of equals the first. Nil without pins.
func tellingPin(pins []pin, shared map[pinValue]int) *pin {
	var best *pin
	least := 0
	for i := range pins {
		sum := 0
		for _, value := range pins[i].wanted {
			sum += shared[pinValue{pins[i].at.text, value}]
		}
		if best == nil || sum < least {
			best, least = &pins[i], sum
		}
	}
	return best
}

// candidates appends the numbers of the rules that the claims could meet, in file order, each once.
func (ix *index) candidates(v *view, out []int32) []int32 {
	out = append(out, ix.rest...)
	for _, key := range ix.keys {
		value, found := v.at(key.at)
		if !found {
			continue
		}
		texts(value, func(text string) bool {
			out = append(out, key.byValue[text]...)
			return true
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}
