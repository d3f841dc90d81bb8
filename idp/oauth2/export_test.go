package oauth2

import "net/url"

// NextPage and Take are the readers of outside input, for the tests of hostile input.
func NextPage(current string, links ...string) (string, error) {
	u, err := url.Parse(current)
	if err != nil {
		return "", err
	}
	return nextPage(u, links)
}

func Take(list List, doc []byte) (map[string][]any, error) {
	into := map[string][]any{}
	err := list.take(doc, into)
	return into, err
}
