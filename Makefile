# `make help` lists the targets. Each target installs its own requirements.
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test test-cluster test-api test-mcp test-keepa test-advice-double eval test-clients test-a11y screenshots bench soak accuracy fuzz lint deny fmt docs
.PHONY: setup deploy-prod deploy-check restart status db-migrate db-migration db-seed backup restore dev-check
.PHONY: check-deploy

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## Run the daemon with a simulated marketplace, and open the link that it prints (stop with Ctrl-C; source=apify, verbose=1)
	@scripts/require.sh cc rust
	cargo run --profile demo -- demo $(if $(source),--source $(source)) $(if $(verbose),--verbose)

test: ## Run the tests, on SQLite and on throwaway PostgreSQL and Redis servers, and of the dashboard in Chromium
	@scripts/require.sh cc rust postgres redis yaml browser
	cargo test --no-fail-fast

test-cluster: ## Test three replicas on real servers under faults (seven minutes; only=faults for a part)
	@scripts/require.sh cc rust postgres redis prometheus faketime
	cargo test --test cluster -- --test-threads 2 $(only)

test-api: ## Property-based test of the API against its OpenAPI document (EXAMPLES=50 per operation, SEED=1)
	@scripts/require.sh cc rust schemathesis
	cargo build
	scripts/test-api.sh

test-mcp: ## Test the tools for agents with official programs: the Python SDK and its OAuth client, the inspector, the conformance suite
	@scripts/require.sh cc rust postgres mcp_sdk mcp_tools
	cargo test --test api -- --ignored --nocapture mcp::sdk mcp::official

test-keepa: ## Test with the unmodified Python package keepa, which reads the daemon through a proxy
	@scripts/require.sh cc rust openssl keepa
	cargo build
	scripts/test-keepa.sh

test-clients: ## Generate clients in Python and TypeScript from the OpenAPI document, and tell a story with each
	@scripts/require.sh cc rust client_generators
	cargo build
	scripts/test-clients.sh

test-a11y: ## Audit the accessibility of every page of the dashboard with axe-core, in Chromium
	@scripts/require.sh cc rust browser axe
	cargo test --test browser -- --ignored axe_finds_nothing

screenshots: ## Make the pictures of docs/dashboard.md in Chromium
	@scripts/require.sh cc rust browser
	cargo test --test browser -- --ignored pictures_of_the_dashboard

test-advice-double: ## Use the endpoint of the tests of advice with OpenAI's official client
	@scripts/require.sh cc rust openai
	PYTHON=$(CURDIR)/target/openai/bin/python cargo test --test advice -- --ignored official_client

eval: ## Evaluate the advice of the model of OPENAI_API_KEY on listings with planted defects: its cost and scores (docs/advice.md)
	@scripts/require.sh cc rust
	@cargo test --quiet --test advice -- --ignored --nocapture --exact evaluation::live::print_the_scores_of_the_configured_model

bench: ## Benchmarks relative to other programs (only=extraction, actors, leases, api, operations, files, items, freshness, crawling, replicas, alerts, insight, reports or dashboard)
	@scripts/require.sh cc rust postgres rivals browser
	cargo bench --bench ratios -- $(only)

soak: ## Test three replicas for a long time: under repeated faults, and on faulty pages (minutes=30 each; only=faulty_pages)
	@scripts/require.sh cc rust postgres redis prometheus faketime
	SOAK_MINUTES=$(or $(minutes),30) cargo test --test cluster -- --ignored --nocapture --test-threads 1 soak::$(only)

accuracy: ## Print the share of correctly read fields of the corpus of real pages (docs/accuracy.md)
	@scripts/require.sh cc rust
	@cargo test --quiet --test extract -- --ignored --nocapture print_the_accuracy

fuzz: ## Fuzz the extractor, numbers, URLs and rules, ten minutes each (seconds=600; only=page for one target)
	@scripts/require.sh cc rust cargo_fuzz
	scripts/fuzz.sh $(or $(seconds),600) $(or $(only),page numbers urls rules)

lint: ## Check formatting and run clippy with warnings as errors
	@scripts/require.sh cc rust
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

deny: ## Check licences, sources and known vulnerabilities of dependencies (deny.toml)
	@scripts/require.sh cc rust cargo_deny
	scripts/deny.sh

fmt: ## Format the code
	cargo fmt

docs: ## Build the documentation, including private items
	@scripts/require.sh cc rust
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

# ---- Production: Docker Compose on this host, or with KUBE=1 the current cluster of kubectl (docs/deployment.md)

# Compose files of this installation, for example COMPOSE_FILES="docker-compose.prod.yml docker-compose.roles.yml"
COMPOSE_FILES ?= docker-compose.prod.yml
# An overlay in k8s/overlays.
OVERLAY ?= prod
compose = docker compose --env-file .env.production $(addprefix --file=,$(COMPOSE_FILES))
kubectl = kubectl --namespace amazon-tracker

setup: ## Prepare production on this host: check Docker, create .env.production (KUBE=1 checks kubectl)
ifdef KUBE
	@scripts/require.sh cluster
else
	@scripts/require.sh docker_engine
	@[ -f .env.production ] || { install -m 600 .env.example .env.production; echo "created .env.production: fill in the empty values"; }
endif

deploy-prod: ## Deploy without downtime: image, migration, rolling update (KUBE=1, OVERLAY=prod)
ifdef KUBE
	@scripts/require.sh cluster
	scripts/deploy-kube.sh $(OVERLAY)
else
	scripts/deploy-compose.sh $(COMPOSE_FILES)
endif

deploy-check: ## Check the health of every replica, and the API through the gateway (KUBE=1)
ifdef KUBE
	@scripts/require.sh cluster
	@scripts/deploy-check.sh kube
else
	@scripts/require.sh docker
	@scripts/deploy-check.sh compose $(COMPOSE_FILES)
endif

restart: ## Restart the replicas of production one by one (KUBE=1)
ifdef KUBE
	@scripts/require.sh cluster
	$(kubectl) rollout restart deployment --selector app.kubernetes.io/part-of=amazon-tracker
	$(kubectl) rollout status deployment --selector app.kubernetes.io/part-of=amazon-tracker --timeout 15m
else
	scripts/deploy-compose.sh restart $(COMPOSE_FILES)
endif

status: ## Show the state of production (KUBE=1)
ifdef KUBE
	@scripts/require.sh cluster
	@$(kubectl) get deployments,pods,hpa,jobs,services --output wide
else
	@scripts/require.sh docker
	@$(compose) ps --all
endif

db-migrate: ## Migrate the schema of DATABASE_URL, or of production on this host
ifdef DATABASE_URL
	@scripts/require.sh cc rust
	cargo run --release --quiet -- migrate
else
	@scripts/require.sh docker
	$(compose) run --rm migrate
endif

db-migration: ## Create the next migration for both engines (name=listing_images)
	@scripts/new-migration.sh "$(name)"

db-seed: ## Insert example data into DATABASE_URL, or into production on this host (force=1)
ifdef DATABASE_URL
	@scripts/require.sh cc rust
	cargo run --release --quiet -- seed
else
	@scripts/require.sh docker
	$(compose) run --rm tracker seed $(if $(force),--force)
endif

backup: ## Back up DATABASE_URL, or production on this host, into a new file (file=backup.dump)
	scripts/backup.sh "$(file)"

restore: ## Restore a backup into DATABASE_URL, or into a new database of production on this host (file=backup.dump)
	scripts/restore.sh "$(file)"

dev-check: ## Show the health of the daemon on this host (url=http://127.0.0.1:8000)
	@curl --silent --show-error --fail-with-body "$(or $(url),http://127.0.0.1:8000)/health" && echo

check-deploy: ## Check every deployment file with its tool (hadolint, compose, kustomize, promtool …)
	@scripts/require.sh deploy_tools
	@scripts/check-deploy.sh
