"""`rabbitmqadmin`, as Debian's rabbitmq-server ships it, in every one of its subcommands.

It is run from where the package has put it, without a change.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.exceptions import ConnectionClosedByBroker

from tests.support.broker import Broker
from tests.support.debian import or_skip
from tests.support.eventually import eventually
from tests.support.rabbitmq import SERVER, install

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SCRIPT = "plugins/rabbitmq_management-*/priv/www/cli/rabbitmqadmin"
LISTS = (
    *("connections", "channels", "consumers", "exchanges", "queues", "bindings", "users"),
    *("vhosts", "permissions", "nodes", "parameters", "policies", "operator_policies"),
    "vhost_limits",
)
Admin = Callable[..., str]
# What the tests here have run, as (verb, object): the last one compares it with the tool's help.
RAN: set[tuple[str, str]] = set()
ALONE = ("export", "import", "publish", "get")


@pytest.fixture(scope="module")
def script() -> Path:
    """Where the package has put it."""
    or_skip(install)
    (found,) = SERVER.parents[1].glob(f"lib/*/{SCRIPT}")
    return found


@pytest.fixture
def admin(script: Path, broker: Broker, tmp_path: Path) -> Admin:
    """Runs a subcommand and returns its output; one that fails fails the test."""

    def run(*words: str, stdin: str = "") -> str:
        server = ["-H", broker.http.host, "-P", str(broker.http.port)]
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(script), *server, *words],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=30,
            cwd=tmp_path,
            env=os.environ | {"HOME": str(tmp_path)},
            check=False,
        )
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        RAN.update(_subcommands(words))
        return done.stdout

    return run


def _subcommands(words: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    # Options come before the verb, and none has a value that is a verb.
    for at, word in enumerate(words):
        if word in ALONE:
            yield word, ""
        elif word in ("list", "show", "declare", "delete", "close", "purge"):
            yield word, words[at + 1]
            return


@pytest.fixture
def rows(admin: Admin) -> Callable[..., list[dict[str, Any]]]:
    """What `list` shows of something."""

    def read(what: str, *options: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(admin("-f", "raw_json", *options, "list", what))
        return found

    return read


@pytest.fixture
def client(broker: Broker) -> Iterator[pika.BlockingConnection]:
    """A connection with a channel and a consumer, so that there is something to list."""
    with pika.BlockingConnection(pika.URLParameters(broker.url)) as connection:
        channel = connection.channel()
        channel.queue_declare("taken")
        channel.basic_consume("taken", lambda *_: None)
        yield connection


def names(found: list[dict[str, Any]]) -> set[str]:
    return {row["name"] for row in found}


def test_lists(admin: Admin, client: pika.BlockingConnection):
    admin("declare", "policy", "name=p", "pattern=^a", 'definition={"max-length":3}')
    admin("declare", "operator_policy", "name=o", "pattern=^a", 'definition={"max-length":3}')
    admin("declare", "vhost_limit", "vhost=/", "name=max-queues", "value=7")
    for what in LISTS:
        assert "No items" not in admin("list", what), what


def test_forms(admin: Admin, client: pika.BlockingConnection):
    for form in ("long", "kvp", "tsv", "bash", "raw_json", "pretty_json"):
        assert "taken" in admin("-f", form, "list", "queues"), form


def test_lists_in_order(admin: Admin):
    for name in ("b", "c", "a"):
        admin("declare", "queue", f"name={name}")
    shown = admin("-f", "tsv", "-S", "name", "-R", "list", "queues", "name", "durable")
    assert shown.splitlines() == ["name\tdurable", "c\tTrue", "b\tTrue", "a\tTrue"]


def test_overview(admin: Admin):
    assert "rabbitmq_version" in admin("show", "overview")
    assert "erlang_version" in admin("show", "overview", "erlang_version")


def test_queues_exchanges_and_bindings(admin: Admin, rows):
    admin("declare", "queue", "name=orders", "queue_type=quorum")
    admin("declare", "queue", "name=brief", "durable=false", 'arguments={"x-message-ttl":5000}')
    admin("declare", "exchange", "name=events", "type=topic", "auto_delete=false")
    admin("declare", "binding", "source=events", "destination=orders", "routing_key=a.#")
    admin(
        *("declare", "binding", "source=amq.headers", "destination=events"),
        *("destination_type=exchange", 'arguments={"x-match":"any","n":1}'),
    )
    queues = {row["name"]: row for row in rows("queues")}
    assert queues["orders"]["type"] == "quorum"
    assert queues["orders"]["durable"] is True
    assert queues["brief"]["durable"] is False
    assert queues["brief"]["arguments"]["x-message-ttl"] == 5000
    bound = {(row["source"], row["destination"]): row for row in rows("bindings")}
    key = bound["events", "orders"]["properties_key"]
    assert bound["amq.headers", "events"]["arguments"] == {"x-match": "any", "n": 1}
    admin(
        *("delete", "binding", "source=events", "destination_type=queue", "destination=orders"),
        f"properties_key={key}",
    )
    assert "events" not in {row["source"] for row in rows("bindings")}
    admin("delete", "exchange", "name=events")
    assert "events" not in names(rows("exchanges"))
    for name in ("orders", "brief"):
        admin("delete", "queue", f"name={name}")
    assert rows("queues") == []


def test_users_and_virtual_hosts(admin: Admin, rows):
    admin("declare", "vhost", "name=shop", "tracing=true")
    assert {row["name"]: row["tracing"] for row in rows("vhosts")}["shop"] is True
    admin("declare", "user", "name=ann", "password=secret", "tags=monitoring")
    admin(
        *("declare", "user", "name=bob", "tags=", "password_hash=pj/VJTxYgmSr9OKF"),
        "hashing_algorithm=rabbit_password_hashing_sha256",
    )
    assert {"ann", "bob"} <= names(rows("users"))
    admin("declare", "permission", "vhost=shop", "user=ann", "configure=.*", "write=", "read=^a")
    (row,) = [row for row in rows("permissions") if row["user"] == "ann"]
    assert (row["vhost"], row["configure"], row["write"], row["read"]) == ("shop", ".*", "", "^a")
    admin("delete", "permission", "vhost=shop", "user=ann")
    admin("delete", "user", "name=ann")
    admin("delete", "user", "name=bob")
    assert names(rows("users")) == {"guest"}
    admin("delete", "vhost", "name=shop")
    assert names(rows("vhosts")) == {"/"}


def test_policies_limits_and_parameters(admin: Admin, rows):
    admin("declare", "queue", "name=orders")
    for kind, listed in (("policy", "policies"), ("operator_policy", "operator_policies")):
        admin(
            *("declare", kind, "name=short", "pattern=^o", 'definition={"max-length":3}'),
            *("priority=4", "apply-to=queues"),
        )
        (row,) = rows(listed)
        assert (row["priority"], row["apply-to"]) == (4, "queues")
        assert row["definition"] == {"max-length": 3}
    (queue,) = rows("queues")
    assert (queue["policy"], queue["operator_policy"]) == ("short", "short")
    admin("declare", "vhost_limit", "vhost=/", "name=max-queues", "value=7")
    assert rows("vhost_limits") == [{"vhost": "/", "value": {"max-queues": 7}}]
    admin("delete", "vhost_limit", "vhost=/", "name=max-queues")
    admin("delete", "policy", "name=short")
    admin("delete", "operator_policy", "name=short")
    assert rows("policies") == rows("operator_policies") == rows("vhost_limits") == []
    # The one component that no plug-in brings along.
    admin("declare", "parameter", "component=vhost-limits", "name=limits", 'value={"max-queues":9}')
    assert [row["value"] for row in rows("parameters")] == [{"max-queues": 9}]
    admin("delete", "parameter", "component=vhost-limits", "name=limits")
    assert rows("parameters") == []


def test_messages(admin: Admin, rows, tmp_path: Path):
    admin("declare", "queue", "name=orders")
    routed = admin("publish", "routing_key=orders", "payload=one", 'properties={"delivery_mode":2}')
    assert routed == "Message published\n"
    admin("publish", "exchange=amq.default", "routing_key=orders", stdin="two")
    lost = admin("publish", "routing_key=nowhere", "payload=x")
    assert lost == "Message published but NOT routed\n"
    admin("publish", "routing_key=orders", "payload=/wD+", "payload_encoding=base64")
    shown = json.loads(admin("-f", "raw_json", "get", "queue=orders", "count=5"))
    assert [row["payload"] for row in shown] == ["one", "two", "/wD+"]
    assert shown[2]["payload_encoding"] == "base64"
    admin("get", "queue=orders", "ackmode=ack_requeue_false", "payload_file=taken")
    assert (tmp_path / "taken").read_text() == "one"
    assert [row["messages"] for row in rows("queues")] == [2]
    admin("purge", "queue", "name=orders")
    assert [row["messages"] for row in rows("queues")] == [0]
    assert "No items" in admin("get", "queue=orders")


def test_definitions(admin: Admin, rows, tmp_path: Path):
    admin("declare", "vhost", "name=shop")
    admin("-V", "shop", "declare", "queue", "name=orders")
    admin("export", "all.json")
    admin("-V", "shop", "export", "shop.json")
    assert "orders" in names(json.loads((tmp_path / "all.json").read_text())["queues"])
    admin("delete", "vhost", "name=shop")
    admin("import", "all.json")
    assert names(rows("queues", "-V", "shop")) == {"orders"}
    admin("-V", "shop", "delete", "queue", "name=orders")
    admin("-V", "shop", "import", "shop.json")
    assert names(rows("queues", "-V", "shop")) == {"orders"}


def test_close_a_connection(admin: Admin, rows, broker: Broker):
    connection = pika.BlockingConnection(pika.URLParameters(broker.url))
    (row,) = rows("connections")
    admin("close", "connection", f"name={row['name']}")
    with pytest.raises(ConnectionClosedByBroker, match="Closed via management"):
        connection.process_data_events(5)
    eventually(lambda: rows("connections") == [], why="the connection is gone")


def test_complaints(script: Path, broker: Broker):
    """What the API refuses reaches the eye in its own words."""
    server = [str(script), "-H", broker.http.host, "-P", str(broker.http.port)]
    for words, said in (
        (("declare", "exchange", "name=a", "type=bogus"), "unknown exchange type 'bogus'"),
        (("delete", "queue", "name=nowhere"), "Not found: /api/queues/%2F/nowhere"),
        (("-p", "wrong", "list", "queues"), "Access refused: /api/queues?columns=name,messages"),
    ):
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *server, *words],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 1, words
        assert said in done.stdout + done.stderr, words


def test_no_subcommand_was_left_out(admin: Admin, request: pytest.FixtureRequest):
    """Those that the tool itself tells of; behind all other tests of this file."""
    here = [item for item in request.session.items if item.path == request.path]
    defined = {name for name in vars(request.module) if name.startswith("test_")}
    if {item.name for item in here} < defined:
        pytest.skip("only some of the tests of this file were asked for")
    told = set()
    for line in admin("help", "subcommands").splitlines():
        verb, _, rest = line.strip().partition(" ")
        if verb in ALONE and rest.startswith(("<", "routing_key=", "queue=")):
            told.add((verb, ""))
        elif "<column>" in rest or "=..." in rest:
            told.add((verb, rest.split()[0]))
    assert len(told) > 30
    assert told - RAN == set()
