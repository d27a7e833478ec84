#!/usr/bin/env bash
# Property-based test of the API: a daemon on SQLite with the simulated marketplace, and schemathesis, which generates
# requests from the OpenAPI document. Every response must conform to the document, and none may be a 5xx.
set -euo pipefail
cd "$(dirname "$0")/.."
schemathesis=target/schemathesis/bin/schemathesis
tracker=${CARGO_TARGET_DIR:-target}/debug/amazon-tracker
folder=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$folder"' EXIT

# Starts a program, and sets `address` to the listen address in its output.
start() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 &
    for _ in $(seq 100); do
        address=$(grep -om1 'http://127[0-9.:]*' "$log" || true)
        [ -z "$address" ] || return 0
        sleep 0.1
    done
    echo "error: $1 $2 did not print its listen address:" >&2
    cat "$log" >&2
    exit 1
}

start "$folder/simulate.log" "$tracker" simulate --listen 127.0.0.1:0
# Cheap password hashes and no rate limits: only responses are tested.
start "$folder/serve.log" env ADMIN_EMAIL=root@example.com ADMIN_PASSWORD='correct horse battery staple' \
    TRACKER__AUTH__PASSWORD__MEMORY_KIB=64 TRACKER__AUTH__PASSWORD__ITERATIONS=1 \
    TRACKER__AUTH__ATTEMPTS_PER_MINUTE=1000000 TRACKER__PLANS__ENTERPRISE__REQUESTS_PER_MINUTE=1000000 \
    "$tracker" serve --listen 127.0.0.1:0 --base-url "$address" --database-url "sqlite://$folder/tracker.sqlite"
api=$address/api/v1

post() {
    curl -sf "$api$1" -H 'content-type: application/json' -H "authorization: Bearer ${2:-none}" -d "$3"
}
field() {
    sed "s/.*\"$1\":\"\([^\"]*\).*/\1/"
}
token=$(post /auth/login '' '{"email":"root@example.com","password":"correct horse battery staple"}' | field access_token)
scopes='"product:read","product:write","product:delete","crawl:create","alert:write","admin:users","admin:tenant"'
key=$(post /auth/api-keys "$token" "{\"name\":\"test-api\",\"scopes\":[$scopes]}" | field key)

# First as a user, except for operations that end the session; then everything with an API key.
export SCHEMATHESIS_HOOKS=scripts/test_api_hooks.py
checks=not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance
run() {
    "$schemathesis" run "$api/openapi.json" -H "Authorization: Bearer $1" "${@:2}" --checks "$checks" \
        --phases examples,coverage,fuzzing --max-examples "${EXAMPLES:-50}" --seed "${SEED:-1}" --workers 2 \
        --generation-with-security-parameters false --continue-on-failure --warnings off --no-color
}
# The event stream never ends. Keepa's paths have their key in the query: scripts/test-keepa.sh.
run "$token" --exclude-path-regex '/auth/logout|^/api/v1/events$|^/keepa/'
run "$key" --exclude-path-regex '^/api/v1/events$|^/keepa/'
