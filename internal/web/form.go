package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
)

// maxFields bounds a form: ten thousand fields cost more to parse than any of ours could mean.
const maxFields = 64

// Form reads an urlencoded body of at most limit bytes in which every field occurs once. Parameters of the URL are
// not mixed in.
func Form(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, error) {
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, errors.New("want Content-Type: application/x-www-form-urlencoded")
	}
	body, err := Body(w, r, limit)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("the form cannot be decoded")
	}
	if len(form) > maxFields {
		return nil, errors.New("the form has too many fields")
	}
	for _, values := range form {
		if len(values) != 1 {
			return nil, errors.New("a form field occurs twice")
		}
	}
	return form, nil
}

// Body reads at most limit bytes and refuses what is longer.
func Body(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, errors.New("the body is too large")
	case err != nil:
		return nil, errors.New("the body cannot be read")
	}
	return body, nil
}
