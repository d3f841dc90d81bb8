package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// row is one line of a table of threats.md.
type row struct {
	section, what, held string
	line                int
}

func threatRows(t *testing.T) []row {
	t.Helper()
	text, err := os.ReadFile("threats.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	section, below := "", false
	for i, line := range strings.Split(string(text), "\n") {
		if title, ok := strings.CutPrefix(line, "## "); ok {
			section = title
		}
		cells := strings.Split(line, "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			below = false
		case strings.HasPrefix(line, "| ---"):
			below = true
		case below && len(cells) != 4:
			t.Errorf("threats.md:%d: %d cells", i+1, len(cells)-2)
		case below:
			rows = append(rows, row{section, strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), i + 1})
		}
	}
	return rows
}

// TestThreatsAreHeldByTestsThatExist keeps the page honest: each row names a test, and each test is there.
func TestThreatsAreHeldByTestsThatExist(t *testing.T) {
	named := regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	tests := map[string]map[string]bool{}
	rows := map[string]int{}
	for _, r := range threatRows(t) {
		rows[r.section]++
		found := named.FindAllStringSubmatch(r.held, -1)
		if r.what == "" || len(found) == 0 && !strings.HasPrefix(r.held, "not yet: ") {
			t.Errorf("threats.md:%d: nothing holds %q", r.line, r.what)
		}
		if quotes := strings.Count(r.held, "`"); quotes < 2*len(found) || strings.Count(r.held, ".Test")+strings.Count(r.held, ".Fuzz") != len(found) {
			t.Errorf("threats.md:%d: a test is not written as `path/to/pkg.TestName`", r.line)
		}
		for _, m := range found {
			pkg, name := m[1], m[2]
			if tests[pkg] == nil {
				tests[pkg] = testsOf(t, pkg)
			}
			if !tests[pkg][name] {
				t.Errorf("threats.md:%d: there is no %s in %s", r.line, name, pkg)
			}
		}
	}
	for section, want := range map[string]int{
		"SAML": 24, "OpenID Connect, OAuth and JOSE": 27, "The AWS side": 15, "Store, platform, supply chain": 6, "The fifteen invariants of the design": 15,
	} {
		if rows[section] != want {
			t.Errorf("%d rows under %q, want %d", rows[section], section, want)
		}
	}
}

// testsOf names the test functions of a package of this module.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				out[f.Name.Name] = true
			}
		}
	}
	return out
}
