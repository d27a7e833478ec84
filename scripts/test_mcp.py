"""The pinned Python SDK of MCP as a client of two replicas, in each of its modes and with each kind of credential.

`make test-mcp` runs it: `tests/api/mcp/sdk.rs` starts the replicas, and says in the environment where they are. The SDK itself checks
every answer against the output schema of its tool.
"""

import asyncio
import json
import os

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

REPLICAS = json.loads(os.environ["MCP_REPLICAS"])
KEYS = json.loads(os.environ["MCP_KEYS"])
PRODUCT = json.loads(os.environ["MCP_PRODUCT"])
MODES = ["auto", "legacy", "2026-07-28"]

READS = [
    "search_products",
    "get_product",
    "get_price_history",
    "get_insight",
    "compare_products",
    "check_listing",
    "list_alert_events",
    "get_usage",
]
WRITES = ["track_product", "create_alert", "crawl_now", "create_report", "get_advice"]


class Alternating(httpx2.AsyncHTTPTransport):
    """Sends each request to the next replica, and remembers the statuses of the responses."""

    def __init__(self):
        super().__init__()
        self.statuses = []

    async def handle_async_request(self, request):
        replica = httpx2.URL(REPLICAS[len(self.statuses) % len(REPLICAS)])
        request.url = request.url.copy_with(host=replica.host, port=replica.port)
        request.headers["host"] = replica.netloc.decode()
        response = await super().handle_async_request(request)
        self.statuses.append(response.status_code)
        return response


async def with_client(mode, key, talk, alternating=None):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx2.AsyncClient(headers=headers, transport=alternating or Alternating(), timeout=30) as http:
        transport = streamable_http_client(f"{REPLICAS[0]}/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            await talk(client)


async def names(client):
    return [tool.name for tool in (await client.list_tools()).tools]


async def answer(client, tool, arguments):
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, (tool, result.content)
    assert json.loads(result.content[0].text) == result.structured_content, tool
    return result.structured_content


async def refusal(client, tool, arguments):
    result = await client.call_tool(tool, arguments)
    assert result.is_error, (tool, result.structured_content)
    return result.content[0].text


async def read_key(client):
    assert await names(client) == READS
    product = await answer(client, "get_product", {"product_id": PRODUCT["id"]})
    assert product["product"]["asin"] == PRODUCT["asin"], product
    assert (await answer(client, "search_products", {}))["products"], "the product is found"
    history = await answer(client, "get_price_history", {"product_id": PRODUCT["id"], "series": ["price", "sales_rank"]})
    assert history["series"][0]["points"], history
    await answer(client, "list_alert_events", {"since": "2020-01-01T00:00:00Z", "limit": 5})
    await answer(client, "get_usage", {})
    for tool in WRITES:
        assert (await refusal(client, tool, {})).startswith("forbidden: "), tool
    assert "`product_id`" in await refusal(client, "get_product", {"product_id": "x"})
    templates = (await client.list_resource_templates()).resource_templates
    assert [template.name for template in templates] == ["product", "report"]
    await client.read_resource(f"amazon-tracker://products/{PRODUCT['id']}")


async def write_key(client):
    assert await names(client) == READS + WRITES
    tracked = await answer(client, "track_product", {"url": PRODUCT["url"]})
    assert tracked["created"] is False and tracked["product"]["product_id"] == PRODUCT["id"], tracked
    crawled = await answer(client, "crawl_now", {"product_id": PRODUCT["id"]})
    assert crawled["outcome"] == "observed", crawled
    alert = {"product_id": PRODUCT["id"], "kind": "price_drop", "percent": 5}
    assert (await answer(client, "create_alert", alert))["channels"], "the channel that there is"
    report = await answer(client, "create_report", {"product_id": PRODUCT["id"], "period": "last_days", "days": 1})
    assert report["uri"] == f"amazon-tracker://reports/{report['report_id']}", report
    await client.read_resource(report["uri"])
    advice = await answer(client, "get_advice", {"product_id": PRODUCT["id"]})
    assert advice["findings"] and "advice.enabled" in advice["not_asked"], advice


async def other_tenant(client):
    assert await names(client) == READS + WRITES
    for tool in ["get_product", "get_price_history", "crawl_now", "get_advice"]:
        assert (await refusal(client, tool, {"product_id": PRODUCT["id"]})).startswith("not_found: "), tool
    assert (await answer(client, "search_products", {}))["products"] == []


async def unknown_tool(client):
    try:
        await client.call_tool("no_such_tool", {})
    except Exception as error:  # of the protocol: each mode has a class of its own
        assert "no_such_tool" in str(error), error
    else:
        raise AssertionError("an unknown tool was called")


async def without_a_key(mode):
    alternating = Alternating()
    try:
        await with_client(mode, None, names, alternating)
    except Exception:  # whatever the SDK makes of it
        assert set(alternating.statuses) == {401}, alternating.statuses
    else:
        raise AssertionError(f"{mode}: listed without a key")


async def main():
    for mode in MODES:
        await with_client(mode, KEYS["read"], read_key)
        await with_client(mode, KEYS["write"], write_key)
        await with_client(mode, KEYS["other"], other_tenant)
        await with_client(mode, KEYS["read"], unknown_tool)
        await without_a_key(mode)
        print(f"{mode}: read key, write key, other tenant, none")


asyncio.run(main())
