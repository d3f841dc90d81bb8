package devclient

import (
	"context"
	"fmt"
	"net/http"

	"github.com/fedbroker/fedbroker/internal/secret"
)

// Person is who signs in.
type Person struct {
	Username string
	Password secret.Text
	// SecondFactor ticks devidp's box for a second factor, where the form has one.
	SecondFactor bool
}

// SignIn opens a URL that leads to a sign-in form (a broker's /login/{idp}), fills the form in and returns the page
// after it. For OIDC that page is the relying party's own, the callback being behind it; for SAML it holds the form
// that carries the response: submit [Page.Form] "SAMLResponse". A page that still asks for the password is an error.
func (b *Browser) SignIn(ctx context.Context, startURL string, who Person) (*Page, error) {
	page, err := b.Open(ctx, startURL)
	if err != nil {
		return nil, err
	}
	if page, err = b.passPosts(ctx, page); err != nil {
		return nil, err
	}
	form, err := page.Form("password")
	if err != nil {
		return nil, fmt.Errorf("no sign-in form: %w", err)
	}
	form.Fields.Set("username", who.Username)
	form.Fields.Set("password", who.Password.Reveal())
	if who.SecondFactor {
		form.Fields.Set("mfa", "yes")
	}
	page, err = b.Submit(ctx, form)
	if err != nil {
		return nil, err
	}
	if _, again := page.Form("password"); again == nil {
		return nil, fmt.Errorf("%s did not sign %s in (status %d)", page.URL.Host, who.Username, page.Status)
	}
	return page, nil
}

// SAMLForm signs in and returns the form that carries the SAMLResponse and RelayState to the ACS, unsent: submit it,
// or read its Fields.
func (b *Browser) SAMLForm(ctx context.Context, startURL string, who Person) (*Form, error) {
	page, err := b.SignIn(ctx, startURL, who)
	if err != nil {
		return nil, err
	}
	return page.Form("SAMLResponse")
}

// passPosts submits a page that does nothing but send an AuthnRequest on by POST (SAML bindings 3.5), as its script
// would.
func (b *Browser) passPosts(ctx context.Context, page *Page) (*Page, error) {
	form, err := page.Form("SAMLRequest")
	if err != nil || page.Status != http.StatusOK {
		return page, nil // without such a form the page is the sign-in form already
	}
	return b.Submit(ctx, form)
}
