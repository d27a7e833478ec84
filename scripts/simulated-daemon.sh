# shellcheck shell=bash disable=SC2034 # what it sets is used by the scripts that source it
# To be sourced: a daemon on SQLite that crawls the simulated marketplace, for tests of its API from outside. Sets `tracker`, `folder`,
# which is deleted at the end with all programs that `start` has started, `database` and `daemon`, its address.
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

# The first user, a superadmin.
email=root@example.com
password='correct horse battery staple'

# shellcheck disable=SC2120 # not every test needs settings
# Starts the marketplace and the daemon, with more settings as NAME=VALUE. Cheap password hashes: only answers are tested.
start_daemon() {
    database=sqlite://$folder/tracker.sqlite
    start "$folder/simulate.log" "$tracker" simulate --listen 127.0.0.1:0
    start "$folder/serve.log" env ADMIN_EMAIL="$email" ADMIN_PASSWORD="$password" \
        TRACKER__AUTH__PASSWORD__MEMORY_KIB=64 TRACKER__AUTH__PASSWORD__ITERATIONS=1 "$@" \
        "$tracker" serve --listen 127.0.0.1:0 --base-url "$address" --database-url "$database"
    daemon=$address
}
