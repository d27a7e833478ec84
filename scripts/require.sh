#!/usr/bin/env bash
# Installs what a make target needs and is missing. Usage: scripts/require.sh rust|cc|postgres|rivals|schemathesis …
# A thing that cannot be installed is an error with its remedy, never a skipped step.
set -euo pipefail

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null || { echo "error: $1 is missing, and this is not Debian or Ubuntu: install it by hand" >&2; exit 1; }
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" ||
        { echo "error: 'apt-get install $*' failed; install these packages by hand" >&2; exit 1; }
}

need_cc() {
    command -v cc >/dev/null && command -v c++ >/dev/null || apt_install build-essential
}

need_rust() {
    command -v cargo >/dev/null && return
    [ -x "$HOME/.cargo/bin/cargo" ] && return
    command -v curl >/dev/null || apt_install curl ca-certificates
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal ||
        { echo "error: the Rust toolchain cannot be installed; see https://rustup.rs" >&2; exit 1; }
}

need_postgres() {
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || apt_install postgresql
}

# For scripts/apisix-load.py, which the tests run.
need_yaml() {
    python3 -c 'import yaml' 2>/dev/null || apt_install python3 python3-yaml
    python3 -c 'import yaml' 2>/dev/null ||
        { echo "error: PyYAML is missing for $(command -v python3): 'python3 -m pip install PyYAML'" >&2; exit 1; }
}

# The programs that `make bench` measures us against, in a virtual environment of their own.
need_rivals() {
    local folder=target/bench-rivals
    python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3 python3-venv
    [ -x "$folder/bin/python" ] || python3 -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check -r benches/rivals/requirements.txt ||
        { echo "error: parsel and Scrapy cannot be installed from PyPI" >&2; exit 1; }
}

# Throws requests of every shape at the API, and compares the answers with its document.
need_schemathesis() {
    local folder=target/schemathesis
    python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3 python3-venv
    [ -x "$folder/bin/python" ] || python3 -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check schemathesis==4.32.5 ||
        { echo "error: schemathesis cannot be installed from PyPI" >&2; exit 1; }
}

for thing in "$@"; do
    "need_$thing"
done
