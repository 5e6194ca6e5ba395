import pytest

from mgmt_ui import sessions as module
from mgmt_ui.sessions import Sessions
from tests.unit.mgmt_ui.fakes import FakeServer


@pytest.fixture
def guest(server: FakeServer):
    return server.vhosts.users.get("guest")


@pytest.fixture
def sessions(server: FakeServer):
    return Sessions(server.clock, server.vhosts.users)


def test_a_token_stands_for_its_user(sessions, guest):
    first, second = sessions.open(guest, 60), sessions.open(guest, 60)
    assert first != second
    assert sessions.user(first) is sessions.user(second) is guest
    assert sessions.user("") is None
    assert sessions.user(first + "x") is None
    assert first.encode() not in sessions._sessions  # what is in memory opens nothing


def test_it_expires(sessions, guest, server):
    token = sessions.open(guest, 60)
    server.clock.advance(59)
    assert sessions.user(token) is guest
    server.clock.advance(1)
    assert sessions.user(token) is None
    assert len(sessions._sessions) == 0


def test_it_can_be_handed_back(sessions, guest):
    token, other = sessions.open(guest, 60), sessions.open(guest, 60)
    sessions.close(token)
    sessions.close(token)
    assert sessions.user(token) is None
    assert sessions.user(other) is guest


def test_it_ends_with_the_password(sessions, guest, server):
    token = sessions.open(guest, 60)
    server.vhosts.users.add("guest", "another", ["management"])
    assert sessions.user(token) is None


def test_it_ends_with_the_user(sessions, guest, server):
    token = sessions.open(guest, 60)
    server.vhosts.users.delete("guest")
    assert sessions.user(token) is None


def test_tags_are_those_of_now(sessions, guest, server):
    token = sessions.open(guest, 60)
    users = server.vhosts.users
    users.add_hashed("guest", guest.password_hash, guest.hashing_algorithm, ["management"])
    assert sessions.user(token).tags == ("management",)


def test_memory_is_bounded(sessions, guest, server, monkeypatch):
    monkeypatch.setattr(module, "MAX_OF_USER", 3)
    monkeypatch.setattr(module, "MAX_SESSIONS", 5)
    server.add_user("ann")
    ann = sessions.open(server.vhosts.users.get("ann"), 60)
    tokens = [sessions.open(guest, 60) for _ in range(10)]
    assert [sessions.user(token) is guest for token in tokens] == [False] * 7 + [True] * 3
    assert sessions.user(ann).name == "ann"
    for number in range(4):
        server.add_user(f"u{number}")
        sessions.open(server.vhosts.users.get(f"u{number}"), 60)
    assert sessions.user(ann) is None
    assert len(sessions._sessions) == 5
