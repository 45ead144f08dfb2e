# Run make without a target for the list.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

FUZZTIME ?= 10s
BENCH ?= .
ARGS ?=
GOLANGCI_VERSION := v2.15.0
GOLANGCI := bin/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: help setup test openapi test-arm64 lint fuzz attack bench cover build demo clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what the tests use beside Go (C compiler, PostgreSQL, Chromium, a Chinese font, OpenSSL, SoftHSM2, pdftoppm, jose, PyJWT, Node) when it is missing
	@scripts/setup

test: setup ## vet and test every module, with the race detector where several things happen at once (RACE=all: everywhere; ARGS="-run TestX -v" goes to go test)
	@scripts/test $(ARGS)

openapi: ## check the OpenAPI document with spectral and redocly (part of make test)
	@scripts/openapi-lint

test-arm64: ## run the digests and the hand-calculated grades as an arm64 program (qemu-user where needed)
	@scripts/test-arm64

lint: $(GOLANGCI) ## check layout, linters and the floors, and that the floors' rules bite
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then echo "lint: run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	@$(GOLANGCI) run ./...
	@scripts/lint-floors-test $(GOLANGCI)

# The linter has its own dependencies; installed like this they stay out of go.mod. It takes a few minutes once, then waits in bin/.
$(GOLANGCI):
	@echo "lint: building golangci-lint $(GOLANGCI_VERSION) into bin/ (once)"
	@mkdir -p bin
	@GOBIN="$(CURDIR)/bin" GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/golangci-lint $@

fuzz: ## run every fuzz target for FUZZTIME (default 10s) each
	@scripts/fuzz $(FUZZTIME)

attack: ## run wapiti and sqlmap (Debian packages) against a demo city on this machine, some ten minutes (LEVEL=5 for longer)
	@scripts/attack

bench: ## run the benchmarks (BENCH=Name picks some; BENCH=Load measures verifying under load with wrk, and its memory over a million requests)
	@go test -run '^$$' -bench '$(BENCH)' -benchmem ./...
	@case '$(BENCH)' in . | Load) scripts/bench-load ;; esac

cover: ## test with coverage: cover.out, cover.html and the total
	@go test -p 2 -coverprofile=cover.out -coverpkg=./... ./...
	@go tool cover -html=cover.out -o cover.html
	@go tool cover -func=cover.out | tail -1

build: ## build the program ./healthcode (static, no cgo)
	@CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o healthcode ./cmd/healthcode
	@ls -l healthcode

demo: build ## build, invent a sample city in ./healthcode-demo and serve it on this machine
	@./healthcode demo

clean: ## remove what these targets made, but not the data folders
	@rm -rf bin healthcode cover.out cover.html
