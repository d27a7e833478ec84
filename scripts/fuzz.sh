#!/usr/bin/env bash
# Fuzzes targets one after another. Usage: scripts/fuzz.sh SECONDS TARGET…
# An input that panics, takes more than a second or more than 64 MiB stops the run; it is kept in fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
for target in "${@:2}"; do
    case $target in
        page) seeds=tests/extract/pages ;;
        *) seeds=fuzz/seeds/$target ;;
    esac
    mkdir -p "fuzz/corpus/$target"
    # Without a sanitizer, which would need a nightly toolchain: the crate has no unsafe code.
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" "$seeds" -- \
        -max_total_time="$seconds" -timeout=1 -malloc_limit_mb=64 -rss_limit_mb=1024 -max_len=65536
done
