"""What the Python package `keepa` reads from a daemon, held against the daemon's own API. See scripts/test-keepa.sh.

Usage: test_keepa.py DAEMON EMAIL PASSWORD COMMAND…, which imports the past of the products, with HTTPS_PROXY and REQUESTS_CA_BUNDLE of scripts/keepa-proxy.py.
"""

import datetime
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import keepa
import requests

ASIN, YEN_ASIN, STRANGER = "B08PZHYWJS", "B000000001", "B000000009"
# As the package parses them: places of `csv`, names of its frames, and our series.
SERIES = {
    "LISTPRICE": ("list_price", 100),
    "NEW": ("lowest_new_price", 100),
    "COUNT_NEW": ("offer_count", 1),
    "COUNT_USED": ("used_offer_count", 1),
    "COUNT_REVIEWS": ("review_count", 1),
}


class Daemon:
    """The daemon's own API."""

    def __init__(self, url, email, password):
        self.url = f"{url}/api/v1"
        body = {"email": email, "password": password}
        self.headers = {"Authorization": f"Bearer {self.post('/auth/login', body, {})['access_token']}"}

    def post(self, path, body, headers=None):
        answer = requests.post(self.url + path, json=body, headers=self.headers if headers is None else headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def get(self, path, **parameters):
        answer = requests.get(self.url + path, params=parameters, headers=self.headers, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def key(self, **settings):
        body = {"name": "keepa", "scopes": ["product:read", "crawl:create"], **settings}
        return self.post("/auth/api-keys", body)["key"]

    def product(self, asin):
        """The product, once it has been crawled."""
        for _ in range(300):
            product = next(item for item in self.get("/products")["items"] if item["asin"] == asin)
            if product["checked_at"]:
                return product
            time.sleep(0.1)
        raise AssertionError(f"{asin} was never crawled")

    def points(self, product, series):
        """The changes of a series by the minute, of several in a minute the last one; None: known to be absent."""
        history = self.get(f"/products/{product['id']}/history", series=series)
        points = {}
        for point in (point for line in history["series"] for point in line["points"]):
            at = datetime.datetime.fromisoformat(point["at"]).replace(tzinfo=None, second=0, microsecond=0)
            value = point["value"]
            points[at] = value["amount_minor"] if isinstance(value, dict) else value
        return points, history["gaps"]


def known(frame):
    """The values of a frame by their times, without markers of absence and what repeats them."""
    return {at.to_pydatetime(): value for at, value in frame["value"].items() if not math.isnan(value) and value >= 0}


def expected(points, scale):
    return {at: value / scale for at, value in points.items() if value is not None}


def same(name, told, ours):
    # A value is told again where a gap ends: it is no other value than before.
    for at, value in ours.items():
        assert math.isclose(told[at], value), f"{name} at {at}: {told.get(at)} instead of {value}"
    for at, value in told.items():
        before = [ours[other] for other in ours if other <= at]
        assert before and math.isclose(before[-1], value), f"{name} at {at}: {value}"


def frames_are_those_of_the_api(daemon, api):
    product = daemon.product(ASIN)
    told = api.query(
        [ASIN, STRANGER], domain="US", stats=90, rating=True, buybox=True, progress_bar=False,
        extra_params={"unstated-shipping": 0},
    )
    by_asin = {it["asin"]: it for it in told}
    assert by_asin[STRANGER]["productType"] == 4 and by_asin[STRANGER]["csv"] is None
    found = by_asin[ASIN]
    assert found["title"] == product["title"] and found["productType"] == 0
    data = found["data"]
    for name, (series, scale) in SERIES.items():
        points, _ = daemon.points(product, series)
        assert points, series
        same(name, known(data[f"df_{name}"]), expected(points, scale))
    prices, gaps = daemon.points(product, "price")
    shipping, _ = daemon.points(product, "shipping")
    landed, last = {}, 0
    for at in sorted({**prices, **shipping}):
        last = shipping.get(at) or (last if at not in shipping else 0)
        price = next(prices[other] for other in sorted(prices, reverse=True) if other <= at)
        landed[at] = None if price is None else price + last
    same("BUY_BOX_SHIPPING", known(data["df_BUY_BOX_SHIPPING"]), expected(landed, 100))
    frame = data["df_BUY_BOX_SHIPPING"]["value"]
    sold_out = next(at for at in sorted(prices) if prices[at] is None)
    assert math.isnan(frame[sold_out]), "no offer is no price"
    assert gaps, "the past ends before the first crawl"
    begin = datetime.datetime.fromisoformat(gaps[-1]["from"]).replace(tzinfo=None)
    assert math.isnan(frame[frame.index > begin].iloc[0]), "nothing is told of a gap"
    assert math.isclose(frame.iloc[-1] * 100, product["price"]["amount_minor"])
    ranks, _ = daemon.points(product, "sales_rank")
    assert ranks and data["df_SALES"]["value"].iloc[-1] > 0
    assert data["df_RATING"]["value"].iloc[0] == 4.5
    stats = found["stats_parsed"]
    assert math.isclose(stats["current"]["BUY_BOX_SHIPPING"] * 100, product["price"]["amount_minor"])
    assert stats["min"]["BUY_BOX_SHIPPING"][1] <= stats["max"]["BUY_BOX_SHIPPING"][1]
    [typed] = api.query(ASIN, typed=True, progress_bar=False)
    assert typed.asin == ASIN and len(typed.csv) == 36


def shipping_that_is_not_stated_is_marked(daemon, api):
    # The package adds -1 to the price; that is why `unstated-shipping` exists.
    crawled = "B07XJ8C8F5"
    daemon.post("/products", {"asin": crawled, "marketplace": "com"})
    price = daemon.product(crawled)["price"]["amount_minor"]
    last = [
        api.query(crawled, progress_bar=False, extra_params=extra)[0]["data"]["BUY_BOX_SHIPPING"][-1]
        for extra in ({}, {"unstated-shipping": 0})
    ]
    assert [round(value * 100) for value in last] == [price - 1, price], last


def yen_are_yen(api):
    [yen] = api.query(YEN_ASIN, domain="JP", progress_bar=False)
    # The package divides every price by a hundred.
    assert yen["data"]["BUY_BOX_SHIPPING"][0] == 19.80


def other_endpoints(api):
    assert api.status.refillRate >= 1 and api.tokens_left >= 0
    found = api.product_finder({"current_BUY_BOX_SHIPPING_lte": 100_000_00, "title": "e"}, domain="US")
    assert ASIN in found, found
    with tempfile.TemporaryDirectory() as folder:
        api.download_graph_image(ASIN, Path(folder) / "graph.png", amazon=1, range=365, width=800, height=400)
    live = api.query(ASIN, update=0, history=False, progress_bar=False)[0]
    age = time.time() / 60 - (live["lastUpdate"] + 21_564_000)
    assert age < 2, "it was crawled for the answer"


def errors_have_the_names_of_the_package(api):
    for name, ask in [
        ("REQUEST_REJECTED", lambda: keepa.Keepa("at_wrong", check_key=True)),
        ("REQUEST_REJECTED", lambda: api.product_finder({"monthlySold_gte": 5})),
        ("NOT_FOUND", lambda: api.best_sellers_query("402333011")),
        ("NOT_FOUND", lambda: api.seller_query("A2L77EE7U53NWQ")),
    ]:
        try:
            ask()
        except RuntimeError as error:
            assert str(error) == name, error
        else:
            raise AssertionError(f"{name} was expected")


def a_spent_rate_limit_is_waited_for(daemon):
    api = keepa.Keepa(daemon.key(requests_per_minute=20), check_key=True)
    began_at = time.monotonic()
    for _ in range(21):
        api.query(ASIN, history=False, progress_bar=False)
    assert time.monotonic() - began_at > 2, "it never waited"


def main():
    daemon, imports = Daemon(*sys.argv[1:4]), sys.argv[4:]
    for asin, marketplace in [(ASIN, "com"), (YEN_ASIN, "co.jp")]:
        daemon.post("/products", {"asin": asin, "marketplace": marketplace})
        daemon.product(asin)
    subprocess.run(imports, check=True)
    api = keepa.Keepa(daemon.key(), check_key=True)
    frames_are_those_of_the_api(daemon, api)
    shipping_that_is_not_stated_is_marked(daemon, api)
    yen_are_yen(api)
    other_endpoints(api)
    errors_have_the_names_of_the_package(api)
    a_spent_rate_limit_is_waited_for(daemon)
    print(f"keepa {keepa.__version__} reads what the API says")


if __name__ == "__main__":
    main()
