#!/usr/bin/env bash
# Begins the next step of the schema, for both engines: migrations/{postgres,sqlite}/NNNN_name.sql.
#
#   scripts/new-migration.sh name        in small letters, digits and underscores
set -euo pipefail
cd "$(dirname "$0")/.."

name=${1:-}
[[ $name =~ ^[a-z][a-z0-9_]{2,59}$ ]] || {
    echo "error: name=$name: a name has small letters, digits and underscores, such as name=listing_images" >&2
    exit 1
}
last=$(find migrations -name '[0-9][0-9][0-9][0-9]_*.sql' -printf '%f\n' | sort | tail -n 1)
number=$(printf '%04d' $((10#${last%%_*} + 1)))
if found=$(find migrations -name "*_$name.sql" | grep .); then
    echo "error: there is a step of this name already: $found" >&2
    exit 1
fi

postgres=migrations/postgres/${number}_$name.sql
sqlite=migrations/sqlite/${number}_$name.sql
# Both or none.
trap 'rm -f "$postgres" "$sqlite"' ERR

header() {
    cat <<END
-- What this step is for, in a sentence or two. (The $1 twin of this step has the same tables and columns.)
--
-- Replicas of the version before run while this step does, and for a while after it. So a release expands only:
--   expand    new tables, columns that are nullable or have a constant default, indexes. Code writes both, reads the old.
--   backfill  what there was before, in batches. Code reads the new.
--   contract  a later release, when nothing of the version before can run any more: drop columns, set NOT NULL.
-- Never rename, and never take away what the version before reads or does not write. Once applied, a step is never
-- edited: its checksum is in every database.
END
}
{
    header SQLite
    cat <<'END'
--
-- A table of tenants gets its policy of row-level security here too (as in 0004). An index on a table that is large
-- already: a step of its own whose first line is `-- no-transaction`, with SET lock_timeout and CREATE INDEX
-- CONCURRENTLY.

-- Whoever waits for a lock keeps everybody behind it waiting: rather give up, and try again.
SET LOCAL lock_timeout = '5s';
END
} >"$postgres"
header PostgreSQL >"$sqlite"
trap - ERR
printf '%s\n' "$postgres" "$sqlite"
