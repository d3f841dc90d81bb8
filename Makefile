# Every target sets up what it needs: Debian packages are installed quietly and once, as root or by sudo.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PKGS := ./...
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: help demo build test interop race fuzz lint bench e2e golden clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## show the main job on this machine
	@bin/fedbroker demo

build: ## build bin/fedbroker, static
	@CGO_ENABLED=0 go build -trimpath -o bin/fedbroker ./cmd/fedbroker

test: bin/.have-redis-server bin/.have-jq bin/.have-curl ## run the tests, against a real redis-server
	go test -shuffle=on $$(go list $(PKGS) | grep -v -e /interop -e /e2e)

interop: bin/.have-redis-server ## run against SimpleSAMLphp, oidc-provider and awscli
	@interop/install.sh
	go test -count=1 -timeout 20m ./interop/...

race: bin/.have-redis-server bin/.have-jq bin/.have-curl ## run the tests with the race detector
	CGO_ENABLED=1 go test -race -shuffle=on $$(go list $(PKGS) | grep -v -e /interop -e /e2e)

fuzz: ## fuzz every parser of outside input for FUZZTIME each (default 30s)
	@scripts/fuzz.sh $${FUZZTIME:-30s}

lint: ## gofumpt, vet, staticcheck, and the arrows of the design
	@files="$$(go tool gofumpt -l .)"; if [ -n "$$files" ]; then echo "not gofumpt-clean:"; echo "$$files"; exit 1; fi
	@go vet $(PKGS)
	@go tool staticcheck $(PKGS)
	@go test -count=1 -run 'TestArrows' ./internal/arrows

bench: ## run the benchmarks; compare medians of several runs
	go test -run '^$$' -bench . -benchmem -count $${COUNT:-5} $$(go list $(PKGS) | grep -v -e /interop -e /e2e)

e2e: bin/.have-chromium e2e/axe/node_modules ## drive the pages in a real browser, with axe-core; screenshots are in e2e/screenshots
	go test -count=1 -timeout 10m ./e2e/...

golden: ## write golden files and configs/schema.json anew
	go test ./configs -run TestSchemaIsGeneratedFromTheStructs -update

clean: ## remove what was built
	rm -rf bin e2e/screenshots e2e/axe/node_modules interop/oidcprovider/node_modules

e2e/axe/node_modules: e2e/axe/package-lock.json bin/.have-npm
	@cd e2e/axe && npm ci --silent --no-audit --no-fund
	@touch $@

# A Debian package whose program has the same name.
bin/.have-%:
	@mkdir -p bin
	@command -v $* >/dev/null || { echo "installing $*"; $(SUDO) apt-get update -qq; \
	  DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $* >/dev/null; }
	@touch $@
