#!/usr/bin/env python3
"""Loads the objects of config/apisix/apisix.yaml through APISIX's Admin API, for the mode with etcd (docs/gateway.md).

Repeated runs are safe: every object is put under its own id. With --prune, objects of the gateway that are not in the
file are deleted. Exits with 1 and names the objects if any was refused. Requires PyYAML.

Environment: APISIX_ADMIN_KEY, and the variables used in the file (JWT_PUBLIC_KEY, ...).
"""

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request

try:
    import yaml
except ImportError:
    sys.exit("error: PyYAML is missing: 'apt-get install python3-yaml', or 'pip install PyYAML'")

# Referenced kinds first; deletion uses the reverse order.
KINDS = ["ssls", "upstreams", "consumers", "routes", "global_rules"]
VARIABLE = re.compile(r"\$\{\{\s*(\w+)(?:\s*:=\s*(.*?))?\s*\}\}")


class Refused(Exception):
    """The Admin API refused a request."""


def objects_of(text):
    """Returns the file's objects by kind, with variables replaced, because APISIX does not replace them in etcd."""
    missing = sorted({found[1] for found in VARIABLE.finditer(text) if found[2] is None and found[1] not in os.environ})
    if missing:
        sys.exit(f"error: not in the environment: {', '.join(missing)}")
    document = yaml.safe_load(VARIABLE.sub(lambda match: os.environ.get(match[1], match[2]), text))
    if unknown := sorted(set(document) - set(KINDS)):
        sys.exit(f"error: unknown kind of object: {', '.join(unknown)}")
    if wrong := [kind for kind, objects in document.items() if not isinstance(objects, list)]:
        sys.exit(f"error: not a list: {', '.join(wrong)}")
    return document


def id_of(kind, item):
    return str(item["username" if kind == "consumers" else "id"])


class AdminApi:
    def __init__(self, url, key):
        self.url, self.key = f"{url.rstrip('/')}/apisix/admin", key

    def ask(self, method, path, item=None):
        body = None if item is None else json.dumps(item).encode()
        headers = {"X-API-KEY": self.key, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return json.load(response)
        except urllib.error.HTTPError as error:
            raise Refused(f"{error.code} {error.read().decode(errors='replace').strip()}") from error

    def wait(self, secs):
        """Waits for the Admin API, which is not available immediately after the start of the gateway."""
        until = time.monotonic() + secs
        while True:
            try:
                return self.ask("GET", "routes")
            except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
                if time.monotonic() > until:
                    sys.exit(f"error: {self.url} does not answer: {error}")
                time.sleep(0.5)

    def put(self, kind, item):
        # The name of a consumer is in the body, not in the path.
        self.ask("PUT", kind if kind == "consumers" else f"{kind}/{id_of(kind, item)}", item)

    def ids(self, kind):
        return [id_of(kind, entry["value"]) for entry in self.ask("GET", kind).get("list") or []]


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--file", default="config/apisix/apisix.yaml")
    options.add_argument("--url", default="http://127.0.0.1:9180", help="URL of the Admin API")
    options.add_argument("--prune", action="store_true", help="delete objects that are not in the file")
    options.add_argument("--wait", type=float, default=30, metavar="SECS", help="how long to wait for the Admin API")
    chosen = options.parse_args()
    key = os.environ.get("APISIX_ADMIN_KEY") or sys.exit("error: not in the environment: APISIX_ADMIN_KEY")
    try:
        with open(chosen.file, encoding="utf-8") as file:
            objects = objects_of(file.read())
    except OSError as error:
        sys.exit(f"error: cannot read {chosen.file}: {error.strerror}; name the file with --file")
    api, refused = AdminApi(chosen.url, key), []

    def attempt(what, work, *arguments):
        try:
            work(*arguments)
            print(what)
        except Refused as error:
            refused.append(f"refused: {what}: {error}")

    try:
        api.wait(chosen.wait)
        for kind in KINDS:
            for item in objects.get(kind, []):
                attempt(f"put {kind}/{id_of(kind, item)}", api.put, kind, item)
        # Delete nothing if any object was refused.
        for kind in reversed(KINDS) if chosen.prune and not refused else []:
            kept = {id_of(kind, item) for item in objects.get(kind, [])}
            for gone in sorted(set(api.ids(kind)) - kept):
                attempt(f"delete {kind}/{gone}", api.ask, "DELETE", f"{kind}/{gone}")
    except Refused as error:
        refused.append(f"refused: {error}")
    except OSError as error:
        sys.exit(f"error: {api.url}: {error}")
    if refused:
        sys.exit("\n".join(refused))


if __name__ == "__main__":
    main()
