#!/bin/bash
# Runs once, on an empty data directory (docker-entrypoint-initdb.d), as the superuser. Creates two roles.
#
# `tracker` owns its database and is not a superuser, because superusers bypass row-level security. pg_read_all_stats
# lets it read the age of the oldest snapshot of any role (tracker_oldest_snapshot_age).
#
# `exporter` reads statistics for Prometheus (pg_monitor), but none of the tracker's tables.
set -euo pipefail

: "${TRACKER_DB_PASSWORD:?the password of the role tracker}"
: "${EXPORTER_DB_PASSWORD:?the password of the role exporter}"

run_sql() {
    psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$1"
}

# psql reads the passwords from the environment and quotes them, so they do not appear in a command line.
run_sql postgres <<'SQL'
\getenv tracker_password TRACKER_DB_PASSWORD
\getenv exporter_password EXPORTER_DB_PASSWORD
CREATE ROLE tracker LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'tracker_password';
GRANT pg_read_all_stats TO tracker;
CREATE DATABASE tracker OWNER tracker;
REVOKE ALL ON DATABASE tracker FROM PUBLIC;
CREATE ROLE exporter LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD :'exporter_password';
GRANT pg_monitor TO exporter;
GRANT CONNECT ON DATABASE tracker TO exporter;
SQL
