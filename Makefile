# What a developer does with this tree. `make help` lists the targets.
export CGO_ENABLED ?= 0
GO ?= go
BIN := bin/specter
STATICCHECK := $(GO) tool -modfile=tools/go.mod staticcheck

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | awk -F':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

.PHONY: build
build: ## the static binary, in bin/
	$(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/specter

.PHONY: demo
demo: ## run the built-in demo chain and open the pages
	$(GO) run ./cmd/specter demo

.PHONY: test
test: ## everything that CI runs; fetches bitcoind and chromium where they are missing
	./scripts/test

.PHONY: check
check: test ## the same

.PHONY: race
race: ## every test under the race detector (long)
	CGO_ENABLED=1 $(GO) test -count=1 -race -timeout 40m ./...

.PHONY: quick
quick: ## unit tests without the race detector, bitcoind and browser runs
	$(GO) vet ./... && $(GO) test -short ./...

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l cmd internal)" || { gofmt -l cmd internal; echo 'gofmt would change these files'; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...

.PHONY: vectors
vectors: ## the public test vectors, one table
	./scripts/vectors

.PHONY: axe
axe: ## every page held against axe-core, the accessibility checker (wants npm and chromium)
	./scripts/axe

.PHONY: pictures
pictures: ## make the pictures of docs/screenshots anew (wants chromium)
	SPECTER_PICTURES=$(CURDIR)/docs/screenshots $(GO) test ./internal/app/ -run '^TestPicturesForTheDocs$$' -count=1

.PHONY: tornet
tornet: ## Specter through a whole Tor network on loopback (a few minutes; wants tor and tor-gencert)
	$(GO) test -tags tornet ./internal/app/ -run '^TestSpecterIsReachedThroughATorNetwork$$' -count=1 -v

.PHONY: kill
kill: ## backups and restores killed at every single step they make on the disk (a minute or two; Linux)
	SPECTER_KILL_ALL=1 $(GO) test ./internal/app/ -run 'KilledAtAnyStepOnTheDisk$$' -count=1 -v

.PHONY: bench
bench: ## the figures of docs/benchmarks.md (long; wants a bitcoind)
	./scripts/bench

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME each (default 60s)
	./scripts/fuzz

.PHONY: container
container: ## the container image (wants podman, buildah or docker)
	./scripts/container

.PHONY: cross
cross: ## build for every platform we promise
	@set -e; for p in linux/amd64 linux/arm64 linux/arm darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do \
		echo $$p; GOOS=$${p%/*} GOARCH=$${p#*/} $(GO) build -trimpath -o /dev/null ./cmd/specter; done
