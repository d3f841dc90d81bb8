#!/usr/bin/env bash
# Runs every fuzz target of the module for a time each: scripts/fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."
time="${1:-30s}"
go list ./... | while read -r pkg; do
  dir=$(go list -f '{{.Dir}}' "$pkg")
  { grep -hoE '^func (Fuzz[A-Za-z0-9_]+)' "$dir"/*_test.go 2>/dev/null || true; } | awk '{print $2}' | while read -r target; do
    echo "== $pkg $target"
    go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$pkg"
  done
done
