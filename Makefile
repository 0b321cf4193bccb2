# make            build kvmctl as it is installed, in $(BINARY)
# make test       install what is needed, run every test
# make fuzz       feed the netlink decoder garbage under AddressSanitizer for $(FUZZTIME) seconds
# make demo       install what is needed, install a guest from a CD and boot it
# make bench      install kvmctl's peers, measure it beside them (20 minutes), fail if a budget is missed
# make bench-quick  the part of it that is reliable on a busy machine (90 seconds)
# make lab        start a host with real KVM (docs/lab.md); SUITE=trixie, LABFLAGS='--hosts 2'
# make lab-shell  a shell on it
# make lab-test   run the lab's tests on it; with TEST=NAME, those whose name contains NAME
# make soak       the lab's tests on each suite, with ten power cuts; the deep integration tests; and make inject
# make inject     make every system call of the commands that change something fail once, and kill kvmctl at each
# make install    put kvmctl, the link start_a_kvm.sh, man pages, completions and systemd's files under $(DESTDIR)$(PREFIX)
# make uninstall  remove exactly that
# make blocks     rewrite the generated parts of docs/*.md
# make deb        build the Debian package .build/kvmctl_VERSION_ARCH.deb

PREFIX  ?= /usr/local
DESTDIR ?=
# The same source makes the same files: dates in them are that of the last commit.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || stat -c %Y README.md)

# libstdc++ and libgcc, which Swift's runtime needs, are linked in too: loading them took a tenth of every command's
# start-up. This directory has only the archive, so the linker uses it. Packed relocations (RELR, glibc 2.36) take a megabyte
# off; of the linkers at hand only lld makes them.
STATIC  := .build/static
# Of Foundation only ArgumentParser needs a little: a module of that little in its place takes four megabytes off, and a tenth
# of what a short command costs. It is found before the toolchain's.
SMALL   := swiftc -O -wmo -parse-as-library -swift-version 6 -static -static-stdlib -emit-library -emit-module \
           -module-name FoundationEssentials -module-link-name SmallFoundation -o $(STATIC)/libSmallFoundation.a \
           -emit-module-path $(STATIC)/FoundationEssentials.swiftmodule tools/small-foundation/FoundationEssentials.swift
RELEASE := mkdir -p $(STATIC) && ln -sf "$$(gcc -print-file-name=libstdc++.a)" $(STATIC) && $(SMALL) && \
           swift build -c release --static-swift-stdlib --disable-local-rpath -Xlinker -L$(CURDIR)/$(STATIC) \
           -Xswiftc -I$(CURDIR)/$(STATIC) \
           -Xlinker -l:libgcc_eh.a -Xlinker --as-needed \
           -Xlinker --version-script=$(CURDIR)/tools/no-exports.map -Xlinker --icf=safe \
           -Xswiftc -use-ld=lld -Xlinker -z -Xlinker pack-relative-relocs \
           -Xlinker -T -Xlinker $(CURDIR)/tools/no-unwind-tables.ld
BINARY  := .build/release/kvmctl
# Debian's own Python, which has the Debian packages of the tests; another one may come first in PATH.
PYTEST  := /usr/bin/python3 -m pytest -p no:cacheprovider
SCRIPTS := .ci/run tools/deb tools/demo tools/docs tools/install-deps tools/install-tree \
           packaging/deb/postinst packaging/deb/prerm packaging/deb/postrm Tests/rig/guests/build Tests/rig/broken/build Tests/rig/cloud/build \
           Tests/LabTests/image/build \
           Benchmarks/guest/build Benchmarks/start_a_kvm_2010.sh

# The integration tests and the demo need root for namespaces, taps and bridges.
ifneq ($(shell id -u),0)
SUDO := sudo
endif

# sudo keeps neither the path to Swift, to whose version the instruction counts belong, nor the cache of guests.
BENCH := $(SUDO) env PATH="$(PATH)" HOME="$(HOME)" PYTHONDONTWRITEBYTECODE=1 Benchmarks/run

# Coverage-guided: inputs that reach new code are kept in .build-fuzz/corpus, where the next run continues.
FUZZTIME ?= 60
FUZZER   := .build-fuzz/release/DecoderFuzzer

.PHONY: all build release lint lint-scripts deps-test deps-lab deps-demo test unit-test integration-test fuzzer fuzz fuzz-merge \
        demo bench bench-quick lab lab-shell lab-test lab-suite inject soak docs blocks install uninstall deb deps-deb clean

# With the documents, so that `sudo make install` creates nothing in here.
all: release
	$(MAKE) docs

release:
	$(RELEASE)

build:
	swift build

lint: lint-scripts
	swift format lint --strict --recursive Package.swift Sources Tests Benchmarks tools

lint-scripts:
	shellcheck $(SCRIPTS)
	shellcheck --shell=sh Tests/rig/guests/init Benchmarks/guest/init Tests/LabTests/image/init \
	    Tests/LabTests/payload/setup

deps-test:
	tools/install-deps test

deps-lab:
	tools/install-deps lab

deps-demo:
	tools/install-deps demo

# One after the other, the quick ones first: two cores are few, and failures should show soon.
test: deps-test
	$(MAKE) lint
	$(MAKE) unit-test
	$(MAKE) fuzz
	$(MAKE) integration-test
	$(MAKE) lab-suite

# The tests of the kernel's side make network namespaces, which needs root.
unit-test:
	swift build --build-tests
	$(SUDO) env PATH="$$PATH" swift test --skip-build

# How many run at a time: the tests wait more than they compute. Each worker has namespaces that hide the rest of the
# machine, also with WORKERS=1.
WORKERS     ?= 3
INTEGRATION := $(SUDO) env PYTHONDONTWRITEBYTECODE=1 KVMCTL_BIN=$(CURDIR)/$(BINARY) $(PYTEST) Tests/IntegrationTests \
               -n $(WORKERS) --dist loadgroup

# The binary that is tested is the one that is installed.
integration-test: release
	$(INTEGRATION) -m 'not deep'

# With the caller's HOME, so that root uses the caller's cache of images.
SUITE    ?= bookworm
TEST     ?=
LAB      := $(SUDO) env HOME="$(HOME)" tools/lab --suite $(SUITE)
LABTESTS := $(SUDO) env HOME="$(HOME)" PYTHONDONTWRITEBYTECODE=1 $(PYTEST) Tests/LabTests \
            -v -n 2 --dist loadfile --durations=0 --durations-min=5

lab: deps-lab all
	$(LAB) up $(LABFLAGS)

lab-shell:
	$(LAB) shell

lab-test: all
	$(LAB) test $(TEST)

# On separate hosts, in two labs, because a host has one CPU.
lab-suite: deps-lab deb
	$(LABTESTS) --suite=$(SUITE)

# Makes every system call of the commands that change something fail once, and kills kvmctl at every one.
inject: deps-test release
	$(SUDO) env PYTHONDONTWRITEBYTECODE=1 Tests/FaultInjection/run --binary $(CURDIR)/$(BINARY)

soak: deps-lab deb inject
	$(INTEGRATION) -m deep
	$(LABTESTS) --suite=bookworm --power-cuts=10 --network-services
	$(LABTESTS) --suite=trixie --power-cuts=10 --network-services

# BENCHFLAGS: --only ROW, --record (Benchmarks/run --help).
bench:
	tools/install-deps bench
	$(MAKE) release
	$(BENCH) --json .build/bench.json $(BENCHFLAGS)

bench-quick:
	tools/install-deps bench-quick
	$(MAKE) release
	$(BENCH) --quick --json .build/bench-quick.json $(BENCHFLAGS)

fuzzer:
	KVMCTL_FUZZ=1 swift build -c release --scratch-path .build-fuzz --product DecoderFuzzer -Xswiftc -enable-testing \
	    -Xswiftc -use-ld=lld --sanitize=address --sanitize=fuzzer

fuzz: fuzzer
	mkdir -p .build-fuzz/corpus
	SWIFT_BACKTRACE=enable=no $(FUZZER) -max_total_time=$(FUZZTIME) -max_len=4096 -timeout=10 -print_final_stats=1 \
	    -artifact_prefix=.build-fuzz/ .build-fuzz/corpus Tests/Fuzz/corpus

# Of what `make fuzz` found, keeps the few inputs that reach more code than the corpus in the repository.
fuzz-merge: fuzzer
	$(FUZZER) -merge=1 -max_len=4096 Tests/Fuzz/corpus .build-fuzz/corpus

demo: deps-demo release
	$(SUDO) tools/demo $(CURDIR)/$(BINARY)

# Not built here if it already exists: `sudo make install` needs no Swift.
$(BINARY):
	$(RELEASE)

# Man pages and completions are generated from what the binary says about its commands.
DOCS := .build/docs
$(DOCS): $(BINARY) tools/docs tools/manual docs/commands.md $(wildcard docs/man/*)
	tools/docs $(BINARY) $(DOCS)

docs: $(DOCS)

# The parts of docs/*.md that are generated.
blocks: $(BINARY)
	tools/blocks $(BINARY)

INSTALL_TREE = PREFIX="$(PREFIX)" tools/install-tree

install: $(BINARY) $(DOCS)
	$(INSTALL_TREE) install "$(DESTDIR)" $(BINARY) $(DOCS)

uninstall: $(BINARY) $(DOCS)
	$(INSTALL_TREE) uninstall "$(DESTDIR)" $(BINARY) $(DOCS)

deps-deb:
	tools/install-deps deb

deb: deps-deb release
	$(MAKE) docs
	tools/deb $(BINARY) $(DOCS) .build

clean:
	rm -rf .build .build-fuzz
