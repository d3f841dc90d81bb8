package oauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/fedbroker/fedbroker/broker"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const (
	// deviceLifetime is how long a device waits for a person.
	deviceLifetime = 10 * time.Minute
	// deviceMemory is how much longer its code is known, so that a client which polls until it hears expired_token does.
	deviceMemory = time.Hour
	// pollInterval is how often a client may ask, pollBurst how many times more at once: AWS's command line asks twice
	// before it waits for the first time.
	pollInterval = 2 * time.Second
	pollBurst    = 2
)

// userCodeLetters are consonants that cannot be mistaken for each other or for digits and spell no word (RFC 8628
// section 6.1). Eight of them are 34 bits: with ten tries in ten minutes nobody finds one.
const (
	userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"
	userCodeLength  = 8
)

// device is a device that waits for a person.
type device struct {
	Key     string    `json:"k"` // digest of device code and client
	Client  string    `json:"n"` // its name
	Remote  string    `json:"a"` // the address that asked
	Expires time.Time `json:"e"`
}

// verdict is what a person said.
type verdict struct {
	Approved bool   `json:"y"`
	Login    string `json:"l"` // ID of the session that approved
}

// devices keeps them.
type devices struct {
	store broker.Store
	clock func() time.Time
	rand  io.Reader
}

func deviceKey(key string) string    { return "oauth-device:" + key }
func verdictKey(key string) string   { return "oauth-verdict:" + key }
func paceKey(key string) string      { return "oauth-pace:" + key }
func userCodeKey(code string) string { return "oauth-user-code:" + digest(code) }

// begin makes a device code for a client, and the code that a person types.
func (d *devices) begin(ctx context.Context, c *client, remote string) (code secret.Text, userCode string, err error) {
	code, err = deviceCode.mint(d.rand)
	if err != nil {
		return secret.Text{}, "", err
	}
	waiting := device{Key: digest(code.Reveal(), c.hash), Client: c.Name, Remote: remote, Expires: d.clock().Add(deviceLifetime)}
	for range 3 { // codes in use are few among 2^34
		if userCode, err = d.newUserCode(); err != nil {
			return secret.Text{}, "", err
		}
		byUser, errUser := addOp(userCodeKey(userCode), waiting, deviceLifetime)
		byDevice, errDevice := setOp(deviceKey(waiting.Key), waiting, deviceLifetime+deviceMemory)
		if err := errors.Join(errUser, errDevice); err != nil {
			return secret.Text{}, "", err
		}
		results, err := d.store.Do(ctx, byDevice, byUser)
		if err != nil {
			return secret.Text{}, "", err
		}
		if !results[1].Found {
			return code, userCode, nil
		}
	}
	return secret.Text{}, "", errors.New("no user code is free")
}

// newUserCode draws letters without favouring any: bytes beyond the last whole multiple are drawn again.
func (d *devices) newUserCode() (string, error) {
	const fair = 256 - 256%len(userCodeLetters)
	var out strings.Builder
	var b [1]byte
	for out.Len() < userCodeLength {
		if _, err := io.ReadFull(d.rand, b[:]); err != nil {
			return "", fmt.Errorf("read randomness: %w", err)
		}
		if int(b[0]) < fair {
			out.WriteByte(userCodeLetters[int(b[0])%len(userCodeLetters)])
		}
	}
	return out.String(), nil
}

// readUserCode takes what a person typed: in any case, with or without the dash.
func readUserCode(typed string) (string, bool) {
	if len(typed) > 64 {
		return "", false
	}
	code := strings.ToUpper(strings.NewReplacer(" ", "", "-", "").Replace(typed))
	return code, len(code) == userCodeLength && strings.Trim(code, userCodeLetters) == ""
}

// showUserCode is how it is shown: BCDF-GHJK.
func showUserCode(code string) string {
	return code[:userCodeLength/2] + "-" + code[userCodeLength/2:]
}

// waiting finds the device that shows a user code and still waits.
func (d *devices) waiting(ctx context.Context, userCode string) (device, bool, error) {
	return d.read(ctx, broker.Op{Kind: broker.OpGet, Key: userCodeKey(userCode)})
}

func (d *devices) read(ctx context.Context, op broker.Op) (device, bool, error) {
	results, err := d.store.Do(ctx, op)
	if err != nil {
		return device{}, false, err
	}
	var found device
	ok, err := decode(results[0], &found)
	return found, ok && d.clock().Before(found.Expires), err
}

// decide keeps what a person said, once: a user code is spent by it.
func (d *devices) decide(ctx context.Context, userCode string, v verdict) (device, bool, error) {
	waiting, ok, err := d.read(ctx, broker.Op{Kind: broker.OpTake, Key: userCodeKey(userCode)})
	if err != nil || !ok {
		return device{}, false, err
	}
	add, err := addOp(verdictKey(waiting.Key), v, deviceLifetime+deviceMemory)
	if err != nil {
		return device{}, false, err
	}
	_, err = d.store.Do(ctx, add)
	return waiting, true, err
}

// poll says how it stands with a device code of this client: the login that approved it, once, or a fault.
func (d *devices) poll(ctx context.Context, code secret.Text, c *client) (login string, err error) {
	if !deviceCode.wellFormed(code) {
		return "", invalidGrant.refuse(deviceUnknown)
	}
	key := digest(code.Reveal(), c.hash)
	var waiting device
	var answer verdict
	var pace time.Time
	known, err := d.state(ctx, key, &waiting, &answer, &pace)
	switch {
	case err != nil:
		return "", storeDown(err)
	case !known:
		return "", invalidGrant.refuse(deviceUnknown)
	}
	if err := d.keepPace(ctx, key, pace); err != nil {
		return "", err
	}
	switch {
	case answer.Approved:
		return d.take(ctx, key, answer)
	case answer != verdict{}:
		return "", accessDenied.refuse("the request was denied")
	case !d.clock().Before(waiting.Expires):
		return "", expiredToken.refuse("nobody approved in time; begin again")
	}
	return "", authorizationPending.refuse("nobody has approved yet")
}

const deviceUnknown = "this device code is not known, or was used"

// state reads all that there is about a device code.
func (d *devices) state(ctx context.Context, key string, waiting *device, answer *verdict, pace *time.Time) (bool, error) {
	results, err := d.store.Do(ctx,
		broker.Op{Kind: broker.OpGet, Key: deviceKey(key)}, broker.Op{Kind: broker.OpGet, Key: verdictKey(key)}, broker.Op{Kind: broker.OpGet, Key: paceKey(key)})
	if err != nil {
		return false, err
	}
	known, err := decode(results[0], waiting)
	_, errAnswer := decode(results[1], answer)
	_, errPace := decode(results[2], pace)
	return known, errors.Join(err, errAnswer, errPace)
}

// take spends an approved device code: of any number of callers one goes on.
func (d *devices) take(ctx context.Context, key string, answer verdict) (string, error) {
	results, err := d.store.Do(ctx, broker.Op{Kind: broker.OpTake, Key: deviceKey(key)})
	switch {
	case err != nil:
		return "", storeDown(err)
	case !results[0].Found:
		return "", usedGrant.refuse(deviceUnknown)
	}
	return answer.Login, nil
}

// keepPace refuses a client that asks too often (RFC 8628 section 3.5). next is when its allowance is whole again: each
// question moves it on by an interval. Two questions at once may pass as one, which harms nobody.
func (d *devices) keepPace(ctx context.Context, key string, next time.Time) error {
	now := d.clock()
	if next.Before(now) {
		next = now
	}
	if next.Sub(now) > pollBurst*pollInterval {
		return slowDown.refuse("ask less often")
	}
	set, err := setOp(paceKey(key), next.Add(pollInterval), deviceLifetime)
	if err != nil {
		return err
	}
	if _, err := d.store.Do(ctx, set); err != nil {
		return storeDown(err)
	}
	return nil
}
