package e2e_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// look takes pictures of the page as it is, light and dark, wide and narrow, and has axe-core examine each. Whatever
// axe calls a violation fails the test.
func look(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if err := os.MkdirAll("screenshots", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{"light", "dark"} {
		call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		for _, format := range []struct {
			label string
			width int64
		}{{"wide", 1100}, {"phone", 390}} {
			resize(t, ctx, format.width)
			picture(t, ctx, fmt.Sprintf("%s-%s-%s.png", name, scheme, format.label))
			examine(t, ctx, fmt.Sprintf("%s, %s, %s", name, scheme, format.label))
		}
	}
	resize(t, ctx, 1100)
}

func resize(t *testing.T, ctx context.Context, width int64) {
	t.Helper()
	call(t, ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: 1, Mobile: width < 500})
}

func picture(t *testing.T, ctx context.Context, file string) {
	t.Helper()
	png, err := chromedp.Run(ctx, within(chromedp.FullScreenshot(100)))
	if err != nil {
		t.Fatalf("screenshot %s: %v", file, err)
	}
	if err := os.WriteFile(filepath.Join("screenshots", file), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// axe is the program that npm installed beside its package.json.
var axe = sync.OnceValues(func() (string, error) {
	source, err := os.ReadFile(filepath.Join("axe", "node_modules", "axe-core", "axe.min.js"))
	return string(source), err
})

// violation is what axe says of one rule.
type violation struct {
	ID, Impact, Help string
	Nodes            []struct {
		HTML           string
		FailureSummary string
	}
}

// examine runs every rule of axe-core for WCAG 2.2 A and AA and its best practices.
func examine(t *testing.T, ctx context.Context, what string) {
	t.Helper()
	source, err := axe()
	if err != nil {
		t.Fatalf("axe-core is missing; make e2e installs it: %v", err)
	}
	if _, err := chromedp.Run(ctx, within(chromedp.Evaluate[bool](source+"; true"))); err != nil {
		t.Fatalf("%s: axe does not load: %v", what, err)
	}
	found, err := chromedp.Run(ctx, within(chromedp.Evaluate[[]violation](
		`axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations)`, chromedp.EvalAwaitPromise)))
	if err != nil {
		t.Fatalf("%s: axe does not run: %v", what, err)
	}
	for _, v := range found {
		var where []string
		for _, n := range v.Nodes {
			where = append(where, n.HTML+"\n\t"+n.FailureSummary)
		}
		t.Errorf("%s: %s (%s): %s\n\t%s", what, v.ID, v.Impact, v.Help, strings.Join(where, "\n\t"))
	}
}
