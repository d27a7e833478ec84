#!/usr/bin/env bash
# Backs up a database to a new file while daemons are running. Usage: scripts/backup.sh FILE
#
# The database is the one in DATABASE_URL or, without it, that of production on this host (.env.production).
# AMAZON_TRACKER overrides the path of the program, default `amazon-tracker`.
set -euo pipefail
file=${1:?usage: scripts/backup.sh FILE}
# shellcheck source=scripts/database-url.sh
. "$(dirname "$0")/database-url.sh"

case ${DATABASE_URL:-} in
sqlite:*)
    "${AMAZON_TRACKER:-amazon-tracker}" backup --to "$file"
    ;;
*)
    [ ! -e "$file" ] || { echo "error: $file already exists" >&2; exit 1; }
    connect_to_server
    # The backup contains secrets, and must be complete or absent.
    umask 077
    mkdir -p "$(dirname "$file")"
    trap 'rm -f "$file.part"' EXIT
    "${client[@]}" pg_dump --format=custom --enable-row-security --no-owner --no-privileges --dbname="$server" >"$file.part"
    ln "$file.part" "$file"
    ;;
esac
echo "backed up to $file"
