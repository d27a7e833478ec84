#!/usr/bin/env bash
# Test with an unmodified client of Keepa's API: the Python package `keepa` reads a daemon on SQLite, which crawls the
# simulated marketplace, through scripts/keepa-proxy.py. Needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
python=target/keepa-client/bin/python
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

database=sqlite://$folder/tracker.sqlite
start "$folder/simulate.log" "$tracker" simulate --listen 127.0.0.1:0
start "$folder/serve.log" env ADMIN_EMAIL=root@example.com ADMIN_PASSWORD='correct horse battery staple' \
    TRACKER__AUTH__PASSWORD__MEMORY_KIB=64 TRACKER__AUTH__PASSWORD__ITERATIONS=1 \
    "$tracker" serve --listen 127.0.0.1:0 --base-url "$address" --database-url "$database"
daemon=$address
start "$folder/proxy.log" "$python" scripts/keepa-proxy.py --to "$daemon/keepa" --folder "$folder/certificates" \
    --listen 127.0.0.1:0

# The daemon itself is asked directly.
NO_PROXY=127.0.0.1 HTTPS_PROXY=$address REQUESTS_CA_BUNDLE=$folder/certificates/ca.pem \
    "$python" scripts/test_keepa.py "$daemon" root@example.com 'correct horse battery staple' \
    "$tracker" import keepa --database-url "$database" scripts/test-keepa.json
