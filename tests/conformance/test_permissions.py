"""Who may do what: each row of the permission table, topic permissions, living connections (10.3).

`MISSING` names for each method the permissions that it needs; each is taken away once, on the one
resource that it is needed for, and the others are given, and once these alone are given.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.conformance.conftest import Admin
from tests.support.encoding import METHODS
from tests.support.target import Target
from tests.support.wire import WireClient

Permission = tuple[str, str, str]
"""Permission, kind of resource, name."""

# label: method, its arguments, what it needs in the order of the checks
TABLE: dict[str, tuple[str, dict[str, Any], list[Permission]]] = {
    "exchange.declare": (
        "exchange.declare",
        {"exchange": "new", "type": "direct"},
        [("configure", "exchange", "new")],
    ),
    "exchange.declare again": (
        "exchange.declare",
        {"exchange": "source", "type": "topic"},
        [("configure", "exchange", "source")],
    ),
    "exchange.declare with an alternate exchange": (
        "exchange.declare",
        {"exchange": "new", "type": "direct", "arguments": {"alternate-exchange": "other"}},
        [
            ("configure", "exchange", "new"),
            ("read", "exchange", "new"),
            ("write", "exchange", "other"),
        ],
    ),
    "exchange.delete": (
        "exchange.delete",
        {"exchange": "source"},
        [("configure", "exchange", "source")],
    ),
    "exchange.delete of nothing": (
        "exchange.delete",
        {"exchange": "nosuch"},
        [("configure", "exchange", "nosuch")],
    ),
    "exchange.bind": (
        "exchange.bind",
        {"source": "source", "destination": "other", "routing_key": "k"},
        [("write", "exchange", "other"), ("read", "exchange", "source")],
    ),
    "exchange.unbind": (
        "exchange.unbind",
        {"source": "source", "destination": "other", "routing_key": "k"},
        [("write", "exchange", "other"), ("read", "exchange", "source")],
    ),
    "queue.declare": ("queue.declare", {"queue": "new"}, [("configure", "queue", "new")]),
    "queue.declare again": ("queue.declare", {"queue": "q"}, [("configure", "queue", "q")]),
    "queue.declare with a dead-letter exchange": (
        "queue.declare",
        {"queue": "new", "arguments": {"x-dead-letter-exchange": "other"}},
        [("configure", "queue", "new"), ("read", "queue", "new"), ("write", "exchange", "other")],
    ),
    "queue.delete": ("queue.delete", {"queue": "q"}, [("configure", "queue", "q")]),
    "queue.delete of nothing": (
        "queue.delete",
        {"queue": "nosuch"},
        [("configure", "queue", "nosuch")],
    ),
    "queue.bind": (
        "queue.bind",
        {"queue": "q", "exchange": "source", "routing_key": "k"},
        [("write", "queue", "q"), ("read", "exchange", "source")],
    ),
    "queue.unbind": (
        "queue.unbind",
        {"queue": "q", "exchange": "source", "routing_key": "k"},
        [("write", "queue", "q"), ("read", "exchange", "source")],
    ),
    "queue.purge": ("queue.purge", {"queue": "q"}, [("read", "queue", "q")]),
    "basic.consume": ("basic.consume", {"queue": "q"}, [("read", "queue", "q")]),
    "basic.get": ("basic.get", {"queue": "q"}, [("read", "queue", "q")]),
    "basic.get of nothing": ("basic.get", {"queue": "nosuch"}, [("read", "queue", "nosuch")]),
    "basic.publish": (
        "basic.publish",
        {"exchange": "source", "routing_key": "k"},
        [("write", "exchange", "source")],
    ),
    "basic.publish to the default exchange": (
        "basic.publish",
        {"exchange": "", "routing_key": "q"},
        [("write", "exchange", "amq.default")],
    ),
    "basic.publish to nothing": (
        "basic.publish",
        {"exchange": "nosuch", "routing_key": "k"},
        [("write", "exchange", "nosuch")],
    ),
}
MISSING = [(label, each) for label, row in TABLE.items() for each in row[2]]
# These fail with what comes after the permission: there is no such thing.
NOT_FOUND = {"basic.get of nothing", "basic.publish to nothing"}


class Tenant:
    """A virtual host with a user in it; the same for all tests, with fresh permissions."""

    def __init__(self, target: Target, admin: Admin) -> None:
        self.target = target
        self.admin = admin
        self.vhost = admin.vhost()
        self.user = admin.user()

    def prepare(self) -> None:
        """Exchanges `source` and `other`, queue `q`; nothing called `new`."""
        with WireClient(self.target.amqp) as client:
            client.connect(vhost=self.vhost)
            for name, kind in (("source", "topic"), ("other", "fanout")):
                client.call(1, "exchange.declare", exchange=name, type=kind)
            client.call(1, "queue.declare", queue="q")
            client.call(1, "exchange.delete", exchange="new")
            client.call(1, "queue.delete", queue="new")

    def permit(self, configure: str = "", write: str = "", read: str = "") -> None:
        path = f"permissions/{self.vhost}/{self.user}"
        self.admin.put(path, {"configure": configure, "write": write, "read": read})

    def permit_topics(self, exchange: str, write: str, read: str) -> None:
        path = f"topic-permissions/{self.vhost}/{self.user}"
        self.admin.put(path, {"exchange": exchange, "write": write, "read": read})

    def access(self, permission: str) -> str:
        """How a refusal names the permission: 3.10 does not."""
        return "access" if self.target.is_rabbitmq else f"{permission} access"

    def refusal(self, permission: str, kind: str, name: str) -> str:
        where = f"{kind} '{name}' in vhost '{self.vhost}'"
        refused = f"refused for user '{self.user}'"
        return f"ACCESS_REFUSED - {self.access(permission)} to {where} {refused}"

    def topic_refusal(self, permission: str, key: str, exchange: str) -> str:
        where = f"topic '{key}' in exchange '{exchange}' in vhost '{self.vhost}'"
        refused = f"refused for user '{self.user}'"
        return f"ACCESS_REFUSED - {self.access(permission)} to {where} {refused}"


@pytest.fixture(scope="module")
def shared(target: Target) -> Iterator[Tenant]:
    if target.http is None:
        pytest.skip("no management API address given")
    admin = Admin(target)
    yield Tenant(target, admin)
    for path in reversed(dict.fromkeys(admin.made)):
        target.api("DELETE", path)


@pytest.fixture
def tenant(shared: Tenant) -> Tenant:
    shared.prepare()
    shared.target.api("DELETE", f"topic-permissions/{shared.vhost}/{shared.user}")
    return shared


@pytest.fixture
def enter(tenant: Tenant, tcp: Callable[[], WireClient]) -> Callable[[], WireClient]:
    """Opens a connection of the tenant's user."""
    return lambda: tcp().connect(user=tenant.user, password=tenant.user, vhost=tenant.vhost)


def send(client: WireClient, method: str, arguments: dict[str, Any]) -> None:
    if method == "basic.publish":
        client.publish(**arguments)
    else:
        client.send_method(1, method, **arguments)


def all_but(permission: Permission) -> dict[str, str]:
    granted = dict.fromkeys(("configure", "write", "read"), ".*")
    return granted | {permission[0]: f"^(?!{permission[2]}$)"}


def nothing_but(permissions: list[Permission]) -> dict[str, str]:
    granted: dict[str, str] = {}
    for permission, _, name in permissions:
        granted[permission] = "|".join(filter(None, [granted.get(permission), f"^{name}$"]))
    return granted


@pytest.mark.checklist(352, 355, 356)
@pytest.mark.parametrize(("label", "missing"), MISSING, ids=str)
def test_without_a_permission(tenant, enter, label, missing):
    method, arguments, _ = TABLE[label]
    tenant.permit(**all_but(missing))
    client = enter()
    send(client, method, arguments)
    client.expect_close(403, tenant.refusal(*missing), METHODS[method][:2], channel=1)


@pytest.mark.checklist(352)
@pytest.mark.parametrize("label", TABLE)
def test_with_no_more_than_its_permissions(tenant, enter, label):
    method, arguments, needed = TABLE[label]
    tenant.permit(**nothing_but(needed))
    client = enter()
    send(client, method, arguments)
    if label in NOT_FOUND:
        client.expect_close(404, channel=1)
    elif method == "basic.publish":
        client.expect_nothing_more()
    else:
        answer = client.read_method()
        assert answer.name in (f"{method}-ok", "basic.get-empty"), answer


@pytest.mark.checklist(357)
@pytest.mark.differs("passive declares need no permission")
@pytest.mark.parametrize("kind", ["queue", "exchange"])
def test_passive_declare_needs_any_of_the_three(tenant, enter, kind):
    name = {"queue": "q", "exchange": "source"}[kind]
    arguments: dict[str, Any] = {kind: name, "passive": True}
    if kind == "exchange":
        arguments["type"] = "topic"
    for permission in ("configure", "write", "read"):
        tenant.permit(**{permission: f"^{name}$"})
        enter().call(1, f"{kind}.declare", **arguments)
    tenant.permit()
    client = enter()
    client.send_method(1, f"{kind}.declare", **arguments)
    where = f"{kind} '{name}' in vhost '{tenant.vhost}'"
    text = f"ACCESS_REFUSED - access to {where} refused for user '{tenant.user}'"
    client.expect_close(403, text, channel=1)


@pytest.mark.checklist(353)
def test_patterns_are_not_anchored_and_the_empty_one_matches_nothing(tenant, enter):
    tenant.permit(configure="e")
    client = enter()
    client.call(1, "queue.declare", queue="new")
    client.send_method(1, "queue.declare", queue="q")
    client.expect_close(403, channel=1)
    tenant.permit()
    client = enter()
    client.send_method(1, "queue.declare", queue="")
    client.expect_close(403, channel=1)


@pytest.mark.checklist(354)
@pytest.mark.parametrize(("pattern", "fine"), [("^a", True), ("^amq\\.gen.*", True), ("^b", False)])
def test_server_named_queues(tenant, enter, pattern, fine):
    tenant.permit(configure=pattern)
    client = enter()
    client.send_method(1, "queue.declare", queue="", exclusive=True)
    if fine:
        client.expect("queue.declare-ok", 1)
    else:
        client.expect_close(
            403, f"ACCESS_REFUSED - {tenant.access('configure')} to queue 'amq.gen*", channel=1
        )


@pytest.mark.checklist(30)
def test_without_an_entry_the_vhost_is_closed(tenant, tcp):
    tenant.target.api("DELETE", f"permissions/{tenant.vhost}/{tenant.user}")
    client = tcp()
    client.login(tenant.user, tenant.user)
    client.tune_ok()
    client.send_method(0, "connection.open", virtual_host=tenant.vhost)
    text = f"access to vhost '{tenant.vhost}' refused for user '{tenant.user}'"
    client.expect_close(530, f"NOT_ALLOWED - {text}", (10, 40))


@pytest.mark.checklist(362)
def test_tags_permit_nothing(tenant, enter):
    tenant.admin.put(f"users/{tenant.user}", {"password": tenant.user, "tags": "administrator"})
    tenant.permit()
    client = enter()
    client.publish("source", "k")
    client.expect_close(403, tenant.refusal("write", "exchange", "source"), channel=1)


def test_permissions_that_are_taken_away_close_no_connection(tenant, enter):
    tenant.permit(configure=".*")
    client = enter()
    tenant.permit()
    tenant.target.api("DELETE", f"permissions/{tenant.vhost}/{tenant.user}")
    client.expect_nothing_more()


# -- topics ------------------------------------------------------------------------------------


@pytest.mark.checklist(358)
def test_routing_keys_of_publishes(tenant, enter):
    tenant.permit(write=".*")
    tenant.permit_topics("source", "^{username}\\.", "")
    client = enter()
    client.publish("source", f"{tenant.user}.a")
    client.expect_nothing_more()
    client.publish("source", "b")
    client.expect_close(403, tenant.topic_refusal("write", "b", "source"), (60, 40), channel=1)


@pytest.mark.checklist(358)
@pytest.mark.parametrize("method", ["queue.bind", "queue.unbind"])
def test_routing_keys_of_bindings(tenant, enter, method):
    tenant.permit(write=".*", read=".*")
    tenant.permit_topics("source", "", "^{vhost}\\.")
    client = enter()
    arguments = {"queue": "q", "exchange": "source"}
    client.call(1, method, **arguments, routing_key=f"{tenant.vhost}.#")
    client.send_method(1, method, **arguments, routing_key="#")
    at = METHODS[method][:2]
    client.expect_close(403, tenant.topic_refusal("read", "#", "source"), at, channel=1)


@pytest.mark.checklist(359)
@pytest.mark.differs("only the main routing key is checked")
@pytest.mark.parametrize("header", ["CC", "BCC"])
def test_routing_keys_of_copies(tenant, enter, header):
    tenant.permit(write=".*")
    tenant.permit_topics("source", "^a", "")
    client = enter()
    client.publish("source", "a", headers={header: ["b"]})
    client.expect_close(403, tenant.topic_refusal("write", "b", "source"), (60, 40), channel=1)


@pytest.mark.checklist(360)
def test_exchanges_without_topic_permissions_take_every_key(tenant, enter):
    tenant.permit(write=".*", read=".*")
    tenant.permit_topics("other", "^a", "^a")
    client = enter()
    client.publish("source", "b")
    client.publish("other", "b")  # no topic exchange
    client.call(1, "queue.bind", queue="q", exchange="source", routing_key="b")
    client.expect_nothing_more()
