#!/usr/bin/env bash
# Whether production is well: every container healthy (or every pod ready), and the API answers through the gateway.
#
#   scripts/deploy-check.sh compose|kube [compose file …]
set -euo pipefail
cd "$(dirname "$0")/.."

where=$1
shift
case $where in
    compose)
        [ $# -gt 0 ] || set -- docker-compose.prod.yml
        compose=(docker compose --env-file .env.production "${@/#/--file=}")
        "${compose[@]}" ps --all
        # A service without a health check has an empty health; one-shot services have ended with 0.
        unwell=$("${compose[@]}" ps --all --format $'{{.Name}}\t{{.State}}\t{{.Health}}\t{{.ExitCode}}' | awk -F'\t' '
            $2 == "running" && ($3 == "" || $3 == "healthy") { next }
            $2 == "exited" && $4 == 0 { next }
            { print $1 ": " $2 " " $3 }')
        gateway=${GATEWAY:-http://127.0.0.1:9080}
        answer=$(curl --silent --show-error --fail --max-time 5 "$gateway/health" 2>&1) ||
            unwell+=$'\n'"gateway: $answer"
        ;;
    kube)
        kubectl=(kubectl --namespace amazon-tracker)
        "${kubectl[@]}" get deployments,pods,hpa
        unwell=$("${kubectl[@]}" rollout status deployment --selector app.kubernetes.io/part-of=amazon-tracker \
            --timeout 10s 2>&1 >/dev/null) || true
        answer=$("${kubectl[@]}" exec deployment/amazon-tracker -- amazon-tracker healthcheck 2>&1) ||
            unwell+=$'\n'"daemon: $answer"
        ;;
    *)
        echo "usage: scripts/deploy-check.sh compose|kube" >&2
        exit 2
        ;;
esac
[ -z "${unwell//[$'\n ']/}" ] || { printf 'error: not well:\n%s\n' "$unwell" >&2; exit 1; }
echo "well: $answer"
