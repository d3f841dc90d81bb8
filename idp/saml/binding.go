package saml

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"net/url"
	"strings"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
)

// The fields that carry a message (SAML bindings sections 3.4.3 and 3.5.3).
const (
	fieldRequest  = "SAMLRequest"
	fieldResponse = "SAMLResponse"
)

// endpoint is where a service of the IdP is reached, by either binding; an empty one is not offered.
type endpoint struct{ redirect, post string }

// outgoing is a message of ours on its way to an endpoint.
type outgoing struct {
	field string
	to    endpoint
	relay string
	sign  bool
	build func(destination string) *etree.Element
}

// send uses the binding that the IdP offers, redirect before POST: it needs no page of ours in between.
func (p *Provider) send(m outgoing) (idp.Redirect, error) {
	if m.to.redirect != "" {
		return p.sendRedirect(m)
	}
	return p.sendPost(m)
}

// sendRedirect is the HTTP-Redirect binding with DEFLATE (SAML bindings section 3.4.4.1). The signature covers the
// escaped parameters in this order; a query that the destination brings along stays outside.
func (p *Provider) sendRedirect(m outgoing) (idp.Redirect, error) {
	destination := m.to.redirect
	doc, err := serialise(m.build(destination))
	if err != nil {
		return idp.Redirect{}, err
	}
	packed, err := p.deflate(doc)
	if err != nil {
		return idp.Redirect{}, err
	}
	query := m.field + "=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed))
	if m.relay != "" {
		query += "&RelayState=" + url.QueryEscape(m.relay)
	}
	if m.sign {
		if query, err = p.signQuery(query); err != nil {
			return idp.Redirect{}, err
		}
	}
	joint := "?"
	if strings.Contains(destination, "?") {
		joint = "&"
	}
	return idp.Redirect{URL: destination + joint + query}, nil
}

// deflate compresses with a writer that is used again: a new one takes 800 KB, and anybody may begin a login.
func (p *Provider) deflate(doc []byte) ([]byte, error) {
	var out bytes.Buffer
	w, ok := p.deflaters.Get().(*flate.Writer)
	if ok {
		w.Reset(&out)
	} else {
		var err error
		if w, err = flate.NewWriter(&out, flate.BestCompression); err != nil {
			return nil, err
		}
	}
	defer p.deflaters.Put(w)
	if _, err := w.Write(doc); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// sendPost is the HTTP-POST binding (SAML bindings section 3.5.4).
func (p *Provider) sendPost(m outgoing) (idp.Redirect, error) {
	el := m.build(m.to.post)
	if m.sign {
		if err := p.signElement(el); err != nil {
			return idp.Redirect{}, err
		}
	}
	doc, err := serialise(el)
	if err != nil {
		return idp.Redirect{}, err
	}
	form := url.Values{m.field: {base64.StdEncoding.EncodeToString(doc)}}
	if m.relay != "" {
		form.Set("RelayState", m.relay)
	}
	return idp.Redirect{URL: m.to.post, Form: form}, nil
}

func serialise(el *etree.Element) ([]byte, error) {
	doc := etree.NewDocument()
	doc.SetRoot(el)
	return doc.WriteToBytes()
}
