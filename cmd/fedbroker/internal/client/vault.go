package client

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/zalando/go-keyring"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/atomicfile"
	"github.com/fedbroker/fedbroker/internal/secret"
)

// Tokens are a login session as this machine knows it. The client is the one they were issued to: nobody else can
// refresh them.
type Tokens struct {
	ClientID, ClientSecret string
	Access, Refresh        secret.Text
	Expires                time.Time // of Access
}

// accessMargin is how long an access token must still last to be used.
const accessMargin = 30 * time.Second

func (t Tokens) fresh(now time.Time) bool {
	return !t.Access.Empty() && now.Add(accessMargin).Before(t.Expires)
}

// stored is how Tokens rest.
type stored struct {
	ClientID     string    `json:"client_id"`
	ClientSecret string    `json:"client_secret"`
	Access       string    `json:"access_token"`
	Refresh      string    `json:"refresh_token"`
	Expires      time.Time `json:"expires"`
}

// Keyring is a system's place for secrets. Get wraps keyring.ErrNotFound where there is nothing.
type Keyring interface {
	Get(service, user string) (string, error)
	Set(service, user, password string) error
	Delete(service, user string) error
}

// SystemKeyring is the keyring of this machine, or nil where there is none: no session bus on Linux and its like (asking
// for one could start a daemon), or FEDBROKER_KEYRING=off.
func SystemKeyring(getenv func(string) (string, bool)) Keyring {
	if v, _ := getenv("FEDBROKER_KEYRING"); v == "off" {
		return nil
	}
	switch runtime.GOOS {
	case "darwin", "windows":
		return systemKeyring{}
	}
	if v, _ := getenv("DBUS_SESSION_BUS_ADDRESS"); v != "" && v != "autolaunch:" {
		return systemKeyring{}
	}
	dir, _ := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		dir = "/run/user/" + strconv.Itoa(os.Getuid())
	}
	if _, err := os.Stat(filepath.Join(dir, "bus")); err != nil {
		return nil
	}
	return systemKeyring{}
}

type systemKeyring struct{}

var _ Keyring = systemKeyring{}

func (systemKeyring) Get(service, user string) (string, error) { return keyring.Get(service, user) }
func (systemKeyring) Set(service, user, pass string) error     { return keyring.Set(service, user, pass) }

func (systemKeyring) Delete(service, user string) error { return keyring.Delete(service, user) }

// vault keeps the tokens of one broker: in the keyring, or in a file where there is no keyring or it does not take them.
type vault struct {
	keyring Keyring // nil: none
	broker  string
	file    string
}

// service is under what the keyring lists us.
const service = "fedbroker"

// load returns ErrLogin where there is nothing. A file is looked at too when the keyring has nothing: the keyring may
// have been missing when the person signed in.
func (v vault) load() (Tokens, error) {
	if v.keyring != nil {
		if text, err := v.keyring.Get(service, v.broker); err == nil {
			if t, err := decode([]byte(text)); err == nil {
				return t, nil
			}
		}
	}
	b, err := os.ReadFile(v.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Tokens{}, ErrLogin
	case err != nil:
		return Tokens{}, err
	}
	return decode(b)
}

func (v vault) save(t Tokens) error {
	b, err := json.Marshal(stored{t.ClientID, t.ClientSecret, t.Access.Reveal(), t.Refresh.Reveal(), t.Expires.UTC()})
	if err != nil {
		return err
	}
	if v.keyring != nil && v.keyring.Set(service, v.broker, string(b)) == nil {
		return remove(v.file)
	}
	if v.keyring != nil {
		_ = v.keyring.Delete(service, v.broker) // what it could not replace must not be read again
	}
	return atomicfile.Write(v.file, b, 0o600)
}

func (v vault) delete() error {
	var err error
	if v.keyring != nil {
		if err = v.keyring.Delete(service, v.broker); err != nil {
			if _, left := v.keyring.Get(service, v.broker); left != nil {
				err = nil // it had nothing, or cannot be read by anybody
			}
		}
	}
	return errors.Join(err, remove(v.file))
}

func decode(b []byte) (Tokens, error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil || s.ClientID == "" || s.Refresh == "" && s.Access == "" {
		return Tokens{}, ErrLogin // what cannot be read is as good as nothing
	}
	return Tokens{s.ClientID, s.ClientSecret, secret.New(s.Access), secret.New(s.Refresh), s.Expires}, nil
}

func remove(file string) error {
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
