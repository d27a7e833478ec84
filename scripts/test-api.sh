#!/usr/bin/env bash
# Property-based test of the API: a daemon on SQLite with the simulated marketplace, and schemathesis, which generates
# requests from the OpenAPI document. Every response must conform to the document, and none may be a 5xx.
set -euo pipefail
cd "$(dirname "$0")/.."
schemathesis=target/schemathesis/bin/schemathesis
source scripts/simulated-daemon.sh
# No rate limits: only responses are tested.
start_daemon TRACKER__AUTH__ATTEMPTS_PER_MINUTE=1000000 TRACKER__PLANS__ENTERPRISE__REQUESTS_PER_MINUTE=1000000
api=$daemon/api/v1

post() {
    curl -sf "$api$1" -H 'content-type: application/json' -H "authorization: Bearer ${2:-none}" -d "$3"
}
field() {
    sed "s/.*\"$1\":\"\([^\"]*\).*/\1/"
}
token=$(post /auth/login '' "{\"email\":\"$email\",\"password\":\"$password\"}" | field access_token)
scopes='"product:read","product:write","product:delete","crawl:create","alert:write","report:create","admin:users","admin:tenant"'
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
