package client

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/atomicfile"
)

// Home is the folder in which the command line keeps what it must remember. A broker has a folder of its own in it.
type Home struct{ Dir string }

// DefaultHome is fedbroker's folder in the user's configuration folder, by the conventions of the operating system.
func DefaultHome(goos string, getenv func(string) (string, bool)) (Home, error) {
	variables := [][2]string{{"XDG_CONFIG_HOME", ""}, {"HOME", ".config"}}
	switch goos {
	case "windows":
		variables = [][2]string{{"APPDATA", ""}}
	case "darwin":
		variables = [][2]string{{"HOME", "Library/Application Support"}}
	}
	for _, v := range variables {
		if dir, _ := getenv(v[0]); filepath.IsAbs(dir) {
			return Home{filepath.Join(dir, v[1], "fedbroker")}, nil
		}
	}
	return Home{}, fmt.Errorf("cannot tell your configuration folder; set %s", variables[len(variables)-1][0])
}

type settings struct {
	Broker string `json:"broker"`
}

// Broker is the broker that was signed in to last; empty when there is none.
func (h Home) Broker() string {
	var s settings
	if readJSON(filepath.Join(h.Dir, "client.json"), &s) != nil {
		return ""
	}
	broker, err := ParseBroker(s.Broker)
	if err != nil {
		return ""
	}
	return broker
}

func (h Home) remember(broker string) error {
	return writeJSON(filepath.Join(h.Dir, "client.json"), settings{broker})
}

// of is the folder of one broker.
func (h Home) of(broker string) string {
	sum := sha256.Sum256([]byte(broker))
	return filepath.Join(h.Dir, "brokers", hex.EncodeToString(sum[:8]))
}

func readJSON(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

func writeJSON(file string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, b, 0o600)
}
