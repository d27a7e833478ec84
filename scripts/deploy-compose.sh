#!/usr/bin/env bash
# Updates production on this host to its compose files without downtime: migrates the schema, starts new replicas beside
# the old ones, tells the gateway, and stops the old ones. A step that fails leaves, or puts back, what was there before.
#
#   scripts/deploy-compose.sh [restart] [compose file …]     default: docker-compose.prod.yml
#
# With `restart`, the replicas are replaced and nothing else. While both versions run, they use twice the connections.
#
# `--no-deps` and `--wait` of `docker compose up` are not used: before Compose 2.30, the former changes what a container
# is compared by, so that the next `up` replaces all replicas at once, and the latter takes a finished migration for a
# failure. A service that is recreated recreates its dependants only in the same `up`, so each has its own.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=deploy
if [ "${1:-}" = restart ]; then
    mode=restart
    shift
fi
scripts/require.sh docker
# shellcheck source=scripts/compose.sh
. scripts/compose.sh

# The gateway keeps the addresses of a DNS answer for its lifetime: config/dns/Corefile.
dns_secs=2

fetch_images() {
    "${compose[@]}" pull --ignore-buildable
    case $("${compose[@]}" config --images | grep -m 1 amazon-tracker) in
        amazon-tracker:local) "${compose[@]}" build --pull ;;
        *) "${compose[@]}" pull tracker ;;
    esac
}

start_databases() {
    local service containers
    "${compose[@]}" up --detach postgres redis
    for service in postgres redis; do
        mapfile -t containers < <(containers_of "$service")
        await_healthy "${containers[@]}" || {
            print_logs "${containers[@]}"
            fail "$service is not healthy; the replicas were not changed"
        }
    done
}

# The previous version runs on the new schema: a migration never removes what it needs.
migrate() {
    local container state exit_code
    "${compose[@]}" up --detach migrate
    container=$(containers_of migrate)
    while true; do
        read -r state exit_code < <(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$container")
        case $state in
            created | running | restarting) sleep 1 ;;
            *) break ;;
        esac
    done
    [ "$exit_code" = 0 ] || {
        print_logs "$container"
        fail "the migration failed; the replicas were not changed"
    }
}

# Reloads the gateway, which makes it resolve the name of the replicas again.
tell_gateway() {
    local gateway
    gateway=$(containers_of apisix)
    [ -n "$gateway" ] && [ "$(count_healthy "$gateway")" = 1 ] || return 0
    # Not `compose kill`: Docker would take the container for stopped by hand, and not start it after a reboot.
    "${compose[@]}" exec -T apisix bash -c 'kill -HUP 1'
    sleep "$dns_secs"
}

# Replaces the containers of a service by as many new ones as are configured.
roll() {
    local service=$1 count container
    local -a old new stopped=()
    mapfile -t old < <(containers_of "$service")
    count=$(configured_replicas "$service")
    "${compose[@]}" up --detach --no-recreate --scale "$service=$((${#old[@]} + count))" "$service" || true
    mapfile -t new < <(containers_of "$service" | grep -vxF "$(printf '%s\n' '' "${old[@]}" | sed 1d)" || true)
    if [ "${#new[@]}" != "$count" ] || ! await_healthy "${new[@]}"; then
        print_logs "${new[@]}"
        [ "${#new[@]}" = 0 ] || docker rm --force "${new[@]}" >/dev/null
        fail "the new replicas of $service are not healthy and were removed; ${#old[@]} old ones were not changed"
    fi
    [ "$service" != tracker ] || tell_gateway
    # One at a time, each with its time to drain (stop_grace_period). They are kept until all new ones have proved
    # healthy without them.
    for container in "${old[@]}"; do
        docker stop -t 40 "$container" >/dev/null
        stopped+=("$container")
        [ "$(count_healthy "${new[@]}")" = "$count" ] || put_back "$service"
    done
    [ "${#old[@]}" = 0 ] || docker rm "${old[@]}" >/dev/null
    scale+=(--scale "$service=$count")
    echo "$service: ${#old[@]} replicas replaced by $count"
}

# Ends a roll in which new replicas failed after old ones were stopped. Uses the variables of `roll`.
put_back() {
    print_logs "${new[@]}"
    docker start "${stopped[@]}" >/dev/null
    await_healthy "${old[@]}" || fail "new replicas of $1 failed, and the old ones are not healthy again; both were left running"
    [ "$1" != tracker ] || tell_gateway
    docker rm --force "${new[@]}" >/dev/null
    fail "new replicas of $1 failed while old ones were stopped; ${#old[@]} old ones run again, and the new ones were removed"
}

"${compose[@]}" config --quiet
if [ "$mode" = deploy ]; then
    fetch_images
    start_databases
    migrate
fi
scale=()
for service in $(replicated_services); do
    roll "$service"
done
if [ "$mode" = deploy ]; then
    # All other services. Neither the migration nor the replicas have changed since, so they stay.
    "${compose[@]}" up --detach --remove-orphans "${scale[@]}"
fi
until=$((SECONDS + patience_secs))
until state=$(scripts/deploy-check.sh compose "$@" 2>&1); do
    [ "$SECONDS" -lt "$until" ] || { echo "$state" >&2; exit 1; }
    sleep 2
done
echo "$state"
