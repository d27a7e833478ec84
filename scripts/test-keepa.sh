#!/usr/bin/env bash
# Test with an unmodified client of Keepa's API: the Python package `keepa` reads a daemon on SQLite, which crawls the
# simulated marketplace, through scripts/keepa-proxy.py. Needs no network.
set -euo pipefail
cd "$(dirname "$0")/.."
python=target/keepa-client/bin/python
source scripts/simulated-daemon.sh
start_daemon
start "$folder/proxy.log" "$python" scripts/keepa-proxy.py --to "$daemon/keepa" --folder "$folder/certificates" \
    --listen 127.0.0.1:0

# The daemon itself is asked directly.
NO_PROXY=127.0.0.1 HTTPS_PROXY=$address REQUESTS_CA_BUNDLE=$folder/certificates/ca.pem \
    "$python" scripts/test_keepa.py "$daemon" "$email" "$password" \
    "$tracker" import keepa --database-url "$database" scripts/test-keepa.json
