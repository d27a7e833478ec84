#!/usr/bin/env bash
# Updates production on this host to the compose files without downtime. New replicas are started next to the old ones;
# when they are healthy, the old ones drain. If they do not become healthy, they are removed and the old ones stay.
#
#   scripts/deploy-compose.sh [restart] [compose file …]     default: docker-compose.prod.yml
#
# With `restart`, images are neither built nor pulled. While both versions run, they use twice the connections.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=deploy
if [ "${1:-}" = restart ]; then
    mode=restart
    shift
fi
[ $# -gt 0 ] || set -- docker-compose.prod.yml
compose=(docker compose --env-file .env.production "${@/#/--file=}")
# Maximum time for a service to become healthy.
patience_secs=180

"${compose[@]}" config --quiet
if [ "$mode" = deploy ]; then
    "${compose[@]}" pull --ignore-buildable
    if grep -qE '^TRACKER_IMAGE=.' .env.production; then
        "${compose[@]}" pull tracker
    else
        "${compose[@]}" build --pull
    fi
fi

"${compose[@]}" up --detach --wait postgres redis
# The old replicas keep running: a migration never removes what the previous version needs.
"${compose[@]}" run --rm migrate

# Replaces the containers of a service with new ones.
roll() {
    local service=$1 old new count
    old=$("${compose[@]}" ps --quiet "$service")
    count=$(grep -c . <<<"$old" || true)
    [ "$count" -gt 0 ] || return 0
    if ! "${compose[@]}" up --detach --no-deps --no-recreate --wait --wait-timeout "$patience_secs" \
        --scale "$service=$((2 * count))" "$service"; then
        new=$("${compose[@]}" ps --all --quiet "$service" | grep -vxF "$old" || true)
        echo "error: the new replicas of $service are not healthy; the old ones stay" >&2
        for container in $new; do
            docker logs --tail 20 "$container" >&2 || true
            docker rm --force "$container" >/dev/null
        done
        exit 1
    fi
    # One at a time, each with its time to drain (stop_grace_period).
    for container in $old; do
        docker stop --time 40 "$container" >/dev/null
        docker rm "$container" >/dev/null
    done
    scale+=(--scale "$service=$count")
    echo "$service: replaced $count replicas"
}

scale=()
for service in $("${compose[@]}" config --services | grep -xE 'tracker|crawler|scheduler'); do
    roll "$service"
done
started=$SECONDS
# All other services, and at the first deployment the replicas too. Not --wait, which treats the exit of a one-shot
# service as a failure.
"${compose[@]}" up --detach --remove-orphans "${scale[@]}"
until state=$(scripts/deploy-check.sh compose "$@" 2>&1); do
    [ "$SECONDS" -lt $((started + patience_secs)) ] || { echo "$state" >&2; exit 1; }
    sleep 2
done
echo "$state"
