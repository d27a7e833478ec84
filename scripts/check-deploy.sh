#!/usr/bin/env bash
# Checks every deployment file with its tool. Prints one line per check, and the tool's output for a failed one. The
# tools are installed by scripts/require.sh deploy_tools. No cluster is needed; with a Docker engine, a database is started
# for the backup drill.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/deploy-tools/bin:$PATH"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=0

# Runs a command, and reports the result under a name.
check() {
    local name=$1
    shift
    if "$@" >"$scratch/output" 2>&1; then
        printf 'ok      %s\n' "$name"
    else
        printf 'FAILED  %s\n' "$name"
        sed 's/^/        /' "$scratch/output"
        failed=$((failed + 1))
    fi
}

# A file on a missing path would otherwise be skipped silently.
check_files() {
    local name=$1 tool=$2 pattern
    shift 2
    for pattern in "$@"; do
        [ -e "$pattern" ] || { check "$name" missing "$pattern"; return; }
    done
    # shellcheck disable=SC2086 # the tool with its flags
    check "$name" $tool "$@"
}
missing() {
    echo "file $1 does not exist"
    false
}

# ---- Image

same_rust_version() {
    local image toolchain
    image=$(sed -n 's/^ARG RUST_VERSION=//p' Dockerfile)
    toolchain=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
    echo "Dockerfile has Rust $image, rust-toolchain.toml has $toolchain"
    [ -n "$image" ] && [ "$image" = "$toolchain" ]
}
check "Dockerfile: hadolint" hadolint Dockerfile
check "Dockerfile: the toolchain of the repository" same_rust_version

# ---- Compose: parsed by Docker Compose itself, which checks them against the compose specification

compose=(docker-compose)
docker compose version >/dev/null 2>&1 && compose=(docker compose)
# .env.example with all values filled in, plus the key that only the variant with etcd needs.
sed -E 's/^([A-Z_]+)=("")?$/\1=filled-in/' .env.example >"$scratch/env"
(cat "$scratch/env" && echo APISIX_ADMIN_KEY=filled-in) >"$scratch/env-etcd"
# Variables of the caller's environment must not replace ones that the file lacks.
read_compose() {
    local rendered=$1 environment=$2
    shift 2
    env -i PATH="$PATH" HOME="$HOME" "${compose[@]}" --env-file "$environment" "${@/#/--file=}" config \
        --format json --no-path-resolution --output "$rendered"
}
refuses_empty_variables() {
    ! read_compose /dev/null .env.example docker-compose.prod.yml 2>"$scratch/refused" &&
        grep 'is missing a value' "$scratch/refused"
}
check "compose: production" read_compose "$scratch/prod.json" "$scratch/env" docker-compose.prod.yml
check "compose: split roles" \
    read_compose "$scratch/roles.json" "$scratch/env" docker-compose.prod.yml docker-compose.roles.yml
check "compose: gateway with etcd" \
    read_compose "$scratch/etcd.json" "$scratch/env-etcd" docker-compose.prod.yml docker-compose.etcd.yml
check "compose: secrets that are not filled in stop the start" refuses_empty_variables

# The deployment script reads the number of replicas from what Compose prints.
reads_replicas() {
    (
        # shellcheck disable=SC1091 # checked by itself
        . scripts/compose.sh
        compose=(env -i "PATH=$PATH" "HOME=$HOME" TRACKER_REPLICAS=5 "$@" --env-file "$scratch/env"
            --file=docker-compose.prod.yml --file=docker-compose.roles.yml)
        read_numbers="$(replicated_services | paste -sd' ') $(configured_replicas tracker) $(configured_replicas crawler)"
        echo "$read_numbers $(configured_replicas redis)"
        [[ $read_numbers == *tracker*" 5 2" ]]
    )
}
# shellcheck disable=SC2031 # the subshell is meant to keep its own
check "compose: the number of replicas is read" reads_replicas "${compose[@]}"

# A backup and a restore as in docs/operations.md, with the server of the compose file in a project of its own.
if docker info >/dev/null 2>&1; then
    check "backup: the drill on Docker Compose" scripts/backup-drill.sh "$scratch/env"
else
    echo "not run  backup: the drill on Docker Compose needs an engine (its steps run in \`cargo test --test store backup\`)"
fi

# ---- Kubernetes

for folder in k8s/base k8s/overlays/*/; do
    name=$(basename "$folder")
    check "kubernetes: $name is built by kustomize" kubectl kustomize "$folder" --output "$scratch/k8s-$name.yaml"
    check "kubernetes: $name is valid, strictly" kubernetes-validate --strict --quiet "$scratch/k8s-$name.yaml"
done
# The example is not in any kustomization.
check "kubernetes: the example of a secret" kubernetes-validate --strict --quiet k8s/base/secret.example.yaml

# ---- Consistency between files, which no tool checks

check "the files fit each other" python scripts/check-deploy-facts.py "$scratch"

# ---- Workflows, YAML, scripts

check_files "workflows: actionlint" actionlint .github/workflows/*.yml
mapfile -t yaml < <(git ls-files --cached --others --exclude-standard '*.yml' '*.yaml')
check_files "YAML: yamllint" "yamllint --strict" "${yaml[@]}"
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard |
    while read -r file; do
        [ -f "$file" ] && head -c 64 "$file" | head -n 1 | tr -d '\0' | grep -qE '^#!.*\b(ba)?sh\b' && echo "$file"
    done || true)
check_files "scripts: shellcheck" "shellcheck -x" "${scripts[@]}"

# ---- Migrations

# Nothing has been released yet: migrations up to this one run on empty tables, and cannot be changed, because their checksums are in
# every database. So they may rename things, and create indexes within their transaction. Later ones are checked without exceptions. sqlx
# runs a migration in one transaction, unless its first line disables that.
last_before_release=0038
old=() new=() without_transaction=()
for file in migrations/postgres/*.sql; do
    number=${file##*/}
    if ((10#${number%%_*} <= 10#$last_before_release)); then
        old+=("$file")
    elif head -n 1 "$file" | grep -q '^-- no-transaction'; then
        without_transaction+=("$file")
    else
        new+=("$file")
    fi
done
squawk="squawk --reporter gcc"
# --exclude replaces the list in .squawk.toml.
excluded=$(sed -n 's/^    "\(.*\)",$/\1/p' .squawk.toml | paste -sd, -)
on_empty_tables=require-lock-timeout,require-concurrent-index-creation,ban-drop-not-null,renaming-column,renaming-table,renaming-object
check_files "migrations: squawk, before the first release" \
    "$squawk --assume-in-transaction --exclude=$excluded,$on_empty_tables" "${old[@]}"
if [ ${#new[@]} -gt 0 ]; then
    check_files "migrations: squawk" "$squawk --assume-in-transaction" "${new[@]}"
fi
if [ ${#without_transaction[@]} -gt 0 ]; then
    check_files "migrations: squawk, without a transaction" "$squawk" "${without_transaction[@]}"
fi

# ---- Monitoring

check_files "prometheus: configuration" "promtool check config" config/prometheus/prometheus.yml
check_files "prometheus: rules" "promtool check rules" config/prometheus/*.rules.yml
check_files "prometheus: tests of the rules" "promtool test rules" config/prometheus/tests/*.yml

[ "$failed" = 0 ] || { echo "$failed checks failed" >&2; exit 1; }
