#!/usr/bin/env bash
# Creates the next migration for both engines: migrations/{postgres,sqlite}/NNNN_name.sql.
#
#   scripts/new-migration.sh NAME        lower-case letters, digits and underscores
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-}
[[ $name =~ ^[a-z][a-z0-9_]{2,59}$ ]] || {
    echo "error: name=$name: use lower-case letters, digits and underscores, such as name=listing_images" >&2
    exit 1
}
last=$(find migrations -name '[0-9][0-9][0-9][0-9]_*.sql' -printf '%f\n' | sort | tail -n 1)
number=$(printf '%04d' $((10#${last%%_*} + 1)))
if found=$(find migrations -name "*_$name.sql" | grep .); then
    echo "error: a migration with this name exists: $found" >&2
    exit 1
fi

postgres=migrations/postgres/${number}_$name.sql
sqlite=migrations/sqlite/${number}_$name.sql
# Create both files or neither.
trap 'rm -f "$postgres" "$sqlite"' ERR

header() {
    cat <<END
-- Describe the purpose of this migration. (The migration for $1 has the same tables and columns.)
--
-- Replicas of the previous version run during this migration, and for a while after it. So a release may only expand:
--   expand    new tables, columns that are nullable or have a constant default, indexes. Code writes both, reads the old.
--   backfill  existing rows, in batches. Code reads the new.
--   contract  in a later release, when the previous version no longer runs: drop columns, set NOT NULL.
-- Never rename or remove what the previous version reads. Never edit a migration that was applied: its checksum is in
-- every database.
END
}
{
    header SQLite
    cat <<'END'
--
-- Tables with tenant data need a row-level security policy (as in 0004). Create an index on a large table in a
-- separate migration whose first line is `-- no-transaction`, with SET lock_timeout and CREATE INDEX CONCURRENTLY.

-- A statement that waits for a lock blocks all later ones: fail and retry instead.
SET LOCAL lock_timeout = '5s';
END
} >"$postgres"
header PostgreSQL >"$sqlite"
trap - ERR
printf '%s\n' "$postgres" "$sqlite"
