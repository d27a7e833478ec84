#!/usr/bin/env bash
# Brings production on this host to what the compose files say, one version after the other without a gap: new replicas
# are started beside the old ones, and the old ones drain when the new ones are healthy. If those never are, they are
# taken away again and the old ones stay.
#
#   scripts/deploy-compose.sh [restart] [compose file …]     docker-compose.prod.yml unless files are named
#
# With `restart`, images are neither built nor fetched. While both versions run, they hold twice the connections.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=deploy
if [ "${1:-}" = restart ]; then
    mode=restart
    shift
fi
[ $# -gt 0 ] || set -- docker-compose.prod.yml
compose=(docker compose --env-file .env.production "${@/#/--file=}")
# The longest that anything may take to be healthy.
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
# The old replicas go on meanwhile: a step never takes away what the version before needs.
"${compose[@]}" run --rm migrate

# Puts new containers of a service in the place of the old ones.
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
    # One after the other, each with its time to drain (stop_grace_period).
    for container in $old; do
        docker stop --time 40 "$container" >/dev/null
        docker rm "$container" >/dev/null
    done
    scale+=(--scale "$service=$count")
    echo "$service: $count replicas are new"
}

scale=()
for service in $("${compose[@]}" config --services | grep -xE 'tracker|crawler|scheduler'); do
    roll "$service"
done
started=$SECONDS
# Everything else, and at the first time the replicas too. Not --wait: it takes a one-shot service that has ended for a
# failure.
"${compose[@]}" up --detach --remove-orphans "${scale[@]}"
until state=$(scripts/deploy-check.sh compose "$@" 2>&1); do
    [ "$SECONDS" -lt $((started + patience_secs)) ] || { echo "$state" >&2; exit 1; }
    sleep 2
done
echo "$state"
