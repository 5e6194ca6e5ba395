"""Where answers are: paths of old, a prefix to all, scripts of other origins (spec 1.1, 1.8)."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.mgmt_ui.conftest import Ask
from tests.unit.mgmt_ui.fakes import FakeServer

SHOP = "https://shop.example"
ORIGIN = "access-control-allow-origin"


def configure(server: FakeServer, **options: Any) -> None:
    server.options = replace(server.options, **options)


# -- paths of old ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/api", "/api/index.html"),
        ("/api/", "/api/index.html"),
        ("/cli", "/cli/index.html"),
        ("/cli/", "/cli/index.html"),
        ("/mgmt", "/"),
        ("/mgmt/", "/"),
        ("/stats", "/api/index.html"),
        ("/stats/", "/api/index.html"),
        ("/doc/stats.html", "/api/index.html"),
    ],
)
async def test_what_has_moved(ask: Ask, path: str, to: str):
    response = await ask(path, user=None, allow_redirects=False)
    assert (response.status, response.headers["location"]) == (301, to)


@pytest.mark.parametrize("path", ["/cli/index.html", "/cli/rabbitmqadmin"])
async def test_the_page_of_the_command_line(ask: Ask, path: str):
    response = await ask(path, user=None)
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"].startswith("default-src 'self'")
    assert "brokerctl" in await response.text()
    assert (await ask(path, user=None, method="DELETE")).status == 404


@pytest.mark.parametrize("method", ["PUT", "POST"])
async def test_nothing_to_write_to_says_what_can_be_done(ask: Ask, method: str):
    response = await ask("/api/nosuch", method=method, json={})
    assert (response.status, response.headers["allow"]) == (405, "HEAD, GET, OPTIONS")


# -- a prefix ----------------------------------------------------------------------------------


async def test_a_prefix_to_all_paths(ask: Ask, server: FakeServer):
    configure(server, http_path_prefix="/mq/one")
    assert (await (await ask("/mq/one/api/whoami")).json())["name"] == "guest"
    assert (await ask("/mq/one/cli/index.html")).status == 200
    for path in ("/mq/one", "/mq/one/mgmt"):
        moved = await ask(path, allow_redirects=False)
        assert (moved.status, moved.headers["location"]) == (301, "/mq/one/")
    for path in ("/api/whoami", "/mq/api/whoami", "/mq/onex/api/whoami", "/"):
        assert (await ask(path)).status == 404
    document = await (await ask("/mq/one/api/openapi.json", user=None)).json()
    assert document["servers"] == [{"url": "/mq/one"}]


async def test_the_console_under_a_prefix_asks_nothing_of_others(ask: Ask, server: FakeServer):
    configure(server, http_path_prefix="/mq")
    response = await ask("/mq/", user=None)
    assert response.status in (200, 503)  # 503 where it is not built
    assert 'src="/' not in await response.text()


# -- other origins -----------------------------------------------------------------------------


async def test_other_origins_are_told_nothing(ask: Ask):
    for method in ("GET", "OPTIONS"):
        response = await ask("/api/whoami", method=method, headers={"origin": SHOP})
        assert response.status == 200
        assert not [name for name in response.headers if name.lower().startswith("access-control")]
        assert "origin" in response.headers["vary"]


async def test_an_origin_that_is_named(ask: Ask, server: FakeServer):
    configure(server, cors_origins=("https://other.example", SHOP))
    response = await ask("/api/whoami", headers={"origin": SHOP})
    assert response.headers[ORIGIN] == SHOP
    assert response.headers["access-control-allow-credentials"] == "true"
    # Also of what is refused, so that the script can read why.
    refused = await ask("/api/whoami", user=None, headers={"origin": SHOP})
    assert (refused.status, refused.headers[ORIGIN]) == (401, SHOP)
    for stranger in ("https://shop.example.evil", "http://shop.example", "null"):
        response = await ask("/api/whoami", headers={"origin": stranger})
        assert ORIGIN not in response.headers
    assert ORIGIN not in (await ask("/api/whoami")).headers


async def test_any_origin_but_without_its_credentials(ask: Ask, server: FakeServer):
    configure(server, cors_origins=("*",))
    response = await ask("/api/whoami", headers={"origin": SHOP})
    assert response.headers[ORIGIN] == "*"
    assert "access-control-allow-credentials" not in response.headers


async def test_before_a_request_is_sent(ask: Ask, server: FakeServer):
    configure(server, cors_origins=(SHOP,))
    wanted = {"origin": SHOP, "access-control-request-headers": "authorization, x-reason"}
    response = await ask("/api/queues/%2F/q", None, "OPTIONS", headers=wanted)
    assert response.status == 200
    said = {name.lower(): value for name, value in response.headers.items()}
    assert (
        said["access-control-allow-methods"] == said["allow"] == "HEAD, GET, PUT, DELETE, OPTIONS"
    )
    assert said["access-control-allow-headers"] == "authorization, x-reason"
    assert said["access-control-max-age"] == "1800"
    plain = await ask("/api/queues/%2F/q", None, "OPTIONS", headers={"origin": SHOP})
    assert "access-control-allow-headers" not in plain.headers
