package portal

import "net/http"

// Show sends a page of another area, one of Options.Templates, with the portal's looks. formOrigins are where its forms
// may lead besides our own origin.
func (p *Portal) Show(w http.ResponseWriter, name string, data any, formOrigins ...string) {
	p.send(w, answer{template: name, data: data, forms: formOrigins})
}

// Refuse sends the page of a refusal that another area's request id names.
func (p *Portal) Refuse(w http.ResponseWriter, requestID string, err error) {
	p.send(w, p.refusal(&refused{id: requestID, err: err}))
}
