package devclient

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Page is an answer that is not a redirect.
type Page struct {
	URL    *url.URL
	Status int
	Header http.Header
	Body   []byte
}

// Form is a form of a page. Fields hold what a browser would send if nothing were typed: inputs with their values,
// no buttons and no unticked boxes.
type Form struct {
	// Method is GET or POST.
	Method string
	Action *url.URL
	Fields url.Values

	page *Page
}

// Form returns the first form that has an input of that name.
func (p *Page) Form(input string) (*Form, error) {
	for _, f := range p.forms() {
		if f.inputs[input] {
			return f.form, nil
		}
	}
	return nil, fmt.Errorf("%s%s answered %d without a form that has %q", p.URL.Host, p.URL.Path, p.Status, input)
}

type readForm struct {
	form   *Form
	inputs map[string]bool // every name, sent or not
}

// forms reads as much of the page as can be read as tags; what follows after that is not a form of ours.
func (p *Page) forms() []readForm {
	decoder := xml.NewDecoder(bytes.NewReader(p.Body))
	decoder.Strict, decoder.AutoClose, decoder.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var all []readForm
	open := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return all
		}
		switch t := token.(type) {
		case xml.StartElement:
			switch name := strings.ToLower(t.Name.Local); {
			case name == "form":
				form, ok := p.newForm(t)
				if open = ok; ok {
					all = append(all, form)
				}
			case name == "input" && open:
				all[len(all)-1].add(t)
			}
		case xml.EndElement:
			open = open && !strings.EqualFold(t.Name.Local, "form")
		}
	}
}

func (p *Page) newForm(t xml.StartElement) (readForm, bool) {
	method := strings.ToUpper(attr(t, "method"))
	if method != http.MethodPost {
		method = http.MethodGet
	}
	action, err := p.URL.Parse(attr(t, "action"))
	if err != nil {
		return readForm{}, false
	}
	return readForm{form: &Form{Method: method, Action: action, Fields: url.Values{}, page: p}, inputs: map[string]bool{}}, true
}

func (f readForm) add(t xml.StartElement) {
	name := attr(t, "name")
	if name == "" {
		return
	}
	f.inputs[name] = true
	switch strings.ToLower(attr(t, "type")) {
	case "submit", "button", "image", "reset", "file":
	case "checkbox", "radio":
		if has(t, "checked") {
			f.form.Fields.Add(name, attr(t, "value"))
		}
	default:
		f.form.Fields.Add(name, attr(t, "value"))
	}
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return a.Value
		}
	}
	return ""
}

func has(t xml.StartElement, name string) bool {
	for _, a := range t.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return true
		}
	}
	return false
}
