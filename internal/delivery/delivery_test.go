package delivery_test

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fedbroker/fedbroker/internal/delivery"
	"github.com/fedbroker/fedbroker/internal/secret"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 0, time.FixedZone("", 3600))

func keys(value string) delivery.Keys {
	return delivery.Keys{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: secret.New(value), SessionToken: secret.New("token/+=1"), Expiration: noon}
}

func TestForms(t *testing.T) {
	k := keys("key/+=1")
	profile, errProfile := k.Profile("prod/admin")
	process, errProcess := k.Process()
	if errProfile != nil || errProcess != nil {
		t.Fatal(errProfile, errProcess)
	}
	for name, c := range map[string]struct {
		got  secret.Text
		want string
	}{
		"POSIX": {k.POSIX(), `export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'
export AWS_SECRET_ACCESS_KEY='key/+=1'
export AWS_SESSION_TOKEN='token/+=1'
export AWS_CREDENTIAL_EXPIRATION='2026-11-25T11:00:00Z'
`},
		"PowerShell": {k.PowerShell(), `$Env:AWS_ACCESS_KEY_ID = 'ASIAEXAMPLE'
$Env:AWS_SECRET_ACCESS_KEY = 'key/+=1'
$Env:AWS_SESSION_TOKEN = 'token/+=1'
$Env:AWS_CREDENTIAL_EXPIRATION = '2026-11-25T11:00:00Z'
`},
		"fish": {k.Fish(), `set -gx AWS_ACCESS_KEY_ID 'ASIAEXAMPLE'
set -gx AWS_SECRET_ACCESS_KEY 'key/+=1'
set -gx AWS_SESSION_TOKEN 'token/+=1'
set -gx AWS_CREDENTIAL_EXPIRATION '2026-11-25T11:00:00Z'
`},
		"profile": {profile, `[prod/admin]
aws_access_key_id = ASIAEXAMPLE
aws_secret_access_key = key/+=1
aws_session_token = token/+=1
`},
		"process": {process, `{"Version":1,"AccessKeyId":"ASIAEXAMPLE","SecretAccessKey":"key/+=1","SessionToken":"token/+=1","Expiration":"2026-11-25T11:00:00Z"}` + "\n"},
	} {
		if c.got.Reveal() != c.want {
			t.Errorf("%s:\n%s", name, c.got.Reveal())
		}
		if text := fmt.Sprintf("%v %+v", c.got, c.got); strings.Contains(text, "key/") {
			t.Errorf("%s prints itself", name)
		}
	}
}

func TestMasked(t *testing.T) {
	masked := keys("key/+=1").Masked()
	profile, err := masked.Profile("dev")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{masked.POSIX().Reveal(), masked.PowerShell().Reveal(), masked.Fish().Reveal(), profile.Reveal()} {
		if strings.Contains(text, "/+=1") || strings.Count(text, "••••••••••••••••") != 2 || !strings.Contains(text, "ASIAEXAMPLE") {
			t.Errorf("masked:\n%s", text)
		}
	}
	// How long a secret is, is nobody's business.
	if keys("x").Masked().POSIX().Reveal() != keys(strings.Repeat("x", 2000)).Masked().POSIX().Reveal() {
		t.Error("the mask tells the length")
	}
}

// hostile are values that AWS never gives, and that must stay values all the same.
var hostile = []string{
	"", "'", "''", "'; touch owned #", `\`, `\'`, `\\'`, "$(touch owned)", "`touch owned`", "$Env:PATH", "a\nb", "a\r\nexport X=1", "\n[other]\naws_access_key_id = x", "\x00", "!!", "%PATH%", "a b", " #c", ";d",
	"’; touch owned #", "‘", "‚", "‛", "“”", "\u2028", "é\xff", "'\"'\"'", strings.Repeat("'", 100), `"`, "${x}", "*", "~", "-n", "\x1b]0;x\a", "•",
}

func TestShellsReadTheValueAndNothingElse(t *testing.T) {
	for _, value := range hostile {
		if strings.Contains(value, "\x00") {
			continue // no variable can hold it
		}
		cmd := exec.CommandContext(t.Context(), "sh", "-c", keys(value).POSIX().Reveal()+`printf %s "$AWS_SECRET_ACCESS_KEY"; test ! -e owned`)
		cmd.Dir = t.TempDir()
		if out, err := cmd.CombinedOutput(); err != nil || string(out) != value {
			t.Errorf("sh made %q of %q: %v", out, value, err)
		}
	}
}

func TestFilesTakeNoValueThatWouldNeedQuotes(t *testing.T) {
	for _, value := range hostile {
		if text, err := keys(value).Profile("dev"); err == nil && value != "'" && strings.ContainsAny(value, " \n\r\x00é•‘’‚‛\u2028\x1b") {
			t.Errorf("%q was written:\n%s", value, text.Reveal())
		}
		k := keys("x")
		k.AccessKeyID = value
		if text, err := k.Profile("dev"); err == nil && strings.ContainsAny(value, " \n\r\x00") {
			t.Errorf("%q was written:\n%s", value, text.Reveal())
		}
		process, err := keys(value).Process()
		var back map[string]any
		if err != nil || json.Unmarshal([]byte(process.Reveal()), &back) != nil || len(back) != 5 || strings.Count(process.Reveal(), "\n") != 1 {
			t.Errorf("%q: %v\n%s", value, err, process.Reveal())
		}
	}
	for _, name := range []string{"", "a b", "a]", "[a", "a\nb", "-a", "#a", strings.Repeat("a", 300), "é"} {
		if text, err := keys("x").Profile(name); err == nil {
			t.Errorf("profile %q was written:\n%s", name, text.Reveal())
		}
	}
}

func TestProgram(t *testing.T) {
	p := delivery.Program{Word: "fedbroker", Broker: "https://aws.example.com"}
	login, errLogin := p.Login()
	run, errExec := p.Exec("prod/admin", "aws s3 ls")
	profile, errProfile := p.Profile("prod/admin")
	for _, c := range []struct {
		got  string
		err  error
		want string
	}{
		{login, errLogin, "fedbroker login --broker https://aws.example.com"},
		{run, errExec, "fedbroker exec prod/admin --broker https://aws.example.com -- aws s3 ls"},
		{profile, errProfile, "[profile prod/admin]\ncredential_process = fedbroker credentials prod/admin --format process --broker https://aws.example.com\n"},
	} {
		if c.err != nil || c.got != c.want {
			t.Errorf("%q, %v", c.got, c.err)
		}
	}
	if line, err := (delivery.Program{Word: "fedbroker", Broker: "http://[::1]:8080"}).Login(); err != nil || line != "fedbroker login --broker http://[::1]:8080" {
		t.Errorf("%q, %v", line, err)
	}
	for _, bad := range hostile {
		if bad == "-n" {
			continue // an argument that looks like a flag is one word
		}
		for _, text := range []func() (string, error){
			func() (string, error) { return p.Process(bad) },
			func() (string, error) { return p.Profile(bad) },
			func() (string, error) { return p.Exec(bad, "true") },
			delivery.Program{Word: "fedbroker", Broker: bad}.Login,
		} {
			if got, err := text(); err == nil {
				t.Errorf("%q was written: %q", bad, got)
			}
		}
	}
}

// FuzzQuotes reads back what was written by the rules of each shell, which know one special character or two.
func FuzzQuotes(f *testing.F) {
	for _, value := range hostile {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		k := keys(value)
		for name, c := range map[string]struct {
			text, before string
			read         func(string) (string, string, bool)
		}{
			"POSIX": {k.POSIX().Reveal(), "export AWS_SECRET_ACCESS_KEY=", readPOSIX}, "fish": {k.Fish().Reveal(), "set -gx AWS_SECRET_ACCESS_KEY ", readFish},
			"PowerShell": {k.PowerShell().Reveal(), "$Env:AWS_SECRET_ACCESS_KEY = ", readPowerShell},
		} {
			_, rest, _ := strings.Cut(c.text, c.before)
			got, rest, ok := c.read(rest)
			if !ok || got != value || !strings.HasPrefix(rest, "\n") {
				t.Errorf("%s made %q of %q, and goes on with %q", name, got, value, rest)
			}
		}
	})
}

// readPOSIX reads quoted pieces and escaped quotes until the word ends.
func readPOSIX(s string) (value, rest string, ok bool) {
	for {
		switch {
		case strings.HasPrefix(s, "'"):
			piece, after, closed := strings.Cut(s[1:], "'")
			if !closed {
				return value, s, false
			}
			value, s = value+piece, after
		case strings.HasPrefix(s, `\'`):
			value, s = value+"'", s[2:]
		default:
			return value, s, true
		}
	}
}

// readFish reads one string in single quotes.
func readFish(s string) (value, rest string, ok bool) {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || s[i+1] == '\''):
			i++
			value += s[i : i+1]
		case s[i] == '\'':
			return value, s[i+1:], s[0] == '\''
		default:
			value += s[i : i+1]
		}
	}
	return value, "", false
}

// readPowerShell reads one verbatim string: any of five quotes ends it, unless another follows.
func readPowerShell(s string) (value, rest string, ok bool) {
	const quotes = "'‘’‚‛"
	s = strings.TrimPrefix(s, "'")
	for {
		at := strings.IndexAny(s, quotes)
		if at < 0 {
			return value, s, false
		}
		_, first := utf8.DecodeRuneInString(s[at:])
		next, second := utf8.DecodeRuneInString(s[at+first:])
		if second == 0 || !strings.ContainsRune(quotes, next) {
			return value + s[:at], s[at+first:], true
		}
		value, s = value+s[:at+first], s[at+first+second:]
	}
}
