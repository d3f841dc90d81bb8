package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/fedbroker/fedbroker/cmd/fedbroker/internal/daemon"
	"github.com/fedbroker/fedbroker/configs"
)

// checkReport is the JSON form of a check.
type checkReport struct {
	OK       bool         `json:"ok"`
	Problems []problem    `json:"problems"`
	Tests    []testResult `json:"tests"`
}

type problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Message string `json:"message"`
}

type testResult struct {
	Name        string   `json:"name"`
	OK          bool     `json:"ok"`
	Place       string   `json:"place"`
	Differences []string `json:"differences,omitempty"`
}

func checkCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check -c FILE", Short: "Validate a configuration and run its mapping tests",
		Long: `Validate a configuration and the files that it names, without reaching for anything outside this machine, and run the
mapping tests in it. Every problem is printed with its file, line and column.`,
		Example: "  fedbroker check -c fedbroker.yaml\n  fedbroker check -c fedbroker.yaml --json | jq .problems",
		Args:    noArgs,
	}
	file := configFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print one JSON object")
	cmd.RunE = func(*cobra.Command, []string) error {
		report, err := checkFile(p, *file)
		if err != nil {
			return err
		}
		if *asJSON {
			err = p.writeJSON(report)
		} else {
			err = report.print(p, *file)
		}
		if err == nil && !report.OK {
			err = errSaid
		}
		return err
	}
	return cmd
}

// load reads a configuration. With problems, its rules are looked at too, as far as they could be read: one mistake
// must not hide another.
func (p *process) load(name string) (*configs.File, error) {
	f, err := configs.Load(name, p.getenv)
	var problems configs.Problems
	switch {
	case errors.As(err, &problems) && f != nil:
		return nil, problems.With(daemon.RuleProblems(f))
	case err != nil:
		return nil, unreadable(err, nameConfig)
	}
	return f, nil
}

// check loads a configuration and looks at all that can be known without running it.
func (p *process) check(name string) (*daemon.Checked, error) {
	f, err := p.load(name)
	if err != nil {
		return nil, err
	}
	return daemon.Check(f, daemon.Options{Version: version(), Logger: slog.New(slog.DiscardHandler), Clock: p.now, Rand: rand.Reader})
}

func (p *process) writeJSON(v any) error {
	enc := json.NewEncoder(p.stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func checkFile(p *process, name string) (checkReport, error) {
	report := checkReport{OK: true, Problems: []problem{}, Tests: []testResult{}}
	checked, err := p.check(name)
	var problems configs.Problems
	switch {
	case errors.As(err, &problems):
		report.OK = false
		for _, pr := range problems {
			report.Problems = append(report.Problems, problem{pr.Place.File, pr.Place.Line, pr.Place.Column, pr.Message})
		}
		return report, nil
	case err != nil:
		return report, err
	}
	for _, r := range checked.RunTests(p.now()) {
		passed := len(r.Differences) == 0
		report.OK = report.OK && passed
		report.Tests = append(report.Tests, testResult{r.Name, passed, r.Place.String(), r.Differences})
	}
	return report, nil
}

func (r checkReport) print(p *process, name string) (err error) {
	line := func(format string, args ...any) {
		if err == nil {
			_, err = fmt.Fprintf(p.stdout, format+"\n", args...)
		}
	}
	for _, pr := range r.Problems {
		line("%s:%d:%d: %s", pr.File, pr.Line, pr.Column, pr.Message)
	}
	failed := 0
	for _, t := range r.Tests {
		if !t.OK {
			failed++
		}
		for _, difference := range t.Differences {
			line("%s: test %q: %s", t.Place, t.Name, difference)
		}
	}
	switch {
	case len(r.Problems) > 0:
		fmt.Fprintf(p.stderr, "%s: %s\n", name, count(len(r.Problems), "problem"))
	case failed > 0:
		fmt.Fprintf(p.stderr, "%s: %d of %s failed\n", name, failed, count(len(r.Tests), "test"))
	default:
		line("%s is good; %s passed", name, count(len(r.Tests), "test"))
	}
	return err
}
