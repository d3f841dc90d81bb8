package main

import (
	"encoding/json"
	"fmt"

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
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

func checkCommand(p *process) *cobra.Command {
	cmd := &cobra.Command{
		Use: "check -c FILE", Short: "Validate a configuration and run its mapping tests",
		Long: `Validate a configuration without reaching for anything outside, and run the mapping tests in it. Every problem is
printed with its file, line and column.`,
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
			enc := json.NewEncoder(p.stdout)
			enc.SetIndent("", "  ")
			err = enc.Encode(report)
		} else {
			report.print(p, *file)
		}
		if err == nil && !report.OK {
			err = errSaid
		}
		return err
	}
	return cmd
}

func checkFile(p *process, name string) (checkReport, error) {
	report := checkReport{OK: true, Problems: []problem{}, Tests: []testResult{}}
	f, err := configs.Load(name, p.getenv)
	var checked *daemon.Checked
	if err == nil {
		checked, err = daemon.Check(f)
	}
	problems, ok := err.(configs.Problems) //nolint:errorlint // Load and Check return it bare
	switch {
	case ok:
		report.OK = false
		for _, pr := range problems {
			report.Problems = append(report.Problems, problem{pr.Place.File, pr.Place.Line, pr.Place.Column, pr.Message})
		}
		return report, nil
	case err != nil:
		return report, err
	}
	for _, r := range checked.RunTests(p.now()) {
		t := testResult{Name: r.Name, OK: r.Err == nil}
		if r.Err != nil {
			report.OK, t.Error = false, r.Err.Error()
		}
		report.Tests = append(report.Tests, t)
	}
	return report, nil
}

func (r checkReport) print(p *process, name string) {
	for _, pr := range r.Problems {
		fmt.Fprintf(p.stdout, "%s:%d:%d: %s\n", pr.File, pr.Line, pr.Column, pr.Message)
	}
	failed := 0
	for _, t := range r.Tests {
		if !t.OK {
			failed++
			fmt.Fprintf(p.stdout, "test %q failed: %s\n", t.Name, t.Error)
		}
	}
	switch {
	case len(r.Problems) > 0:
		fmt.Fprintf(p.stderr, "%s: %d problems\n", name, len(r.Problems))
	case failed > 0:
		fmt.Fprintf(p.stderr, "%s: %d of %d tests failed\n", name, failed, len(r.Tests))
	default:
		fmt.Fprintf(p.stdout, "%s is good; %d tests passed\n", name, len(r.Tests))
	}
}
