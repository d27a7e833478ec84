"""Reads pages with parsel, eight selectors each. Prints the duration of each round in seconds as a JSON list."""

import json
import pathlib
import sys
import time

import parsel

here = pathlib.Path(__file__).parent
selectors = [f"{css}" for css in json.loads((here / "selectors.json").read_text())]
rounds, files = int(sys.argv[1]), sys.argv[2:]
pages = [pathlib.Path(file).read_bytes() for file in files]


def read(page):
    selector = parsel.Selector(body=page, encoding="utf-8")
    return [" ".join(selector.css(css).xpath(".//text()").getall()) for css in selectors]


seconds = []
for _ in range(rounds):
    started = time.perf_counter()
    found = sum(1 for page in pages for value in read(page) if value)
    seconds.append(time.perf_counter() - started)
assert found > 0, "the selectors must find values"
print(json.dumps(seconds))
