#!/usr/bin/env bash
# Restores a backup. Usage: scripts/restore.sh FILE
#
# The target is DATABASE_URL, which must be a new SQLite file or an empty PostgreSQL database. Without DATABASE_URL, it is
# the new database `tracker_restored` beside that of production on this host (.env.production), which is not changed.
set -euo pipefail
file=${1:?usage: scripts/restore.sh FILE}
[ -r "$file" ] || { echo "error: cannot read $file" >&2; exit 1; }
# shellcheck source=scripts/database-url.sh
. "$(dirname "$0")/database-url.sh"

refuse() {
    echo "error: $*" >&2
    exit 1
}

case ${DATABASE_URL:-} in
sqlite:*)
    path=${DATABASE_URL#sqlite:}
    path=${path#//}
    path=${path%%\?*}
    [ "$(head -c 15 "$file")" = "SQLite format 3" ] || refuse "$file is not a backup of an SQLite database"
    # SQLite would replay files left over from another database. An empty file is no database yet.
    for existing in "$path" "$path-wal" "$path-shm"; do
        [ ! -s "$existing" ] || refuse "$existing already exists: stop the daemon and move it away"
    done
    umask 077
    cp "$file" "$path.part"
    mv "$path.part" "$path"
    ;;
*)
    connect_to_server
    if [ -z "${DATABASE_URL:-}" ]; then
        "${client[@]}" createdb --host=127.0.0.1 --username=postgres --owner=tracker tracker_restored
        server=${server/dbname=tracker/dbname=tracker_restored}
    fi
    tables=$("${client[@]}" psql -X --no-align --tuples-only --dbname="$server" --command \
        "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')")
    [ "$tables" = 0 ] || refuse "the database is not empty: restore to a new one"
    "${client[@]}" pg_restore --exit-on-error --single-transaction --enable-row-security --no-owner --no-privileges \
        --dbname="$server" <"$file"
    "${client[@]}" psql -X --quiet --dbname="$server" --command "SET client_min_messages = error" --command "ANALYZE"
    ;;
esac
echo "restored from $file"
