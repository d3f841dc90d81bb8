package awsconfig_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/awsconfig"
)

const owner = "https://aws.example.com"

func profile(name string) awsconfig.Section {
	return awsconfig.Section{Kind: "profile", Name: name, Settings: []awsconfig.Setting{{Key: "credential_process", Value: "/usr/bin/fedbroker credentials " + name}}}
}

const block = `# fedbroker https://aws.example.com begin: written by "fedbroker configure", changes up to the end are lost
[profile prod/admin]
credential_process = /usr/bin/fedbroker credentials prod/admin
# fedbroker https://aws.example.com end
`

// weird are files as people and tools leave them.
func weird() map[string]string {
	return map[string]string{
		"empty":                    "",
		"ordinary":                 "[default]\nregion = us-east-1\n",
		"no final newline":         "[default]\nregion = us-east-1",
		"several empty lines":      "[default]\nregion = us-east-1\n\n\n\n",
		"CRLF":                     "[default]\r\nregion = us-east-1\r\n",
		"CRLF, no final newline":   "[default]\r\nregion = us-east-1",
		"mixed line ends":          "[default]\r\nregion = us-east-1\n[profile x]\r\n",
		"old Mac line ends":        "[default]\rregion = x\r",
		"comments":                 "# one\n; two\n[default] # three\nregion = us-east-1 ; four\n#[profile prod/admin]\n",
		"duplicate sections":       "[profile a]\nregion = 1\n[profile a]\nregion = 2\n",
		"duplicate keys":           "[profile a]\nregion = 1\nregion = 2\n",
		"nested":                   "[default]\ns3 =\n  max_concurrent_requests = 20\n  multipart_threshold = 64MB\n",
		"ends in nesting":          "[default]\ns3 =\n  addressing_style = path",
		"tabs and odd spaces":      "[\tprofile   a\t]\n\tregion\t=\tx  \n",
		"quoted name":              "[profile \"with space\"]\nregion = x\n",
		"not INI at all":           "hello\n{\"a\": 1}\n]]]][[[[\n====\n",
		"byte order mark":          "\ufeff[default]\nregion = x\n",
		"only a byte order mark":   "\ufeff",
		"only a newline":           "\n",
		"only spaces":              "   ",
		"other languages":          "# κόσμε 世界\n[profile é]\nregion = x\n",
		"another broker's block":   strings.ReplaceAll(strings.ReplaceAll(block, "aws.example.com", "other.example.com"), "prod/admin", "x"),
		"a broker whose name ends": "# fedbroker https://aws.example.com.evil begin\n# fedbroker https://aws.example.com.evil end\n",
		"talk of our block":        "## fedbroker https://aws.example.com begin\n #fedbroker https://aws.example.com end\n",
		"a very long line":         "# " + strings.Repeat("x", 200_000) + "\n",
	}
}

func edit(t *testing.T, content string, sections ...awsconfig.Section) awsconfig.Result {
	t.Helper()
	res, err := awsconfig.Edit([]byte(content), owner, sections)
	if err != nil {
		t.Fatalf("%q: %v", content, err)
	}
	return res
}

func TestTheRestStaysByteForByte(t *testing.T) {
	for name, before := range weird() {
		t.Run(name, func(t *testing.T) {
			once := edit(t, before, profile("prod/admin"))
			if !bytes.HasPrefix(once.Content, []byte(before)) {
				t.Fatalf("what was there changed:\n%q", once.Content)
			}
			added := strings.TrimLeft(strings.ReplaceAll(string(once.Content[len(before):]), "\r\n", "\n"), "\n")
			if added != block {
				t.Errorf("added %q", added)
			}
			if again := edit(t, string(once.Content), profile("prod/admin")); !bytes.Equal(again.Content, once.Content) {
				t.Errorf("a second time:\n%q", again.Content)
			}
			// What somebody writes behind the block stays, too, and the block grows and shrinks in its place.
			behind := string(once.Content) + "[profile mine]\nregion = x"
			more := edit(t, behind, profile("prod/admin"), profile("prod/reader"))
			if !bytes.HasPrefix(more.Content, []byte(before)) || !bytes.HasSuffix(more.Content, []byte("[profile mine]\nregion = x")) {
				t.Errorf("around the block:\n%q", more.Content)
			}
			if back := edit(t, string(more.Content), profile("prod/admin")); string(back.Content) != behind {
				t.Errorf("back again:\n%q\nwant\n%q", back.Content, behind)
			}
			gone := edit(t, string(once.Content))
			if strings.TrimRight(string(gone.Content), "\r\n") != strings.TrimRight(before, "\r\n") || !bytes.HasPrefix(gone.Content, []byte(before)) {
				t.Errorf("removed:\n%q", gone.Content)
			}
		})
	}
}

func TestLineEndsAreTheFiles(t *testing.T) {
	got := string(edit(t, "[default]\r\nregion = x\r\n", profile("prod/admin")).Content)
	if strings.Count(got, "\n") != strings.Count(got, "\r\n") {
		t.Errorf("%q", got)
	}
	if got := string(edit(t, "[default]\nregion = x\n", profile("prod/admin")).Content); strings.Contains(got, "\r") {
		t.Errorf("%q", got)
	}
}

func TestAProfileOfOnesOwnStays(t *testing.T) {
	for _, header := range []string{
		"[profile prod/admin]", "[ profile  prod/admin ]", "[profile \"prod/admin\"]", "[profile 'prod/admin']", "[profile prod/admin] # mine", "\t[profile prod/admin]", "\ufeff[profile prod/admin]",
	} {
		res := edit(t, header+"\nregion = x\n", profile("prod/admin"), profile("prod/reader"))
		if len(res.Taken) != 1 || len(res.Written) != 1 || strings.Contains(string(res.Content), "credentials prod/admin") {
			t.Errorf("%q: %v\n%s", header, res.Taken, res.Content)
		}
	}
	for _, header := range []string{"[prod/admin]", "#[profile prod/admin]", "[profile prod/admin2]", "[sso-session prod/admin]"} {
		if res := edit(t, header+"\n", profile("prod/admin")); len(res.Taken) != 0 {
			t.Errorf("%q takes the name", header)
		}
	}
}

func TestNothingIsDoneWhereTheBlockIsNotClear(t *testing.T) {
	begin, end := strings.SplitAfter(block, "\n")[0], "# fedbroker https://aws.example.com end\n"
	for name, content := range map[string]string{
		"no end":                  begin + "[profile x]\n",
		"no beginning":            "[profile x]\n" + end,
		"two blocks":              block + block,
		"two beginnings":          begin + begin + end,
		"two ends":                begin + end + end,
		"end first":               end + begin,
		"another block within":    begin + "# fedbroker https://other.example.com begin\n" + end,
		"not UTF-8":               "\xff\xfe[\x00d\x00",
		"a zero byte":             "[default]\n\x00",
		"more than anybody reads": strings.Repeat("#\n", 3<<20),
	} {
		if res, err := awsconfig.Edit([]byte(content), owner, []awsconfig.Section{profile("prod/admin")}); err == nil {
			t.Errorf("%s: %.200q", name, res.Content)
		}
	}
}

func TestWhatReadersWouldMisreadIsRefused(t *testing.T) {
	set := func(key, value string) awsconfig.Section {
		return awsconfig.Section{Kind: "profile", Name: "x", Settings: []awsconfig.Setting{{Key: key, Value: value}}}
	}
	for name, s := range map[string]awsconfig.Section{
		"name with a line end": {Kind: "profile", Name: "x]\n[default"}, "name with a bracket": {Kind: "profile", Name: "x]"}, "empty name": {Kind: "profile"},
		"name with a space": {Kind: "profile", Name: "a b"}, "unknown kind": {Kind: "default", Name: "x"}, "kind with a line end": {Kind: "profile x]\n[", Name: "x"},
		"value with a line end": set("region", "x\naws_access_key_id = y"), "value with a carriage return": set("region", "x\rregion = y"), "comment in a value": set("region", "x # y"),
		"semicolon in a value": set("region", "x ; y"), "space around": set("region", " x"), "empty value": set("region", ""), "key with a line end": set("a\nb", "x"), "key with =": set("a=b", "x"),
		"nested twice":      {Kind: "services", Name: "x", Settings: []awsconfig.Setting{{Key: "a", Nested: []awsconfig.Setting{{Key: "b", Nested: []awsconfig.Setting{{Key: "c", Value: "d"}}}}}}},
		"nested and valued": {Kind: "services", Name: "x", Settings: []awsconfig.Setting{{Key: "a", Value: "b", Nested: []awsconfig.Setting{{Key: "b", Value: "c"}}}}},
	} {
		if res, err := awsconfig.Edit(nil, owner, []awsconfig.Section{s}); err == nil {
			t.Errorf("%s: %q", name, res.Content)
		}
	}
	for _, bad := range []string{"", "https://x\n[default]", "https://x y"} {
		if _, err := awsconfig.Edit(nil, bad, []awsconfig.Section{profile("x")}); err == nil {
			t.Errorf("%q owns a block", bad)
		}
	}
}

func TestUpdateReplacesWholeFiles(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "config")
	if err := os.WriteFile(real, []byte("[default]\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	for i, wantChanged := range []bool{true, false} {
		if _, changed, err := awsconfig.Update(link, owner, []awsconfig.Section{profile("prod/admin")}); err != nil || changed != wantChanged {
			t.Fatalf("time %d: changed %v, %v", i+1, changed, err)
		}
	}
	if target, err := os.Readlink(link); err != nil || target != real {
		t.Errorf("the link leads to %q, %v", target, err)
	}
	info, err := os.Stat(real)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, err := os.ReadFile(real); err != nil || string(got) != "[default]\n\n"+block {
		t.Errorf("%q, %v", got, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	hidden, err2 := filepath.Glob(filepath.Join(dir, ".*"))
	if err != nil || err2 != nil || len(left)+len(hidden) != 2 {
		t.Errorf("left behind: %v %v", left, hidden)
	}
}

func TestPaths(t *testing.T) {
	for _, c := range []struct{ goos, env, want string }{
		{"linux", "HOME=/h", "/h/.aws/config"},
		{"linux", "HOME=/h AWS_CONFIG_FILE=/x/y", "/x/y"},
		{"linux", "HOME=/h AWS_CONFIG_FILE=~/y", "/h/y"},
		{"darwin", "HOME=/h AWS_CONFIG_FILE=", "/h/.aws/config"},
		{"windows", "USERPROFILE=/u HOME=/h", "/u/.aws/config"},
		{"linux", "", ""},
		{"linux", "AWS_CONFIG_FILE=~/x", ""},
	} {
		getenv := func(name string) (string, bool) {
			for _, kv := range strings.Fields(c.env) {
				if k, v, _ := strings.Cut(kv, "="); k == name {
					return v, true
				}
			}
			return "", false
		}
		got, err := awsconfig.Path(c.goos, getenv)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%v: %q, %v", c, got, err)
		}
	}
}

func TestDefaultProfilesThatWin(t *testing.T) {
	for content, want := range map[string]string{
		"[default]\naws_access_key_id = x\n":                                "aws_access_key_id",
		"[default]\nregion = x\n":                                           "",
		"[profile x]\nrole_arn = y\n[default]\nregion = z\n":                "",
		"[profile default]\nrole_arn = y\n":                                 "role_arn",
		"[ default ]\r\nCredential_Process=x\r\n":                           "credential_process",
		"[default] # x\nsso_session: y\n":                                   "sso_session",
		"\ufeff[default]\nsso_start_url = y":                                "sso_start_url",
		"[default]\n# role_arn = y\n":                                       "",
		"[default]\ns3 =\n  role_arn = y\n":                                 "",
		"[default]\nregion = x\n[profile a]\n[default]\nsource_profile = a": "source_profile",
		"": "",
	} {
		if got := awsconfig.DefaultCredentials([]byte(content)); got != want {
			t.Errorf("%q: %q", content, got)
		}
	}
}

// FuzzEdit: whatever the file is, an edit that is made keeps it, can be repeated, and can be taken back.
func FuzzEdit(f *testing.F) {
	for _, content := range weird() {
		f.Add(content, "prod/admin")
	}
	f.Add(block, "x")
	f.Fuzz(func(t *testing.T, content, name string) {
		res, err := awsconfig.Edit([]byte(content), owner, []awsconfig.Section{profile("a"), {Kind: "profile", Name: name, Settings: []awsconfig.Setting{{Key: "region", Value: "x"}}}})
		if err != nil {
			return
		}
		again, err := awsconfig.Edit(res.Content, owner, res.Written)
		if err != nil || !bytes.Equal(again.Content, res.Content) {
			t.Fatalf("not repeatable: %v\n%q\n%q", err, res.Content, again.Content)
		}
		if !strings.Contains(content, "# fedbroker "+owner) && !bytes.HasPrefix(res.Content, []byte(content)) {
			t.Fatalf("changed:\n%q", res.Content)
		}
	})
}

func ExampleEdit() {
	res, err := awsconfig.Edit([]byte("[default]\nregion = eu-central-1\n"), "https://aws.example.com", []awsconfig.Section{
		{Kind: "profile", Name: "prod/reader", Settings: []awsconfig.Setting{{Key: "region", Value: "eu-central-1"}}},
	})
	fmt.Print(string(res.Content), err)
	// Output:
	// [default]
	// region = eu-central-1
	//
	// # fedbroker https://aws.example.com begin: written by "fedbroker configure", changes up to the end are lost
	// [profile prod/reader]
	// region = eu-central-1
	// # fedbroker https://aws.example.com end
	// <nil>
}
