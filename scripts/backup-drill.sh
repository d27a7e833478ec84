#!/usr/bin/env bash
# Backs up and restores the database of docker-compose.prod.yml as docs/operations.md describes, in a throwaway project.
# Usage: scripts/backup-drill.sh ENV_FILE
set -euo pipefail
environment=$(realpath "${1:?usage: scripts/backup-drill.sh ENV_FILE}")
checkout=$(mktemp -d)
cp -r "$(dirname "$0")/../scripts" "$(dirname "$0")/../config" "$(dirname "$0")/../docker-compose.prod.yml" "$checkout"
cp "$environment" "$checkout/.env.production"
cd "$checkout"
# The name of the project keeps its containers and volumes apart from production.
export COMPOSE_PROJECT_NAME=amazon-tracker-drill TRACKER_SUBNET=172.30.81.0/24 TRACKER_DNS=172.30.81.250
unset DATABASE_URL PGOPTIONS
sed -i "/^name: /d" docker-compose.prod.yml
compose=(docker compose --env-file .env.production --file docker-compose.prod.yml)
clean_up() {
    "${compose[@]}" down --volumes >/dev/null 2>&1 || true
    rm -rf "$checkout"
}
trap clean_up EXIT

sql() {
    "${compose[@]}" exec -T postgres psql -X -At --host=127.0.0.1 --username=postgres --dbname="$1" --command="$2"
}

"${compose[@]}" up --detach postgres
for _ in $(seq 60); do
    ! sql tracker "SELECT 1" >/dev/null 2>&1 || break
    sleep 1
done
sql tracker "SET ROLE tracker; CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n"
scripts/backup.sh "$checkout/backup.dump"
scripts/restore.sh "$checkout/backup.dump"
[ "$(sql tracker_restored 'SELECT count(*) FROM kept')" = 1000 ]
sql postgres "ALTER DATABASE tracker RENAME TO tracker_before"
sql postgres "ALTER DATABASE tracker_restored RENAME TO tracker"
[ "$(sql tracker 'SELECT sum(n) FROM kept')" = 500500 ]
