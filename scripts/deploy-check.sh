#!/usr/bin/env bash
# Checks that production is healthy. With Compose: every container, their number, and the API through the gateway. With
# Kubernetes: the rollouts, and one pod.
#
#   scripts/deploy-check.sh compose|kube [compose file …]
set -euo pipefail
cd "$(dirname "$0")/.."

where=${1:-}
shift || true
unhealthy=

# Every service must run: healthy if it has a health check, in the configured number, or ended if it runs once.
check_service() {
    local service=$1 containers healthy configured
    mapfile -t containers < <(containers_of "$service")
    case $service in
        migrate | apisix-load)
            [ "$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "${containers[@]}" 2>&1)" = "exited 0" ] ||
                unhealthy+=$'\n'"$service: has not ended well"
            ;;
        *)
            configured=$(configured_replicas "$service")
            healthy=$(count_healthy "${containers[@]}")
            [ "$healthy" = "$configured" ] && [ "${#containers[@]}" = "$configured" ] ||
                unhealthy+=$'\n'"$service: $healthy of ${#containers[@]} containers are healthy, configured are $configured"
            ;;
    esac
}

case $where in
    compose)
        # shellcheck source=scripts/compose.sh
        . scripts/compose.sh
        "${compose[@]}" ps --all
        for service in $("${compose[@]}" config --services); do
            check_service "$service"
        done
        gateway=${GATEWAY:-http://127.0.0.1:9080}
        answer=$(curl --silent --show-error --fail --max-time 5 "$gateway/health" 2>&1) ||
            unhealthy+=$'\n'"gateway: $answer"
        ;;
    kube)
        kubectl=(kubectl --namespace amazon-tracker)
        "${kubectl[@]}" get deployments,pods,hpa
        unhealthy=$("${kubectl[@]}" rollout status deployment --selector app.kubernetes.io/part-of=amazon-tracker \
            --timeout 10s 2>&1 >/dev/null) || true
        answer=$("${kubectl[@]}" exec deployment/amazon-tracker -- amazon-tracker healthcheck 2>&1) ||
            unhealthy+=$'\n'"daemon: $answer"
        ;;
    *)
        echo "usage: scripts/deploy-check.sh compose|kube [compose file …]" >&2
        exit 2
        ;;
esac
[ -z "${unhealthy//[$'\n ']/}" ] || { printf 'error: unhealthy:\n%s\n' "$unhealthy" >&2; exit 1; }
echo "healthy: $answer"
