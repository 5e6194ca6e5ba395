from types import SimpleNamespace
from typing import Any

import pytest

from mgmt_ui.auth import Tag, authenticate, check_tag, has_tag, is_loopback, parse_basic
from mgmt_ui.errors import ApiError
from tests.unit.mgmt_ui.fakes import FakeServer, basic

CHALLENGE = {"www-authenticate": 'Basic realm="RabbitMQ Management"'}


def refused(server: FakeServer, header: str | None, remote: str = "127.0.0.1", **options: Any):
    with pytest.raises(ApiError) as caught:
        authenticate(server.as_server.vhosts, header, remote, **options)
    return caught.value


def test_the_right_password(server: FakeServer):
    header = basic("guest")["authorization"]
    user = authenticate(server.as_server.vhosts, header, "::1")
    assert user.name == "guest"


def test_no_credentials_have_an_empty_body(server: FakeServer):
    error = refused(server, None)
    assert (error.status, error.body, error.headers) == (401, None, CHALLENGE)


def test_a_wrong_password(server: FakeServer):
    error = refused(server, basic("guest", "wrong")["authorization"])
    assert error.status == 401
    assert error.body == {"error": "not_authorized", "reason": "Login failed"}
    assert error.headers == CHALLENGE


def test_scripted_requests_get_no_challenge(server: FakeServer):
    error = refused(server, basic("guest", "wrong")["authorization"], scripted=True)
    assert error.headers == {}


def test_an_unknown_user_looks_like_a_wrong_password(server: FakeServer):
    assert refused(server, basic("nosuch")["authorization"]).reason == "Login failed"


def test_guest_only_from_loopback(server: FakeServer):
    error = refused(server, basic("guest")["authorization"], "10.0.0.7")
    assert error.body == {
        "error": "not_authorised",
        "reason": "User can only log in via localhost",
    }
    assert error.headers == {}


def test_others_from_anywhere(server: FakeServer):
    server.add_user("ann")
    header = basic("ann")["authorization"]
    assert authenticate(server.as_server.vhosts, header, "10.0.0.7").name == "ann"


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer x", "Digest y", "Basic é"]
)
def test_malformed_headers(header: str, server: FakeServer):
    assert parse_basic(header) is None
    assert refused(server, header).reason == "Login failed"


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
        check_tag(user("none"), tag)
    assert (caught.value.status, caught.value.reason) == (401, reason)
