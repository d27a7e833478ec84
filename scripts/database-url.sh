# To be sourced: reads DATABASE_URL for the programs of PostgreSQL, which then see every tenant's rows.
# shellcheck shell=bash

: "${DATABASE_URL:?names the database: sqlite://PATH or postgres://…}"

# Sets `server` to the URL without its password, which would stand in the list of processes.
connect_to_server() {
    server=$DATABASE_URL
    if [[ $server =~ ^([a-z]+://[^:/@]*):([^@/]*)@(.*)$ ]]; then
        server=${BASH_REMATCH[1]}@${BASH_REMATCH[3]}
        local encoded=${BASH_REMATCH[2]//\\/\\\\}
        PGPASSWORD=$(printf '%b' "${encoded//%/\\x}")
        export PGPASSWORD
    fi
    # Row-level security would hide every row from whoever does not say whose rows they are for.
    export PGOPTIONS="${PGOPTIONS:-} -c tracker.tenant_id=*"
}
