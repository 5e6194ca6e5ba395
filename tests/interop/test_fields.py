"""Every GET of the HTTP API after the same traffic on RabbitMQ and Leveret, field by field."""

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from mgmt_ui.routes import ROUTES, Router
from tests.interop.paths import BEYOND, DELIBERATE, PATHS, SAME
from tests.interop.shapes import differences
from tests.interop.traffic import SHOP, traffic
from tests.support.broker import Broker
from tests.support.debian import or_skip
from tests.support.rabbitmq import RabbitMQ, install
from tests.support.target import Target

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CONNECTION = re.compile(r"127\.0\.0\.1:\d+ -> 127\.0\.0\.1:\d+")


def addressed(target: Target) -> dict[str, str]:
    """The paths with the names that this broker has made up filled in."""
    channels = target.api("GET", f"vhosts/{SHOP}/channels")[1]
    (consumer,) = [row for row in channels if row["consumer_count"]]
    (publisher,) = [row for row in channels if row["confirm"]]
    names = {
        "node": target.api("GET", "overview")[1]["node"],
        "connection": consumer["connection_details"]["name"],
        "channel": consumer["name"],
        "publisher": publisher["name"],
        "port": str(target.amqp.port),
    }
    quoted = {name: quote(value, safe="") for name, value in names.items()}
    return {path: path.format_map(quoted) for path in PATHS}


def answers(target: Target) -> dict[str, Any]:
    """What is said on every path, with the names made up by the broker as placeholders."""
    node = target.api("GET", "overview")[1]["node"]
    found = {}
    for path, address in addressed(target).items():
        text = json.dumps(target.api("GET", address)).replace(node, "{node}")
        text = CONNECTION.sub("{connection}", text)
        found[path] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def recorded() -> Iterator[dict[str, Any]]:
    """What RabbitMQ says on all paths while the traffic stands still."""
    or_skip(install)
    server = RabbitMQ()
    try:
        server.start()
        target = Target(server.amqp, server.http, "rabbitmq")
        with traffic(target):
            yield answers(target)
    finally:
        server.close()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The same of Leveret."""
    with Broker(tmp_path_factory.mktemp("fields")) as broker:
        target = Target(broker.amqp, broker.http, "leveret")
        with traffic(target):
            yield answers(target)


def test_every_path_is_compared():
    """Each GET route has a path above, unless RabbitMQ 3.10 does not have it."""
    router = Router()
    compared = set()
    for path in PATHS:
        match = router.match("/api/" + path.partition("?")[0].replace("{", "").replace("}", ""))
        assert match is not None, path
        compared.add(match.by_method["GET"].path)
    routes = {
        route.path for route in ROUTES if route.method == "GET" and route.path.startswith("/api/")
    }
    beyond = tuple(f"/api/{each}" for each in BEYOND)
    assert sorted(path for path in routes - compared if not path.startswith(beyond)) == []


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("queues/shop/orders", ("incoming", "deliveries")),
        ("exchanges/shop/amq.default", ("incoming", "outgoing")),
        ("channels/{channel}", ("deliveries",)),
        ("channels/{publisher}", ("publishes",)),
    ],
)
def test_there_are_breakdowns_to_compare(
    recorded: dict[str, Any], path: str, names: tuple[str, ...]
):
    assert all(recorded[path][1][name] for name in names)


@pytest.mark.parametrize("path", PATHS)
def test_fields(recorded: dict[str, Any], found: dict[str, Any], path: str):
    status, expected = recorded[path]
    assert found[path][0] == status, found[path][1]
    lines = [
        line for line in differences(expected, found[path][1], SAME) if not DELIBERATE.search(line)
    ]
    assert lines == []
