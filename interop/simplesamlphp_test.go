package interop_test

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fedbroker/fedbroker/idp/devidp/devclient"
	"github.com/fedbroker/fedbroker/internal/secret"
)

const simpleSAMLphpRoot = "/usr/share/simplesamlphp"

// simpleSAMLphp is Debian's SimpleSAMLphp under PHP's own web server.
type simpleSAMLphp struct {
	baseURL, metadataURL string

	dir      string
	settings map[string]any
}

// alice is the one person of the identity provider.
func alice() devclient.Person {
	return devclient.Person{Username: "alice", Password: secret.New("secret-of-alice")}
}

func startSimpleSAMLphp(t *testing.T, attributes map[string][]string) *simpleSAMLphp {
	t.Helper()
	need(t, "/usr/bin/php", simpleSAMLphpRoot+"/www/saml2/idp/SSOService.php")
	address := freeAddress(t)
	s := &simpleSAMLphp{baseURL: "http://" + address, metadataURL: "http://" + address + "/saml2/idp/metadata.php", dir: t.TempDir()}
	if err := os.Mkdir(filepath.Join(s.dir, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.writeKey(t)
	s.settings = map[string]any{
		"base_url": s.baseURL, "salt": rand.Text(), "session_seconds": 8 * 3600,
		"people": map[string]any{"alice:secret-of-alice": attributes},
	}
	s.configure(t, s.settings)
	s.register(t, nil)
	config, err := filepath.Abs("testdata/simplesamlphp/config")
	if err != nil {
		t.Fatal(err)
	}
	start(t, s.metadataURL, []string{"SIMPLESAMLPHP_CONFIG_DIR=" + config, "INTEROP_DIR=" + s.dir},
		"/usr/bin/php", "-d", "display_errors=stderr", "-S", address, "-t", simpleSAMLphpRoot+"/www")
	return s
}

func (s *simpleSAMLphp) configure(t *testing.T, settings map[string]any) {
	t.Helper()
	s.write(t, "settings.json", settings)
}

// sessionsLast makes the sessions that begin from now on last that long; SessionNotOnOrAfter says so.
func (s *simpleSAMLphp) sessionsLast(t *testing.T, d time.Duration) {
	t.Helper()
	s.settings["session_seconds"] = int(d.Seconds())
	s.configure(t, s.settings)
}

// register replaces the service providers, by entity id, as SimpleSAMLphp's own settings.
func (s *simpleSAMLphp) register(t *testing.T, parties map[string]any) {
	t.Helper()
	if parties == nil {
		parties = map[string]any{}
	}
	s.write(t, "sp.json", parties)
}

// write replaces a file in one step: PHP reads it at every request.
func (s *simpleSAMLphp) write(t *testing.T, name string, value any) {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, name)
	writeFile(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func (s *simpleSAMLphp) writeKey(t *testing.T) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "SimpleSAMLphp"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"idp.crt": {Type: "CERTIFICATE", Bytes: der}, "idp.key": {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		var out bytes.Buffer
		if err := pem.Encode(&out, block); err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(s.dir, name), out.Bytes())
	}
}
