# make demo    build, and show a handshake in a private network (needs Go only)
# make test    install what the tests need, then lint, tests, and a short fuzz
GO      ?= go
# go.mod says the least Go and the toolchain to build with; a packager who has
# to use the Go that is installed says: make GOTOOLCHAIN=local
GOTOOLCHAIN = auto
export GOTOOLCHAIN
# What the program says that it is: the tag, or how far it is from one.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
FUZZ    ?= 10m
SEEDS   ?= 1000000
LENGTH  ?= 10m

.PHONY: least vulncheck bench-fleet bench-probe probe-full soak-probe all build demo test lint cross unit install uninstall setcap dist dist-test docker docker-test seeds soak test-full bench conformance mutate fuzz large captures setup clean help

all: build

help: ## say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## the program, static, at bin/rawshake
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-X main.tagged=$(VERSION)' -o bin/rawshake ./cmd/rawshake

demo: build ## a handshake from SYN to Finished, in a private network
	@bin/rawshake lab demo

test: setup lint least vulncheck cross unit seeds ## everything that the gate runs
	scripts/fuzz.sh 2s

setup: ## install the Debian packages that the tests use as peers
	scripts/setup.sh

lint: ## gofmt, go vet, staticcheck, shellcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "gofmt would change: $$unformatted"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	@if command -v shellcheck >/dev/null; then shellcheck scripts/*.sh .ci/run; else echo "shellcheck is not here: scripts not checked"; test -z "$$CI"; fi

# With the Go that is installed (GOTOOLCHAIN=local) there is only one to vet with.
least: ## go vet with the least Go that go.mod names, where lint has the newest
	@if [ "$(GOTOOLCHAIN)" != local ]; then set -x; GOTOOLCHAIN="$$($(GO) list -m -f 'go{{.GoVersion}}')" $(GO) vet ./...; fi

vulncheck: ## known faults in the code that ours reaches, by a database of a fixed day (VULNDB=latest: today's)
	GO="$(GO)" scripts/vulncheck.sh

# What needs no Linux must build without it: TLS, the views, and `explain`.
PORTABLE = ./cmd/rawshake ./field ./tlsmsg/... ./rawtcp/tcb ./rawtcp/wire ./internal/transcript ./internal/view ./internal/capture

cross: ## build what is not Linux's own for macOS and Windows, and everything for arm64
	CGO_ENABLED=0 GOOS=darwin GOARCH=arm64 $(GO) build $(PORTABLE)
	CGO_ENABLED=0 GOOS=windows GOARCH=amd64 $(GO) build $(PORTABLE)
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath ./...

# Packages whose code starts no goroutine (internal/test/arrows holds that; one test of explain
# does): the race detector finds nothing there, and makes tests five to ten times slower.
ALONE = ./internal/starttls ./internal/view/dissect ./internal/test/arrows ./internal/capture/... ./internal/facts/... ./internal/test/compose ./internal/view/dictionary ./internal/explain ./internal/view/keyschedule ./internal/netem \
	./internal/observe ./internal/view/page ./internal/conn ./internal/sessionfile ./internal/view ./rawtcp/tcb ./tlsmsg/der

# Tests that call t.Parallel mostly wait, so more of them can run than there are CPUs.
unit: ## the tests, with the race detector where there are goroutines
	$(GO) test -race -parallel 6 -timeout 40m $$($(GO) list ./... | grep -vxF "$$($(GO) list $(ALONE))")
	$(GO) test -timeout 40m $(ALONE)
	$(GO) test -race -run Interrupt ./internal/explain
	$(GO) test -run TestEachWeakness ./internal/audit

seeds: ## the simulated network, ten thousand seeds of it
	$(GO) test -count=1 -run TestSeeds ./internal/test/simnet

# Where things go: make install DESTDIR=/tmp/stage PREFIX=/usr
PREFIX  ?= /usr/local
SHARE    = $(DESTDIR)$(PREFIX)/share

install: build ## the program, its manual pages and completions, below DESTDIR and PREFIX
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(SHARE)/man/man1" "$(SHARE)/bash-completion/completions" "$(SHARE)/zsh/site-functions" "$(SHARE)/fish/vendor_completions.d"
	install -m 755 bin/rawshake "$(DESTDIR)$(PREFIX)/bin/rawshake"
	bin/rawshake man "$(SHARE)/man/man1"
	bin/rawshake completion bash >"$(SHARE)/bash-completion/completions/rawshake"
	bin/rawshake completion zsh >"$(SHARE)/zsh/site-functions/_rawshake"
	bin/rawshake completion fish >"$(SHARE)/fish/vendor_completions.d/rawshake.fish"

uninstall: ## take away what install made
	rm -f "$(DESTDIR)$(PREFIX)/bin/rawshake" "$(SHARE)"/man/man1/rawshake*.1 "$(SHARE)/bash-completion/completions/rawshake" \
		"$(SHARE)/zsh/site-functions/_rawshake" "$(SHARE)/fish/vendor_completions.d/rawshake.fish"

setcap: build ## let every user of this machine run bin/rawshake without root
	setcap cap_net_raw+ep bin/rawshake || sudo setcap cap_net_raw+ep bin/rawshake

# The same commit makes the same bytes, whoever builds it, and where.
DIST    ?= out/dist

dist: build ## static programs for amd64 and arm64 as .tar.gz, .deb and .rpm, with SBOMs and checksums, at DIST (default out/dist)
	GO="$(GO)" scripts/dist.sh "$(DIST)"

dist-test: ## install the .deb in a container, use it, remove it (needs Docker and debootstrap)
	$(GO) test -count=1 -v -timeout 30m -run TestThePackage ./internal/test/compose -packages

docker: build ## the image, as rawshake, FROM scratch
	docker build -t rawshake -f scripts/docker/Dockerfile bin

docker-test: ## the image and the Compose project of scripts/docker, where Docker is installed
	$(GO) test -count=1 -v ./internal/test/compose

soak: ## the simulated network, for SEEDS (default 1000000) seeds
	$(GO) test -count=1 -timeout 0 -run TestSeeds ./internal/test/simnet -seeds $(SEEDS) -counts -v

test-full: ## 64 MiB beside the kernel's TCP at every loss, for an hour, see docs/tcp-measured.md
	$(GO) test -count=1 -timeout 3h -v -run 'TestTransfers|TestBulk' ./internal/test/interop -full

bench: ## figures side by side with Go's net and crypto/tls, see docs/benchmarks.md
	$(GO) run ./internal/test/bench
	$(GO) test -run '^$$' -bench TCP ./rawtcp/endpoint
	$(GO) test -count=1 -v -run TestBulk ./internal/test/interop -full

bench-fleet: ## a worker of a fleet beside probe, see docs/benchmarks.md
	$(GO) test -run '^$$' -bench Work -benchtime 5x ./internal/test/fleet

bench-probe: ## figures of the scanner, see docs/benchmarks.md
	$(GO) run ./internal/test/bench -scanner -turns 9 -n 2000 -limit 4m
	$(GO) run ./internal/test/bench -scanner -tls13 -turns 9 -n 2000 -limit 4m
	$(GO) test -count=1 -timeout 0 -run 'TestFigures$$' -v ./internal/probe -figures
	$(GO) test -run '^$$' -bench SYN ./internal/probe

probe-full: ## 65,536 addresses to certificate and to Finished, some minutes
	$(GO) test -count=1 -timeout 2h -run TestAnInhabitedNetwork -v ./internal/probe -full

soak-probe: ## the scanner for LENGTH (default 10m): memory flat, no result lost
	$(GO) test -count=1 -timeout 0 -run TestSoak -v ./internal/probe -soak $(LENGTH)

scenarios: ## docs/scenarios.md, from runs of each scenario
	$(GO) test -count=1 -run TestScenariosPage ./internal/test/interop -update

conformance: ## docs/rfc9293.md from the sources, and the tests that it names
	$(GO) run ./internal/test/conformance

mutate: ## take each behaviour that RFC 9293 asks for out, and see its tests fail (5 minutes of CPU)
	$(GO) run ./internal/test/conformance -mutate

fuzz: ## every fuzz target for FUZZ (default 10m) each
	scripts/fuzz.sh $(FUZZ)

large: ## explain a capture of 2 GB, and see that it takes less than 200 MB of memory
	$(GO) test -count=1 -v -timeout 30m -run TestMemoryDoesNotGrow ./internal/explain -megabytes 2048

captures: ## make testdata/captures anew, from real peers in a private network
	$(GO) test -count=1 -run TestRecordCaptures ./internal/test/interop -record

clean:
	rm -rf bin
