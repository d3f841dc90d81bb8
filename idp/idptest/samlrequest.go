package idptest

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"io"
	"net/url"
	"testing"

	"github.com/beevik/etree"

	"github.com/fedbroker/fedbroker/idp"
)

// ReadAuthnRequest returns the AuthnRequest that a redirect carries, by either binding, and the RelayState.
func ReadAuthnRequest(tb testing.TB, redirect idp.Redirect) (request *etree.Element, relayState string) {
	tb.Helper()
	return ReadSAML(tb, redirect, "SAMLRequest")
}

// ReadSAML returns the message that a redirect carries in that field, by either binding, and the RelayState.
func ReadSAML(tb testing.TB, redirect idp.Redirect, field string) (message *etree.Element, relayState string) {
	tb.Helper()
	form := redirect.Form
	packed := len(form) == 0
	if packed {
		u, err := url.Parse(redirect.URL)
		if err != nil {
			tb.Fatal(err)
		}
		form = u.Query()
	}
	raw, err := base64.StdEncoding.DecodeString(form.Get(field))
	if err != nil {
		tb.Fatal(err)
	}
	if packed {
		if raw, err = io.ReadAll(flate.NewReader(bytes.NewReader(raw))); err != nil {
			tb.Fatal(err)
		}
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(raw); err != nil {
		tb.Fatal(err)
	}
	return doc.Root(), form.Get("RelayState")
}
