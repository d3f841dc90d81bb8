package client

import (
	"context"
	"errors"
	"net/url"
	"time"
)

// DevicePrompt is what a person must be told to approve this machine from another.
type DevicePrompt struct {
	Page, Code string
	Expires    time.Duration
}

// Bounds of the polling (RFC 8628 section 3.5): the interval where the broker names none, what a slow_down adds, and
// the least and most that are believed.
const (
	defaultInterval = 5 * time.Second
	slowDown        = 5 * time.Second
	maxInterval     = time.Minute
	maxDeviceLife   = 30 * time.Minute
)

// LoginDevice signs in with a code that the person types into a page on another machine.
func (c *Client) LoginDevice(ctx context.Context, o LoginOptions) error {
	r, err := c.registration(ctx, false)
	if err != nil {
		return err
	}
	d, err := c.wire.startDevice(ctx, r)
	if isOAuth(err, "invalid_client", "unauthorized_client") {
		if r, err = c.registration(ctx, true); err != nil {
			return err
		}
		d, err = c.wire.startDevice(ctx, r)
	}
	if err != nil {
		return err
	}
	prompt, err := c.prompt(d)
	if err != nil {
		return err
	}
	if err := o.ShowDevice(prompt); err != nil {
		return err
	}
	t, err := c.poll(ctx, r, d, prompt.Expires, o)
	if err != nil {
		return err
	}
	return c.signedIn(ctx, t)
}

// prompt refuses a page that is not the broker's own: a person will type a code there.
func (c *Client) prompt(d deviceCode) (DevicePrompt, error) {
	page, err := url.Parse(d.VerificationURI)
	if err != nil || d.DeviceCode == "" || d.UserCode == "" || page.Scheme+"://"+page.Host != c.o.Broker || page.User != nil {
		return DevicePrompt{}, &notServed{c.o.Broker, "/device_authorization"}
	}
	life := min(time.Duration(max(d.ExpiresIn, 1))*time.Second, maxDeviceLife)
	return DevicePrompt{Page: page.String(), Code: plain(d.UserCode), Expires: life}, nil
}

// poll asks until the person has decided or the code has expired.
func (c *Client) poll(ctx context.Context, r registration, d deviceCode, life time.Duration, o LoginOptions) (Tokens, error) {
	every := defaultInterval
	if d.Interval > 0 {
		every = min(time.Duration(d.Interval)*time.Second, maxInterval)
	}
	end := c.o.Now().Add(life)
	for c.o.Now().Before(end) {
		select {
		case <-ctx.Done():
			return Tokens{}, ctx.Err()
		case <-o.After(every):
		}
		t, err := c.wire.token(ctx, c.o.Now(), tokenRequest{ClientID: r.ClientID, ClientSecret: r.ClientSecret, GrantType: grantDevice, DeviceCode: d.DeviceCode})
		switch {
		case isOAuth(err, "authorization_pending"):
		case isOAuth(err, "slow_down"):
			every = min(every+slowDown, maxInterval)
		case isOAuth(err, "access_denied"):
			return Tokens{}, errors.New("the sign-in was refused on the page")
		case isOAuth(err, "expired_token"):
			return Tokens{}, errExpiredCode
		default:
			return t, err
		}
	}
	return Tokens{}, errExpiredCode
}

var errExpiredCode = errors.New(`the code has expired; run "fedbroker login --device" again`)
