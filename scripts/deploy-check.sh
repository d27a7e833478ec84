#!/usr/bin/env bash
# Checks that production is healthy: every container or pod, their number, and the API through the gateway.
#
#   scripts/deploy-check.sh compose|kube [compose file …]
set -euo pipefail
cd "$(dirname "$0")/.."

where=${1:-}
shift || true
unhealthy=

check_replicas() {
    local service containers healthy configured
    for service in $(replicated_services); do
        mapfile -t containers < <(containers_of "$service")
        healthy=$(count_healthy "${containers[@]}")
        configured=$(configured_replicas "$service")
        [ "$healthy" = "$configured" ] ||
            unhealthy+=$'\n'"$service: $healthy healthy replicas, configured are $configured"
    done
}

case $where in
    compose)
        # shellcheck source=scripts/compose.sh
        . scripts/compose.sh
        "${compose[@]}" ps --all
        # Services without a health check have an empty health; one-shot services have exited with 0.
        unhealthy=$("${compose[@]}" ps --all --format $'{{.Name}}\t{{.State}}\t{{.Health}}\t{{.ExitCode}}' | awk -F'\t' '
            $2 == "running" && ($3 == "" || $3 == "healthy") { next }
            $2 == "exited" && $4 == 0 { next }
            { print $1 ": " $2 " " $3 }')
        check_replicas
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
