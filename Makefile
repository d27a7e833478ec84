# `make help` tells what each target does. Nothing needs to be installed before: each target installs what it is missing.
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test test-api bench lint fmt docs

help: ## What each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: ## Daemon and simulated marketplace together: something happens within a minute (Ctrl-C ends it)
	@scripts/require.sh cc rust
	cargo run --release --quiet -- demo

test: ## Every test, on SQLite and on a throwaway PostgreSQL
	@scripts/require.sh cc rust postgres yaml
	cargo test --no-fail-fast

test-api: ## Requests of every shape against the API and its document (EXAMPLES=50 an operation, SEED=1)
	@scripts/require.sh cc rust schemathesis
	cargo build
	scripts/test-api.sh

bench: ## Ratios against named rivals, one table (only=extraction, actors, leases, api or crawling for one part)
	@scripts/require.sh cc rust postgres rivals
	cargo bench --bench ratios -- $(only)

lint: ## Format and clippy, warnings are errors
	@scripts/require.sh cc rust
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

fmt: ## Format the code
	cargo fmt

docs: ## The documentation of every item: its readers are the next owners, so private ones too
	@scripts/require.sh cc rust
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
