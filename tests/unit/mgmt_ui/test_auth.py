import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mgmt_ui.auth import Tag, authenticate, check_tag, has_tag, is_loopback, parse_basic
from mgmt_ui.errors import ApiError
from mgmt_ui.sessions import Sessions
from tests.unit.mgmt_ui.fakes import FakeServer, basic

CHALLENGE = {"www-authenticate": 'Basic realm="RabbitMQ Management"'}


async def entering(server: FakeServer, header: str | None, remote: str, **options: Any):
    sessions = Sessions(server.clock, server.vhosts.users)
    return await authenticate(server.as_server, sessions, header, remote, **options)


async def refused(
    server: FakeServer, header: str | None, remote: str = "127.0.0.1", **options: Any
):
    with pytest.raises(ApiError) as caught:
        await entering(server, header, remote, **options)
    return caught.value


async def test_the_right_password(server: FakeServer):
    user = await entering(server, basic("guest")["authorization"], "::1")
    assert user.name == "guest"
    attempts = server.context.logins.attempts["http"]
    assert (attempts.succeeded, attempts.failed) == (1, 0)


async def test_no_credentials_have_an_empty_body(server: FakeServer):
    error = await refused(server, None)
    assert (error.status, error.body, error.headers) == (401, None, CHALLENGE)


async def test_a_wrong_password(server: FakeServer):
    error = await refused(server, basic("guest", "wrong")["authorization"])
    assert error.status == 401
    assert error.body == {"error": "not_authorized", "reason": "Login failed"}
    assert error.headers == CHALLENGE


async def test_scripted_requests_get_no_challenge(server: FakeServer):
    error = await refused(server, basic("guest", "wrong")["authorization"], scripted=True)
    assert error.headers == {}


async def test_an_unknown_user_looks_like_a_wrong_password(server: FakeServer):
    error = await refused(server, basic("nosuch")["authorization"])
    assert error.reason == "Login failed"


async def test_guest_only_from_loopback(server: FakeServer):
    error = await refused(server, basic("guest")["authorization"], "10.0.0.7")
    assert error.body == {
        "error": "not_authorised",
        "reason": "User can only log in via localhost",
    }
    assert error.headers == {}


async def test_others_from_anywhere(server: FakeServer):
    server.add_user("ann")
    header = basic("ann")["authorization"]
    assert (await entering(server, header, "10.0.0.7")).name == "ann"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Digest y", "Basic é"]
)
async def test_malformed_headers(header: str, server: FakeServer):
    assert parse_basic(header) is None
    assert (await refused(server, header)).reason == "Login failed"


def test_passwords_may_hold_colons_and_any_script():
    assert parse_basic(basic("ann", "a:b:ü")["authorization"]) == ("ann", "a:b:ü")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_loopback_addresses(address: str):
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["10.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "", None, "x"])
def test_other_addresses(address: str | None):
    assert not is_loopback(address)


def user(*tags: str) -> Any:
    return SimpleNamespace(tags=tags)


@pytest.mark.parametrize(
    ("tag", "opens"),
    [
        ("administrator", {Tag.MANAGEMENT, Tag.POLICYMAKER, Tag.MONITORING, Tag.ADMINISTRATOR}),
        ("monitoring", {Tag.MANAGEMENT, Tag.MONITORING}),
        ("policymaker", {Tag.MANAGEMENT, Tag.POLICYMAKER}),
        ("management", {Tag.MANAGEMENT}),
        ("impersonator", set[Tag]()),
    ],
)
def test_what_a_tag_implies(tag: str, opens: set[Tag]):
    assert {each for each in Tag if has_tag(user(tag), each)} == opens | {Tag.NONE}


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        (Tag.MANAGEMENT, "Not management user"),
        (Tag.MONITORING, "Not monitor user"),
        (Tag.ADMINISTRATOR, "Not administrator user"),
        (Tag.POLICYMAKER, "User not authorised to access object"),
    ],
)
def test_the_reason_for_a_missing_tag(tag: Tag, reason: str):
    with pytest.raises(ApiError) as caught:
        check_tag(user("none" if tag is Tag.MANAGEMENT else "management"), tag)
    assert (caught.value.status, caught.value.reason) == (401, reason)


def test_without_any_tag_that_is_the_reason():
    check_tag(user("none"), Tag.NONE)
    for tag in set(Tag) - {Tag.NONE}:
        with pytest.raises(ApiError) as caught:
            check_tag(user("none"), tag)
        assert caught.value.reason == "Not management user"


async def test_loopback_users_are_an_option(server: FakeServer):
    server.context.limits.loopback_users = frozenset({"ann"})
    server.add_user("ann")
    for name, fine in (("guest", True), ("ann", False)):
        header = basic(name)["authorization"]
        if fine:
            assert (await entering(server, header, "10.0.0.7")).name == name
        else:
            assert "localhost" in (await refused(server, header, "10.0.0.7")).reason


async def test_a_token(server: FakeServer):
    sessions = Sessions(server.clock, server.vhosts.users)
    guest = server.vhosts.users.get("guest")
    assert guest is not None
    token = sessions.open(guest, 60)

    async def entered(header: str, remote: str = "127.0.0.1"):
        return await authenticate(server.as_server, sessions, header, remote)

    assert (await entered(f"Bearer {token}")).name == "guest"
    with pytest.raises(ApiError) as caught:
        await entered("Bearer nonsense")
    assert caught.value.reason == "Login failed"
    with pytest.raises(ApiError) as caught:
        await entered(f"Bearer {token}", "10.0.0.7")
    assert "localhost" in caught.value.reason


async def test_failures_are_answered_late(server: FakeServer):
    wrong = basic("guest", "wrong")["authorization"]
    for _ in range(3):
        await refused(server, wrong)
    late = asyncio.ensure_future(refused(server, wrong))
    for _ in range(3):
        await next_turn()
    assert not late.done()
    # Who knows the password need not wait.
    assert (await entering(server, basic("guest")["authorization"], "127.0.0.1")).name == "guest"
    server.clock.advance(0.25)
    assert (await late).reason == "Login failed"
    assert server.context.logins.attempts["http"].failed == 4


async def test_too_many_at_once_are_not_heard(server: FakeServer):
    late = [
        asyncio.ensure_future(refused(server, basic("guest", "wrong")["authorization"]))
        for _ in range(20)
    ]
    for _ in range(3):
        await next_turn()
    done = [each.result() for each in late if each.done()]
    assert [error.status for error in done] == [401] * 3 + [429] * 4
    assert (await refused(server, basic("guest")["authorization"])).status == 429
    server.clock.advance(6)
    await asyncio.gather(*late)
    assert (await entering(server, basic("guest")["authorization"], "127.0.0.1")).name == "guest"


async def next_turn():
    turn = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(turn.set_result, None)
    await turn
