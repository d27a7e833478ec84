"""A story of the API, told by a client that was generated from its OpenAPI document: story.py ADDRESS EMAIL PASSWORD"""

import sys
import time

import amazon_tracker_client as tracker
from amazon_tracker_client.rest import ApiException

address, email, password = sys.argv[1:]

# Products of the simulated marketplace.
OWN, RIVAL = "B000000001", "B000000002"


def client(token=None):
    return tracker.ApiClient(tracker.Configuration(host=address, access_token=token))


def eventually(read, is_so):
    for _ in range(300):
        found = read()
        if is_so(found):
            return found
        time.sleep(0.1)
    sys.exit(f"this never came: {found}")


signed_in = tracker.AuthApi(client()).post_auth_login(tracker.LoginBody(email=email, password=password))
session = client(signed_in.access_token)
created = tracker.AuthApi(session).post_auth_api_keys(
    tracker.AddApiKeyBody(name="story", scopes=["product:read", "product:write", "product:delete", "alert:write", "crawl:create"])
)
key = client(created.key)
products, insight, alerts = tracker.ProductsApi(key), tracker.InsightApi(key), tracker.AlertsApi(key)

added = [
    products.post_products(tracker.AddProductBody(asin=asin, marketplace="com", tags=["story"]), idempotency_key=asin)
    for asin in (OWN, RIVAL)
]
again = products.post_products(tracker.AddProductBody(asin=OWN, marketplace="com", tags=["story"]), idempotency_key=OWN)
assert again.id == added[0].id, "the same key gets the same answer"
own, rival = (
    eventually(lambda: products.get_products_id(product.id), lambda found: found.checked_at is not None)
    for product in added
)
assert own.price.currency == "USD" and own.price.amount_minor > 0, own

page = products.get_products(tag="story", limit="1")
rest = products.get_products(tag="story", limit="1", cursor=page.next_cursor)
assert {page.items[0].id, rest.items[0].id} == {own.id, rival.id} and rest.next_cursor is None

history = tracker.HistoryApi(key).get_products_id_history(own.id, series="price,availability")
assert {series.series for series in history.series} == {"price", "availability"}
told = insight.get_products_id_insight(own.id, days="30")
assert told.price_percentile.value is None and told.price_percentile.missing.code == "too_short", told

competitors = tracker.CompetitorsApi(key)
competitor_set = competitors.post_competitors(tracker.CompetitorSetBody(product_id=own.id, competitor_ids=[rival.id]))
compared = competitors.get_competitors_id_comparison(competitor_set.id)
assert compared.own.product_id == own.id and len(compared.competitors) == 1

when = {"kind": "all", "of": [
    {"kind": "moved", "field": "price", "dir": "down", "by": {"percent": 10}},
    {"kind": "competitor", "set_id": str(competitor_set.id), "event": "undercut"},
]}
rule = alerts.post_alerts(
    tracker.AddAlertBody(product_id=own.id, when=tracker.AlertCondition.from_dict(when), webhook_url="https://example.com/hook")
)
assert rule.when.to_dict()["of"][0]["by"] == {"percent": 10}, rule
preview = alerts.post_alerts_preview(tracker.PreviewAlertBody(product_id=own.id, when=rule.when, days=30))
assert preview.total == 0 and preview.not_in_history == ["competitor"], preview

try:
    products.post_products(tracker.AddProductBody(asin="nonsense"))
    sys.exit("a wrong ASIN was taken")
except ApiException as refused:
    problem = tracker.Problem.from_json(refused.body)
    assert refused.status == 422 and problem.errors[0].var_field == "asin", refused.body
try:
    tracker.TenantsApi(key).get_tenants_me_audit()
    sys.exit("a scope was not asked for")
except ApiException as refused:
    assert refused.status == 403, refused.body

for product in added:
    products.delete_products_id(product.id)
assert products.get_products().items == []
print("python: the story ends well")
