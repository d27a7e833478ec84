# Source this file: it prepares the PostgreSQL client programs for the database in DATABASE_URL or, without it, for that
# of production on this host, with access to every tenant's rows.
# shellcheck shell=bash

root=$(dirname "${BASH_SOURCE[0]}")/..
if [ -z "${DATABASE_URL:-}" ] && [ ! -f "$root/.env.production" ]; then
    echo "error: DATABASE_URL is not set (sqlite://PATH or postgres://…), and there is no .env.production" >&2
    exit 1
fi

# Row-level security hides all rows unless a tenant is set.
export PGOPTIONS="${PGOPTIONS:-} -c tracker.tenant_id=*"

# Sets `server`, the connection string, and `client`, the prefix of a command with a PostgreSQL client program.
connect_to_server() {
    if [ -n "${DATABASE_URL:-}" ]; then
        client=()
        server=$DATABASE_URL
        # Without the password, which would be visible in the process list.
        if [[ $server =~ ^([a-z]+://[^:/@]*):([^@/]*)@(.*)$ ]]; then
            server=${BASH_REMATCH[1]}@${BASH_REMATCH[3]}
            local encoded=${BASH_REMATCH[2]//\\/\\\\}
            PGPASSWORD=$(printf '%b' "${encoded//%/\\x}")
            export PGPASSWORD
        fi
    else
        # The server is not published: run the programs in its container, where local connections need no password.
        client=(docker compose --env-file "$root/.env.production" --file "$root/docker-compose.prod.yml"
            exec -T -e "PGOPTIONS=$PGOPTIONS" postgres)
        server="host=127.0.0.1 user=tracker dbname=tracker"
    fi
    require_same_version
}

# Programs of another major version write or read settings that the server does not know.
require_same_version() {
    local server_version client_version
    server_version=$("${client[@]}" psql -X --no-align --tuples-only --dbname="$server" --command 'SHOW server_version_num')
    server_version=$((server_version / 10000))
    client_version=$("${client[@]}" pg_dump --version | sed -nE 's/^[^0-9]*([0-9]+).*/\1/p')
    [ "$client_version" = "$server_version" ] || {
        echo "error: pg_dump has version $client_version, the server $server_version: install postgresql-client-$server_version" >&2
        exit 1
    }
}
