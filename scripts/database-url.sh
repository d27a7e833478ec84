# Source this file: it prepares DATABASE_URL for the PostgreSQL client programs, with access to every tenant's rows.
# shellcheck shell=bash

: "${DATABASE_URL:?names the database: sqlite://PATH or postgres://…}"

# Sets `server` to the URL without the password, which would be visible in the process list.
connect_to_server() {
    server=$DATABASE_URL
    if [[ $server =~ ^([a-z]+://[^:/@]*):([^@/]*)@(.*)$ ]]; then
        server=${BASH_REMATCH[1]}@${BASH_REMATCH[3]}
        local encoded=${BASH_REMATCH[2]//\\/\\\\}
        PGPASSWORD=$(printf '%b' "${encoded//%/\\x}")
        export PGPASSWORD
    fi
    # Row-level security hides all rows unless a tenant is set.
    export PGOPTIONS="${PGOPTIONS:-} -c tracker.tenant_id=*"
}
