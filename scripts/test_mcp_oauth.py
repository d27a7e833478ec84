"""The OAuth client of the pinned Python SDK of MCP gets a user's consent, and calls a tool.

`make test-mcp` runs it: `tests/api/mcp/sdk.rs` starts the daemon and the host of the client's document. The SDK finds its way by the
metadata, checks `state` and `iss`, and refreshes the token by itself. The browser of the user is a few requests.
"""

import asyncio
import json
import os
import re
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata

SERVER = os.environ["MCP_SERVER"]
CLIENT_ID = os.environ["MCP_CLIENT_ID"]
EMAIL = os.environ["MCP_EMAIL"]
PASSWORD = os.environ["MCP_PASSWORD"]
REDIRECT_URI = "http://127.0.0.1:7777/callback"
MODES = ["auto", "legacy", "2026-07-28"]


class Storage:
    """Keeps tokens in memory. The client is known: the SDK takes no document from a host without TLS."""

    def __init__(self):
        self.tokens = None
        self.saved = 0

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens
        self.saved += 1

    async def get_client_info(self):
        return OAuthClientInformationFull(
            client_id=CLIENT_ID, redirect_uris=[REDIRECT_URI], token_endpoint_auth_method="none"
        )

    async def set_client_info(self, info):
        raise AssertionError("a client that is known was registered")


class Browser:
    """A user who signs in and allows everything."""

    def __init__(self):
        self.target = None

    async def open(self, url):
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        headers = {"origin": origin}
        async with httpx2.AsyncClient(headers=headers) as http:
            page = await http.get(url)
            assert page.status_code == 200, page.text
            question = await http.post(url, data={"email": EMAIL, "password": PASSWORD, "decision": "continue"})
            assert question.status_code == 200, question.text
            ticket = re.search(r'name="ticket" value="([^"]+)"', question.text)[1]
            scopes = re.findall(r'name="scope" value="([^"]+)"', question.text)
            answer = {"ticket": ticket, "decision": "allow", "scope": scopes}
            answered = await http.post(f"{origin}/oauth/consent", data=answer)
            assert answered.status_code == 303, answered.text
            self.target = answered.headers["location"]

    async def returned(self):
        given = {name: values[0] for name, values in parse_qs(urlsplit(self.target).query).items()}
        return AuthorizationCodeResult(code=given["code"], state=given["state"], iss=given["iss"])


async def call(storage, mode):
    browser = Browser()
    metadata = OAuthClientMetadata(client_name="SDK", redirect_uris=[REDIRECT_URI], token_endpoint_auth_method="none")
    provider = OAuthClientProvider(SERVER, metadata, storage, browser.open, browser.returned)
    async with httpx2.AsyncClient(auth=provider, timeout=30) as http:
        async with Client(streamable_http_client(SERVER, http_client=http), mode=mode) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            assert "track_product" in tools, tools
            usage = await client.call_tool("get_usage", {})
            assert not usage.is_error, usage.content
    return browser.target is not None


async def main():
    for mode in MODES:
        storage = Storage()
        assert await call(storage, mode), "the user was asked"
        assert not await call(storage, mode), "the user was asked again"
        # An access token that is refused: the SDK begins anew, by its refresh token or by the user.
        storage.tokens = storage.tokens.model_copy(update={"access_token": "a.b.c"})
        before = storage.saved
        await call(storage, mode)
        assert storage.saved > before, "no new token"
        print(f"{mode}: consent, call, call again, new token")
    print(json.dumps(sorted(storage.tokens.scope.split())))


asyncio.run(main())
