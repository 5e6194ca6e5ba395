"""Virtual hosts, users, permissions, limits, logins over HTTP (management reference 1.3 to 2.4)."""

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import pytest

from tests.conformance.conftest import Admin
from tests.support.eventually import eventually
from tests.support.target import Target

NOT_FOUND = {"error": "Object Not Found", "reason": "Not Found"}
GRANT_ALL = {"configure": ".*", "write": ".*", "read": ".*"}
# base64(salt + SHA-256(salt + "test12")), from RabbitMQ's documentation.
HASH = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"


@pytest.fixture
def api(target: Target, admin: Admin):
    """Asks as guest: api("GET", "users") -> (status, body)."""
    return target.api


def bad(reason: str) -> tuple[int, dict[str, str]]:
    return 400, {"error": "bad_request", "reason": reason}


def missing(*names: str) -> str:
    return "[" + ",".join(f"{{key_missing,{name}}}" for name in names) + "]"


def node(api) -> str:
    return str(api("GET", "overview")[1]["node"])


# -- virtual hosts -----------------------------------------------------------------------------


@pytest.fixture
def vhost(admin: Admin, name, api) -> str:
    """The name of a virtual host that is not there yet, removed after the test."""
    made: str = name("vh")
    admin.made.append(f"vhosts/{made}")
    return made


def test_a_vhost_comes_and_goes(api, vhost):
    path = f"vhosts/{vhost}"
    assert api("GET", path) == (404, NOT_FOUND)
    assert api("PUT", path, {"description": "for us", "tags": "a, b"}) == (201, None)
    status, shown = api("GET", path)
    assert status == 200
    assert (shown["name"], shown["description"], shown["tags"]) == (vhost, "for us", ["a", "b"])
    assert shown["metadata"]["description"] == "for us"
    assert shown["tracing"] is False
    assert list(shown["cluster_state"].values()) == ["running"]
    assert vhost in {each["name"] for each in api("GET", "vhosts")[1]}
    assert api("DELETE", path) == (204, None)
    assert api("DELETE", path) == (404, NOT_FOUND)
    assert vhost not in {each["name"] for each in api("GET", "vhosts")[1]}


def test_a_second_put_replaces_what_is_said(api, vhost):
    path = f"vhosts/{vhost}"
    api("PUT", path, {"description": "old", "tags": ["x"], "tracing": "true"})
    assert api("PUT", path, {}) == (204, None)
    shown = api("GET", path)[1]
    assert (shown["description"], shown["tags"]) == ("", [])
    assert shown["tracing"] is True


def test_the_creator_may_do_all(api, vhost):
    api("PUT", f"vhosts/{vhost}")
    row = {"user": "guest", "vhost": vhost, **GRANT_ALL}
    assert api("GET", f"vhosts/{vhost}/permissions") == (200, [row])
    assert api("GET", f"vhosts/{vhost}/topic-permissions") == (200, [])
    assert api("PUT", f"permissions/{vhost}/guest", GRANT_ALL) == (204, None)


def test_names_of_every_kind(api, admin, connect):
    for odd in ("a/b", "a b", "ü%", "<script>", "a+b", "?#"):
        path = f"vhosts/{quote(odd, safe='')}"
        admin.put(path)
        assert api("GET", path)[1]["name"] == odd
        connect(virtual_host=odd).close()


def test_bad_bodies_of_a_vhost(api, vhost):
    path = f"vhosts/{vhost}"
    assert api("PUT", path, [1]) == bad("not_json")
    status, answer = api("PUT", path, {"tracing": "maybe"})
    assert (status, answer["error"]) == (400, "bad_request")
    assert api("GET", path) == (404, NOT_FOUND)


def test_starting_what_runs(api, vhost):
    api("PUT", f"vhosts/{vhost}")
    assert api("POST", f"vhosts/{vhost}/start/{node(api)}", {}) == (204, None)
    status, answer = api("POST", f"vhosts/{vhost}/start/nosuch", {})
    assert (status, answer["error"]) == (400, "bad_request")


@pytest.mark.differs("has no such default in 3.10")
def test_the_default_queue_type(api, vhost, connect):
    path = f"vhosts/{vhost}"
    assert api("PUT", path, {"default_queue_type": "bogus"}) == bad("unknown queue type 'bogus'")
    assert api("PUT", path, {"default_queue_type": "quorum"})[0] == 201
    assert api("GET", path)[1]["default_queue_type"] == "quorum"
    connect(virtual_host=vhost).channel().queue_declare("q", durable=True)
    [queue] = api("GET", f"queues/{vhost}")[1]
    assert queue["type"] == "quorum"


@pytest.mark.differs("has no protection in 3.10")
def test_protection_from_deletion(api, vhost):
    path = f"vhosts/{vhost}"
    api("PUT", path, {"description": "dear", "tags": "x"})
    assert api("POST", f"{path}/deletion/protection") == (204, None)
    status, answer = api("DELETE", path)
    assert (status, answer["error"]) == (412, "precondition_failed")
    shown = api("GET", path)[1]
    assert (shown["description"], shown["protected_from_deletion"]) == ("dear", True)
    assert api("DELETE", f"{path}/deletion/protection") == (204, None)
    assert api("DELETE", path) == (204, None)


@pytest.mark.differs("stops virtual hosts by its own tool only")
def test_a_vhost_that_is_stopped_comes_back_with_its_messages(api, vhost, connect):
    api("PUT", f"vhosts/{vhost}")
    channel = connect(virtual_host=vhost).channel()
    channel.queue_declare("q", durable=True)
    channel.confirm_delivery()
    channel.basic_publish("", "q", b"kept", properties=None)
    assert api("POST", f"vhosts/{vhost}/stop/{node(api)}") == (204, None)
    assert list(api("GET", f"vhosts/{vhost}")[1]["cluster_state"].values()) == ["stopped"]
    assert api("POST", f"vhosts/{vhost}/start/{node(api)}") == (204, None)
    again = connect(virtual_host=vhost).channel()
    assert again.queue_declare("q", passive=True).method.queue == "q"


@pytest.mark.checklist(183)
@pytest.mark.differs("virtual hosts have no default queue type")
def test_a_vhost_has_a_default_queue_type(api, admin, connect):
    vhost = admin.vhost()
    admin.put(f"vhosts/{vhost}", {"default_queue_type": "quorum"})
    channel = connect(virtual_host=vhost).channel()
    channel.queue_declare("plain", durable=True)
    channel.queue_declare("exclusive", exclusive=True)
    channel.queue_declare("transient")
    channel.queue_declare("named", durable=True, arguments={"x-queue-type": "classic"})
    types = {each["name"]: each["type"] for each in api("GET", f"queues/{vhost}")[1]}
    assert types == {
        "plain": "quorum",
        "exclusive": "classic",
        "transient": "classic",
        "named": "classic",
    }


# -- users -------------------------------------------------------------------------------------


@pytest.fixture
def user(admin: Admin, name, api) -> str:
    """The name of a user that is not there yet, removed after the test."""
    made: str = name("user")
    admin.made.append(f"users/{made}")
    return made


def login(target: Target, user: str, password: str) -> tuple[int, Any]:
    return target.api("GET", "whoami", user=f"{user}:{password}")


def test_a_user_comes_and_goes(api, user, target):
    path = f"users/{user}"
    assert api("GET", path) == (404, NOT_FOUND)
    assert api("PUT", path, {"password": "one", "tags": "management, other"}) == (201, None)
    status, shown = api("GET", path)
    assert (status, shown["name"], shown["tags"]) == (200, user, ["management", "other"])
    assert (shown["limits"], shown["hashing_algorithm"]) == ({}, "rabbit_password_hashing_sha256")
    assert shown in api("GET", "users")[1]
    assert shown in api("GET", "users/without-permissions")[1]
    status, me = login(target, user, "one")
    assert (status, me["name"], me["tags"]) == (200, user, ["management", "other"])
    assert api("PUT", path, {"password": "two", "tags": ["management"]}) == (204, None)
    assert login(target, user, "one")[0] == 401
    assert login(target, user, "two")[0] == 200
    assert api("DELETE", path) == (204, None)
    assert api("DELETE", path) == (404, NOT_FOUND)


@pytest.mark.checklist(361)
def test_a_hash(api, user, target):
    path = f"users/{user}"
    assert api("PUT", path, {"password_hash": HASH, "tags": "management"})[0] == 201
    assert api("GET", path)[1]["password_hash"] == HASH
    assert login(target, user, "test12")[0] == 200
    assert api("PUT", path, {"password_hash": "", "tags": "management"}) == (204, None)
    assert login(target, user, "test12")[0] == 401
    assert login(target, user, "")[0] == 401


def test_a_blank_password_opens_nothing(api, user, target):
    assert api("PUT", f"users/{user}", {"password": "", "tags": "management"})[0] == 201
    assert login(target, user, "")[0] == 401


@pytest.mark.differs("forgets the password")
def test_a_password_stays_until_another_is_given(api, user, target):
    api("PUT", f"users/{user}", {"password": "one", "tags": "management"})
    assert api("PUT", f"users/{user}", {"tags": "monitoring"}) == (204, None)
    assert login(target, user, "one")[1]["tags"] == ["monitoring"]


def test_bad_bodies_of_a_user(api, user):
    path = f"users/{user}"
    assert api("PUT", path, {"password": "x"}) == bad("tags_not_present")
    both = {"tags": "", "password": "x", "password_hash": HASH}
    assert api("PUT", path, both) == bad("both_password_and_password_hash_are_provided")
    status, answer = api("PUT", path, {"tags": "", "password_hash": "!!!"})
    assert (status, answer["error"]) == (400, "bad_request")
    assert api("GET", path) == (404, NOT_FOUND)


def test_many_users_deleted_at_once(api, admin):
    users = [admin.user(), admin.user()]
    assert api("POST", "users/bulk-delete", {"users": users}) == (204, None)
    assert not set(users) & {each["name"] for each in api("GET", "users")[1]}
    assert api("POST", "users/bulk-delete", {}) == bad(missing("users"))


def test_guest_from_here_and_wrong_names(api, target):
    failed = {"error": "not_authorized", "reason": "Login failed"}
    assert target.api("GET", "whoami", user="nosuch:x") == (401, failed)
    assert api("GET", "whoami")[1]["tags"] == ["administrator"]


# -- permissions -------------------------------------------------------------------------------


def test_permissions_come_and_go(api, admin, user):
    vhost = admin.vhost()
    admin.put(f"users/{user}", {"password": "x", "tags": ""})
    path = f"permissions/{vhost}/{user}"
    row = {"user": user, "vhost": vhost, "configure": "^a", "write": "", "read": "é"}
    assert api("GET", path) == (404, NOT_FOUND)
    assert api("PUT", path, row) == (201, None)
    assert api("PUT", path, row) == (204, None)
    assert api("GET", path) == (200, row)
    assert row in api("GET", "permissions")[1]
    assert api("GET", f"users/{user}/permissions") == (200, [row])
    assert row in api("GET", f"vhosts/{vhost}/permissions")[1]
    assert user not in {each["name"] for each in api("GET", "users/without-permissions")[1]}
    assert api("DELETE", path) == (204, None)
    assert api("DELETE", path) == (404, NOT_FOUND)


@pytest.mark.parametrize("kind", ["permissions", "topic-permissions"])
def test_permissions_of_nobody(api, admin, kind):
    vhost, body = admin.vhost(), {**GRANT_ALL, "exchange": "x"}
    assert api("PUT", f"{kind}/{vhost}/nosuch", body) == bad("vhost_or_user_not_found")
    assert api("PUT", f"{kind}/nosuch/guest", body) == bad("vhost_or_user_not_found")
    assert api("GET", f"{kind}/{vhost}/nosuch") == (404, NOT_FOUND)
    assert api("DELETE", f"{kind}/nosuch/guest") == (404, NOT_FOUND)
    assert api("GET", f"users/nosuch/{kind}") == (404, NOT_FOUND)
    assert api("GET", f"vhosts/nosuch/{kind}") == (404, NOT_FOUND)


def test_bad_permissions(api, admin):
    path = f"permissions/{admin.vhost()}/guest"
    assert api("PUT", path, {}) == bad(missing("configure", "write", "read"))
    assert api("PUT", path, {"configure": "", "write": ""}) == bad(missing("read"))
    assert api("PUT", path, {**GRANT_ALL, "read": "["})[0] == 400
    assert api("GET", path)[1]["read"] == ".*"


def test_topic_permissions_come_and_go(api, admin):
    vhost, user = admin.vhost(), admin.user()
    path = f"topic-permissions/{vhost}/{user}"
    rows = [
        {"user": user, "vhost": vhost, "exchange": each, "write": "^a", "read": "b"}
        for each in ("amq.topic", "x")
    ]
    assert api("PUT", path, rows[0]) == (201, None)
    assert api("PUT", path, rows[1]) == (204, None)
    for shown in (path, f"users/{user}/topic-permissions", f"vhosts/{vhost}/topic-permissions"):
        status, found = api("GET", shown)
        assert (status, sorted(found, key=lambda row: row["exchange"])) == (200, rows)
    assert rows[0] in api("GET", "topic-permissions")[1]
    assert api("PUT", path, {"exchange": "x", "write": ""}) == bad(missing("read"))
    assert api("PUT", path, {**rows[0], "write": "["})[0] == 400
    assert api("DELETE", f"{path}/x") == (204, None)
    assert api("GET", path) == (200, rows[:1])
    assert api("DELETE", path) == (204, None)
    assert api("DELETE", path) == (404, NOT_FOUND)


# -- limits ------------------------------------------------------------------------------------


def test_limits_of_a_vhost(api, admin):
    vhost = admin.vhost()
    path = f"vhost-limits/{vhost}"
    assert api("GET", path) == (200, [])
    assert api("PUT", f"{path}/max-queues", {"value": 10}) == (204, None)
    assert api("PUT", f"{path}/max-connections", {"value": -1}) == (204, None)
    row = {"vhost": vhost, "value": {"max-queues": 10, "max-connections": -1}}
    assert api("GET", path) == (200, [row])
    assert row in api("GET", "vhost-limits")[1]
    assert api("DELETE", f"{path}/max-queues") == (204, None)
    assert api("GET", path) == (200, [{"vhost": vhost, "value": {"max-connections": -1}}])
    for name in ("max-connections", "max-connections", "bogus"):
        assert api("DELETE", f"{path}/{name}") == (204, None)
    assert api("GET", path) == (200, [])


def test_bad_limits_of_a_vhost(api, admin):
    path = f"vhost-limits/{admin.vhost()}/max-queues"
    number = "Validation failed\n\nmax-queues should be a number, actually was {}\n"
    assert api("PUT", path, {"value": "x"}) == bad(number.format('<<"x">>'))
    assert api("PUT", path, {"value": 1.5}) == bad(number.format("1.5"))
    assert api("PUT", path, {}) == bad(missing("value"))
    unknown = 'Validation failed\n\nUnrecognised terms [{<<"bogus">>,1}] in limits\n'
    assert api("PUT", path.replace("max-queues", "bogus"), {"value": 1}) == bad(unknown)
    nowhere = {"error": "not_found", "reason": "vhost_not_found"}
    assert api("PUT", "vhost-limits/nosuch/max-queues", {"value": 1}) == (404, nowhere)
    assert api("GET", "vhost-limits/nosuch") == (404, NOT_FOUND)


def test_limits_of_a_user(api, admin):
    user = admin.user()
    path = f"user-limits/{user}"
    assert api("PUT", f"{path}/max-connections", {"value": 3}) == (204, None)
    assert api("PUT", f"{path}/max-channels", {"value": 0}) == (204, None)
    row = {"user": user, "value": {"max-connections": 3, "max-channels": 0}}
    assert api("GET", path) == (200, [row])
    assert row in api("GET", "user-limits")[1]
    assert api("GET", f"users/{user}")[1]["limits"] == row["value"]
    for name in ("max-connections", "max-channels", "bogus"):
        assert api("DELETE", f"{path}/{name}") == (204, None)
    assert api("GET", path) == (200, [])
    assert api("GET", "user-limits/nosuch") == (404, NOT_FOUND)


def test_bad_limits_of_a_user(api, admin):
    path = f"user-limits/{admin.user()}/max-channels"
    number = 'max-channels should be a number, actually was <<"x">>'
    assert api("PUT", path, {"value": "x"}) == bad(number)
    unknown = 'Unrecognised terms [{<<"bogus">>,1}] in user-limits'
    assert api("PUT", path.replace("max-channels", "bogus"), {"value": 1}) == bad(unknown)
    assert api("PUT", "user-limits/nosuch/max-channels", {"value": 1})[0] == 400


# -- who sees what (1.4) -----------------------------------------------------------------------

ROLES = ("", "management", "policymaker", "monitoring", "administrator")
NO_USER = "Not management user"
ADMIN_ONLY = "Not administrator user"
NO_ENTRY = "User not authorised to access virtual host"
# path, and the reason of a 401 for each role, None where it is a 200; all but the monitoring user
# and the one without tags have permissions in {vhost}
VISIBLE: dict[str, tuple[str | None, ...]] = {
    "whoami": (NO_USER, None, None, None, None),
    "vhosts": (NO_USER, None, None, None, None),
    **dict.fromkeys(
        (
            *("vhosts/{vhost}", "vhosts/{vhost}/permissions", "vhosts/{vhost}/topic-permissions"),
            *("users", "users/guest", "users/without-permissions", "users/guest/permissions"),
            *("permissions", "permissions/{vhost}/guest", "topic-permissions"),
        ),
        (NO_USER, ADMIN_ONLY, ADMIN_ONLY, ADMIN_ONLY, None),
    ),
    "vhosts/{vhost}/connections": (NO_USER, None, None, NO_ENTRY, None),
    "vhost-limits": (NO_USER, None, None, None, None),
    "vhost-limits/{vhost}": (NO_USER, None, None, None, None),
    "queues/{vhost}": (NO_USER, None, None, NO_ENTRY, None),
    "auth/attempts/{node}": (NO_USER, "Not monitor user", "Not monitor user", None, None),
}


@pytest.fixture(scope="module")
def cast(target: Target):
    """One user for each role, and the virtual host."""
    if target.http is None:
        pytest.skip("no management API address given")
    admin = Admin(target)
    vhost = admin.vhost()
    users = {tag: admin.user(tag) for tag in ROLES}
    for tag in ("management", "policymaker", "administrator"):
        admin.permit(users[tag], vhost)
    yield vhost, users
    for path in reversed(admin.made):
        target.api("DELETE", path)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", VISIBLE)
def test_who_sees_what(target, cast, role, path):
    vhost, users = cast
    user = users[role]
    where = path.format(vhost=vhost, node=node(target.api))
    status, body = target.api("GET", where, user=f"{user}:{user}")
    reason = VISIBLE[path][ROLES.index(role)]
    if reason is None:
        assert status == 200, body
    else:
        assert (status, body) == (401, {"error": "not_authorised", "reason": reason})


@pytest.mark.parametrize("role", ROLES[:-1])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "vhosts/new"),
        ("DELETE", "vhosts/{vhost}"),
        ("PUT", "users/{user}"),
        ("DELETE", "users/guest"),
        ("POST", "users/bulk-delete"),
        ("PUT", "permissions/{vhost}/{user}"),
        ("DELETE", "permissions/{vhost}/guest"),
        ("PUT", "topic-permissions/{vhost}/{user}"),
        ("PUT", "vhost-limits/{vhost}/max-queues"),
        ("DELETE", "vhost-limits/{vhost}/max-queues"),
        ("PUT", "user-limits/{user}/max-channels"),
        ("DELETE", "auth/attempts/{node}/source"),
    ],
)
def test_who_may_not_change_what(target, cast, role, method, path):
    vhost, users = cast
    user = users[role]
    where = path.format(vhost=vhost, user=user, node=node(target.api))
    if target.is_rabbitmq and "attempts" in path and role == "monitoring":
        pytest.skip("RabbitMQ 3.10 lets monitoring users reset counts")
    status, body = target.api(method, where, {}, user=f"{user}:{user}")
    assert (status, body["error"]) == (401, "not_authorised")


def test_lists_show_what_one_may_know(target, cast):
    vhost, users = cast
    seen = {}
    for role in ("management", "monitoring"):
        user = users[role]
        rows = target.api("GET", "vhosts", user=f"{user}:{user}")[1]
        seen[role] = {row["name"] for row in rows}
    assert seen["management"] == {vhost}
    assert {vhost, "/"} <= seen["monitoring"]


# -- logging in --------------------------------------------------------------------------------


def form(target: Target, method: str, path: str, data: bytes | None, **headers: str) -> Any:
    request = urllib.request.Request(
        f"http://{target.http}/api/{path}", data, headers, method=method
    )
    try:
        return urllib.request.urlopen(request, timeout=30)
    except urllib.error.HTTPError as error:
        return error


def test_login_fails(target, api):
    for data in (b"username=guest&password=wrong", b"", b"username=guest"):
        with form(target, "POST", "login", data) as answer:
            assert answer.status == 401


@pytest.mark.differs("gives a cookie that holds the password")
def test_a_token_opens_what_the_password_would(target, api):
    import json

    with form(target, "POST", "login", b"username=guest&password=guest") as answer:
        body = json.loads(answer.read())
    assert body["user"]["name"] == "guest"
    assert body["user"]["tags"] == ["administrator"]
    assert body["token"]["type"] == "bearer"
    bearer = {"authorization": f"Bearer {body['token']['value']}"}
    with form(target, "GET", "whoami", None, **bearer) as answer:
        assert json.loads(answer.read())["name"] == "guest"
    with form(target, "DELETE", "login", None, **bearer) as answer:
        assert answer.status == 204
    with form(target, "GET", "whoami", None, **bearer) as answer:
        assert answer.status == 401


def test_ways_to_log_in(target, api):
    with form(target, "GET", "auth", None) as answer:
        assert answer.status == 200


def test_logins_are_counted(target, api, connect):
    def counts() -> dict[str, dict[str, int]]:
        rows = api("GET", f"auth/attempts/{node(api)}")[1]
        return {row["protocol"]: row for row in rows}

    before = counts()
    connect().close()
    target.api("GET", "whoami", user="guest:wrong")

    def counted() -> bool:
        now = counts()
        amqp = now["amqp091"]["auth_attempts_succeeded"]
        failed = now["http"]["auth_attempts_failed"]
        known = before.get("amqp091", {"auth_attempts_succeeded": 0})["auth_attempts_succeeded"]
        return amqp > known and failed > before["http"]["auth_attempts_failed"]

    eventually(counted)
    assert api("DELETE", f"auth/attempts/{node(api)}") == (204, None)
    assert api("GET", f"auth/attempts/{node(api)}/source") == (200, [])
