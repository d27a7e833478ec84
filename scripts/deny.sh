#!/usr/bin/env bash
# Checks dependencies against deny.toml: licences, sources, bans, and known vulnerabilities if their database at
# github.com can be reached.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo deny check --hide-inclusion-graph licenses bans sources
if cargo deny fetch db 2>/dev/null; then
    cargo deny check --hide-inclusion-graph advisories
else
    echo "not checked: known vulnerabilities, because https://github.com/RustSec/advisory-db cannot be reached" >&2
fi
