#!/usr/bin/env bash
# Test of the OpenAPI document: clients in Python and TypeScript, generated from it, each tell one story to a daemon.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/simulated-daemon.sh
tools=$PWD/target/client-generators
start_daemon

document=$folder/openapi.json
curl -sf "$daemon/api/v1/openapi.json" -o "$document"
generate() {
    "$tools/bin/openapi-generator-cli" generate -i "$document" "$@" >"$folder/generate.log" 2>&1 ||
        { echo "error: no client can be generated:" >&2; tail -40 "$folder/generate.log" >&2; exit 1; }
}

generate -g python -o "$folder/python" --package-name amazon_tracker_client
PYTHONPATH=$folder/python "$tools/bin/python" scripts/clients/story.py "$daemon" "$email" "$password"

generate -g typescript-fetch -o "$folder/typescript/client"
cp scripts/clients/story.ts "$folder/typescript/"
ln -s "$tools/node_modules" "$folder/typescript/node_modules"
(
    cd "$folder/typescript"
    node_modules/.bin/tsc --strict --skipLibCheck --target es2022 --module commonjs --moduleResolution node \
        --lib es2022,dom --types node --outDir built story.ts
    node built/story.js "$daemon" "$email" "$password"
)
