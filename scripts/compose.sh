# Source this file in a script for production on this host: it defines `compose`, the command with the installation's
# files, and functions on containers. Arguments: the compose files, default docker-compose.prod.yml.
# shellcheck shell=bash

[ $# -gt 0 ] || set -- docker-compose.prod.yml
compose=(docker compose --env-file .env.production "${@/#/--file=}")

# Maximum time for a container to become healthy, and for the whole to be checked at the end, in seconds.
patience_secs=${DEPLOY_PATIENCE_SECS:-180}

fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Changed files do not reach a running container whose file was replaced. A label with their checksum makes Compose
# recreate it.
GATEWAY_CONFIG=$(cat config/apisix/*.yaml config/dns/Corefile | sha256sum | cut -c 1-16)
PROMETHEUS_CONFIG=$(cat config/prometheus/*.yml | sha256sum | cut -c 1-16)
export GATEWAY_CONFIG PROMETHEUS_CONFIG

# The containers of a service, one id per line, without those of `compose run` (which `compose ps --all` lists).
containers_of() {
    local project
    project=$("${compose[@]}" config | sed -n 's/^name: //p')
    docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" \
        --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False
}

# The services of the tracker that are replaced replica by replica.
replicated_services() {
    "${compose[@]}" config --services | grep -xE 'tracker|crawler|scheduler'
}

# The configured number of replicas of a service (`deploy.replicas`).
configured_replicas() {
    "${compose[@]}" config | awk -v service="$1" '
        /^[a-z]/ { section = $1; name = "" }
        section == "services:" && /^  [^ ]/ { name = $1 }
        name == service ":" && /^      replicas:/ { count = $2 }
        END { print count == "" ? 1 : count }'
}

# The number of these containers that run, and are healthy if they have a health check.
count_healthy() {
    [ $# -gt 0 ] || { echo 0; return; }
    docker inspect --format '{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$@" |
        grep -cE '^running (healthy)?$' || true
}

# Waits until all of these containers are healthy.
await_healthy() {
    local until=$((SECONDS + patience_secs))
    while [ "$(count_healthy "$@")" -lt $# ]; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 1
    done
}

print_logs() {
    local container
    for container in "$@"; do
        docker logs --tail 20 "$container" >&2 || true
    done
}
