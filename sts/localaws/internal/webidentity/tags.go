package webidentity

import (
	"maps"
	"slices"
	"strings"
)

// Tag is a session tag of the token.
type Tag struct{ Key, Value string }

// Tags reads session tags and transitive keys in the nested form (values are lists of one string) and in the
// flattened form (one claim for each tag, a plain string). They come back sorted by key.
func (c *Claims) Tags() (tags []Tag, transitive []string, err error) {
	if nested := c.all[claimTags]; nested != nil {
		if tags, transitive, err = nestedTags(nested); err != nil {
			return nil, nil, err
		}
	}
	for name, value := range c.all {
		key, ok := strings.CutPrefix(name, claimPrincipalTags)
		if !ok {
			continue
		}
		text, ok := value.(string)
		if !ok {
			return nil, nil, invalidToken()
		}
		tags = append(tags, Tag{key, text})
	}
	if flat := c.all[claimTransitive]; flat != nil {
		keys, ok := onlyStrings(flat)
		if !ok {
			return nil, nil, invalidToken()
		}
		transitive = append(transitive, keys...)
	}
	slices.SortFunc(tags, func(a, b Tag) int { return strings.Compare(a.Key, b.Key) })
	return tags, transitive, nil
}

func nestedTags(value any) (tags []Tag, transitive []string, err error) {
	object, ok := value.(map[string]any)
	if !ok {
		return nil, nil, invalidToken()
	}
	if principal := object["principal_tags"]; principal != nil {
		byKey, ok := principal.(map[string]any)
		if !ok {
			return nil, nil, invalidToken()
		}
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			values, ok := onlyStrings(byKey[key])
			if !ok || len(values) != 1 {
				return nil, nil, invalidToken()
			}
			tags = append(tags, Tag{key, values[0]})
		}
	}
	if keys := object["transitive_tag_keys"]; keys != nil {
		if transitive, ok = onlyStrings(keys); !ok {
			return nil, nil, invalidToken()
		}
	}
	return tags, transitive, nil
}
