#!/usr/bin/env bash
# Deploys an overlay to the current cluster of kubectl: migration first, then the rest, and waits for the rollout.
#
#   scripts/deploy-kube.sh [overlay]     in k8s/overlays, default: prod
set -euo pipefail
cd "$(dirname "$0")/.."

overlay=k8s/overlays/${1:-prod}
kubectl=(kubectl --namespace amazon-tracker)
job=amazon-tracker-migrate
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

[ -d "$overlay" ] || { echo "error: overlay $overlay does not exist" >&2; exit 1; }
kubectl kustomize "$overlay" >"$rendered"
if placeholders=$(grep -nE 'ghcr\.io/OWNER/|tracker[.@]example\.com' "$rendered"); then
    printf 'error: fill in k8s/overlays/prod (images, settings.env); placeholders left:\n%s\n' "$placeholders" >&2
    exit 1
fi
"${kubectl[@]}" get secret amazon-tracker-secrets --output name >/dev/null || {
    echo "error: the namespace amazon-tracker has no secret amazon-tracker-secrets: see docs/deployment.md" >&2
    exit 1
}

# Jobs are immutable, so the previous one is deleted first. Then everything except the deployments is applied.
"${kubectl[@]}" delete job "$job" --ignore-not-found --wait
kubectl apply --filename "$rendered" --selector 'app.kubernetes.io/component notin (tracker, crawler, scheduler)'
echo "waiting for the migration"
while true; do
    ended=$("${kubectl[@]}" get job "$job" --output 'jsonpath={.status.conditions[?(@.status=="True")].type}')
    case $ended in
        *Failed*)
            "${kubectl[@]}" logs "job/$job" --tail 20 >&2 || true
            echo "error: the migration failed; the running version is unchanged" >&2
            exit 1
            ;;
        *Complete*) break ;;
    esac
    sleep 2
done

kubectl apply --filename "$rendered"
"${kubectl[@]}" rollout status deployment --selector app.kubernetes.io/part-of=amazon-tracker --timeout 15m || {
    echo "error: the new replicas are not ready; the old ones keep serving. To roll back:" >&2
    echo "  ${kubectl[*]} rollout undo deployment/…" >&2
    exit 1
}
