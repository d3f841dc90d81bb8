package oauth_test

import (
	"log/slog"
	"testing"

	"github.com/fedbroker/fedbroker/broker/api/doortest"
	"github.com/fedbroker/fedbroker/broker/oauth"
	"github.com/fedbroker/fedbroker/broker/portal"
	"github.com/fedbroker/fedbroker/broker/session"
)

// TestNewRefuses: nothing is left out, and a short key seals nothing.
func TestNewRefuses(t *testing.T) {
	w := doortest.New(t)
	pages, err := portal.New(portal.Options{
		Broker: w.Broker, Store: w.Store, Sessions: w.Sessions, Logins: w.Logins, Cookies: w.Cookies, PublicURL: doortest.PublicURL, Clock: w.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := oauth.New(options(w, w.Store, pages)); err != nil {
		t.Fatal(err)
	}
	for i, change := range []func(*oauth.Options){
		func(o *oauth.Options) { o.Broker = nil }, func(o *oauth.Options) { o.Store = nil }, func(o *oauth.Options) { o.Sessions = nil },
		func(o *oauth.Options) { o.Tokens = nil }, func(o *oauth.Options) { o.Cookies = session.Cookies{} }, func(o *oauth.Options) { o.Pages = nil },
		func(o *oauth.Options) { o.PublicURL = "" }, func(o *oauth.Options) { o.Clock = nil }, func(o *oauth.Options) { o.Rand = nil },
		func(o *oauth.Options) { o.ClientKey = o.ClientKey[:31] }, func(o *oauth.Options) { o.ClientKey = nil },
	} {
		o := options(w, w.Store, pages)
		change(&o)
		if _, err := oauth.New(o); err == nil {
			t.Errorf("options %d are accepted", i)
		}
	}
	good := oauth.TokenOptions{Store: w.Store, Sessions: w.Sessions, Clock: w.Now, Rand: w.Rand}
	for i, change := range []func(*oauth.TokenOptions){
		func(o *oauth.TokenOptions) { o.Store = nil }, func(o *oauth.TokenOptions) { o.Sessions = nil },
		func(o *oauth.TokenOptions) { o.Clock = nil }, func(o *oauth.TokenOptions) { o.Rand = nil },
	} {
		o := good
		change(&o)
		if _, err := oauth.NewTokens(o); err == nil {
			t.Errorf("token options %d are accepted", i)
		}
	}
}
