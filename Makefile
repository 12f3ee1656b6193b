# A Rust and a Go toolchain and git are given; `tests/testbed/setup` sees to everything else that a target needs.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

SETUP := tests/testbed/setup
CARGO ?= cargo
# What `time` prints after a step.
export TIMEFORMAT := (%lR)

.PHONY: help demo test lint setup clean-testbed

help: ## this list
	@echo 'usage: make TARGET'
	@echo
	@sed -nE 's/^([a-z-]+): ## (.*)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## a real restore of examples/shop on a throw-away control plane, with its recovery time
	@$(SETUP) --only demo
	@echo 'Building gitops-dr'
	@time $(CARGO) build --quiet --workspace --bins
	@$(CARGO) run --quiet -p testbed --bin demo

test: ## all tests, on real servers
	@$(SETUP) --only test
	@echo 'Building the tests'
	@time $(CARGO) test --quiet --workspace --no-run
	@echo 'Running the tests'
	@time $(CARGO) test --workspace --no-fail-fast

lint: ## format, clippy and rustdoc, warnings as errors
	@$(SETUP) --only lint
	@echo 'Format'
	@time $(CARGO) fmt --all --check
	@echo 'Clippy'
	@time $(CARGO) clippy --quiet --workspace --all-targets -- -D warnings
	@echo 'Documentation'
	@time RUSTDOCFLAGS='-D warnings' $(CARGO) doc --quiet --workspace --no-deps

setup: ## build and install what the tests and the demo run
	@$(SETUP)

clean-testbed: ## delete what setup has built
	@$(SETUP) --remove
