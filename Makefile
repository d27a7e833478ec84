# `make help` tells what each target does. Nothing needs to be installed before: each target installs what it is missing.
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help demo test test-cluster test-api bench soak lint fmt docs
.PHONY: setup deploy-prod deploy-check restart status db-migrate db-migration db-seed dev-check check-deploy

help: ## What each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## Daemon and simulated marketplace together: something happens within a minute (Ctrl-C ends it)
	@scripts/require.sh cc rust
	cargo run --release --quiet -- demo

test: ## Every test, on SQLite and on throwaway servers: PostgreSQL, Redis
	@scripts/require.sh cc rust postgres redis yaml
	cargo test --no-fail-fast

test-cluster: ## Three replicas, real servers, and every fault that they must survive (three minutes; only=faults for a part)
	@scripts/require.sh cc rust postgres redis prometheus faketime
	cargo test --test cluster -- --test-threads 2 $(only)

test-api: ## Requests of every shape against the API and its document (EXAMPLES=50 an operation, SEED=1)
	@scripts/require.sh cc rust schemathesis
	cargo build
	scripts/test-api.sh

bench: ## Ratios against named rivals, one table (only=extraction, actors, leases, api, crawling or replicas for one part)
	@scripts/require.sh cc rust postgres rivals
	cargo bench --bench ratios -- $(only)

soak: ## The same three replicas, one fault after another, for a long time (minutes=30)
	@scripts/require.sh cc rust postgres redis prometheus faketime
	SOAK_MINUTES=$(or $(minutes),30) cargo test --test cluster -- --ignored --nocapture one_fault_after_another

lint: ## Format and clippy, warnings are errors
	@scripts/require.sh cc rust
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings

fmt: ## Format the code
	cargo fmt

docs: ## The documentation of every item: its readers are the next owners, so private ones too
	@scripts/require.sh cc rust
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

# ---- Production: on this host by Docker Compose, or with KUBE=1 in the cluster that kubectl points to (docs/deployment.md)

# Compose files of this installation, such as COMPOSE_FILES="docker-compose.prod.yml docker-compose.roles.yml"
COMPOSE_FILES ?= docker-compose.prod.yml
# The overlay of k8s/overlays.
OVERLAY ?= prod
compose = docker compose --env-file .env.production $(addprefix --file=,$(COMPOSE_FILES))
kubectl = kubectl --namespace amazon-tracker

setup: ## Install what is missing, make .env.production of .env.example, and build
	@scripts/require.sh cc rust
	@[ -f .env.production ] || { install -m 600 .env.example .env.production; echo "fill in .env.production now"; }
	cargo build --release

deploy-prod: ## Deploy without a gap: image, migration, new replicas, then the old ones go (KUBE=1, OVERLAY=prod)
ifdef KUBE
	@scripts/require.sh cluster
	scripts/deploy-kube.sh $(OVERLAY)
else
	@scripts/require.sh docker
	scripts/deploy-compose.sh $(COMPOSE_FILES)
endif

deploy-check: ## Is production well? Every replica, and the API through the gateway (KUBE=1)
ifdef KUBE
	@scripts/require.sh cluster
	@scripts/deploy-check.sh kube
else
	@scripts/require.sh docker
	@scripts/deploy-check.sh compose $(COMPOSE_FILES)
endif

restart: ## Restart production's replicas, one after the other (KUBE=1)
ifdef KUBE
	@scripts/require.sh cluster
	$(kubectl) rollout restart deployment --selector app.kubernetes.io/part-of=amazon-tracker
	$(kubectl) rollout status deployment --selector app.kubernetes.io/part-of=amazon-tracker --timeout 15m
else
	@scripts/require.sh docker
	scripts/deploy-compose.sh restart $(COMPOSE_FILES)
endif

status: ## What runs in production, and how it is (KUBE=1)
ifdef KUBE
	@scripts/require.sh cluster
	@$(kubectl) get deployments,pods,hpa,jobs,services --output wide
else
	@scripts/require.sh docker
	@$(compose) ps --all
endif

db-migrate: ## Bring the schema up to date: of DATABASE_URL if it is set, otherwise of production on this host
ifdef DATABASE_URL
	@scripts/require.sh cc rust
	cargo run --release --quiet -- migrate
else
	@scripts/require.sh docker
	$(compose) run --rm migrate
endif

db-migration: ## Begin the next step of the schema, for both engines (name=listing_images)
	@scripts/new-migration.sh "$(name)"

db-seed: ## Put example data into the database: of DATABASE_URL if it is set, otherwise of production on this host
ifdef DATABASE_URL
	@scripts/require.sh cc rust
	cargo run --release --quiet -- seed
else
	@scripts/require.sh docker
	$(compose) run --rm tracker seed
endif

dev-check: lint ## Format, clippy, and whether the daemon that runs here is ready
	cargo run --quiet -- healthcheck

check-deploy: ## Every deployment file, by the tool that knows it (hadolint, compose, kustomize, promtool …)
	@scripts/require.sh deploy_tools
	@scripts/check-deploy.sh
