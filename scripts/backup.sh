#!/usr/bin/env bash
# Backs up the database that DATABASE_URL names to a new file, while daemons go on. Usage: scripts/backup.sh FILE
# The program is `amazon-tracker`, unless AMAZON_TRACKER names another.
set -euo pipefail
file=${1:?usage: scripts/backup.sh FILE}
# shellcheck source=scripts/database-url.sh
. "$(dirname "$0")/database-url.sh"

case $DATABASE_URL in
sqlite:*)
    "${AMAZON_TRACKER:-amazon-tracker}" backup --to "$file"
    ;;
*)
    connect_to_server
    [ ! -e "$file" ] || { echo "error: $file is there already" >&2; exit 1; }
    # It holds secrets, and is there whole or not at all.
    umask 077
    trap 'rm -f "$file.part"' EXIT
    pg_dump --format=custom --enable-row-security --no-owner --no-privileges --file="$file.part" "$server"
    ln "$file.part" "$file"
    ;;
esac
echo "backed up to $file"
