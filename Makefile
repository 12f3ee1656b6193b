# A Rust and a Go toolchain and git are given; `tests/testbed/setup` sees to everything else that a target needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SETUP := tests/testbed/setup
CARGO ?= cargo
# Says what is done, does it, says how long it took.
step = @echo '$(1)'; TIMEFORMAT='$(1): %0lR'; time $(2)

.PHONY: help demo test nightly bench lint setup clean-testbed

help: ## this list
	@echo 'usage: make TARGET'
	@echo
	@sed -nE 's/^([a-z-]+): ## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## a real restore of examples/shop on a throw-away control plane, with its recovery time
	@$(SETUP) --only demo
	$(call step,Building gitops-dr,$(CARGO) build --quiet --workspace --bins)
	@$${CARGO_TARGET_DIR:-target}/debug/demo

test: ## all tests, on real servers
	@$(SETUP) --only test
	$(call step,Building the tests,$(CARGO) test --quiet --workspace --no-run)
	$(call step,Running the tests,$(CARGO) test --workspace --no-fail-fast)

nightly: ## the tests that take too long for every change: a restore killed at every single point, a script that never ends
	@$(SETUP) --only test
	$(call step,Building the tests,$(CARGO) test --quiet --workspace --no-run)
	$(call step,Running the long tests,$(CARGO) test --test integration -- --ignored --nocapture killed_at_every_point the_script_waits_for_ever)

bench: ## how fast and how light it is, beside what people do today; ONLY='ENTRY...', ROUNDS=N
	@$(SETUP) --only bench
	$(call step,Building the bench,$(CARGO) bench --quiet --bench bench --no-run)
	$(call step,Measuring,$(CARGO) bench --quiet --bench bench -- $(ONLY))

lint: ## format, clippy and rustdoc, warnings as errors
	@$(SETUP) --only lint
	$(call step,Format,$(CARGO) fmt --all --check)
	$(call step,Clippy,$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings)
	$(call step,Documentation,RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --workspace --no-deps)

setup: ## build and install what the tests and the demo run
	@$(SETUP)

clean-testbed: ## delete what setup has built
	@$(SETUP) --remove
