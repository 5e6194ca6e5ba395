"""Users, their tags and their logins (spec 10.2)."""

import pytest

from tests.unit.vhosts.fakes import RecordingStore
from vhosts import users as users_module
from vhosts.errors import InvalidValue
from vhosts.passwords import DEFAULT_ALGORITHM, hash_password, verify_password
from vhosts.users import User, Users


@pytest.fixture
def store():
    return RecordingStore()


@pytest.fixture
def users(store):
    return Users(store)


def test_add_and_authenticate(users):
    user = users.add("ann", "secret", ["management"])
    assert users.authenticate("ann", "secret") is user
    assert users.authenticate("ann", "wrong") is None
    assert user.tags == ("management",)
    assert list(users) == [user]
    assert len(users) == 1


def test_an_unknown_user_costs_a_hash_too(users, monkeypatch):
    hashed = []

    def counted(password, password_hash, algorithm):
        hashed.append(password)
        return verify_password(password, password_hash, algorithm)

    monkeypatch.setattr(users_module, "verify_password", counted)
    assert users.authenticate("nobody", "secret") is None
    assert users.authenticate("nobody", "") is None
    assert hashed == ["secret", ""]


def test_adding_again_replaces_password_and_tags(users):
    users.add("ann", "old", ["administrator"])
    users.add("ann", "new")
    assert users.authenticate("ann", "old") is None
    assert users.authenticate("ann", "new").tags == ()


def test_a_ready_hash(users):
    users.add_hashed("ann", hash_password("x"), DEFAULT_ALGORITHM)
    assert users.authenticate("ann", "x")
    users.add_hashed("bob", "", DEFAULT_ALGORITHM)
    assert users.authenticate("bob", "") is None


def test_unusable_records_are_refused(users, store):
    with pytest.raises(InvalidValue):
        users.add_hashed("ann", "", "rot13")
    with pytest.raises(InvalidValue):
        users.add("ann", "x", [str(n) for n in range(33)])
    assert users.get("ann") is None
    assert store.calls == []


def test_delete(users, store):
    users.add("ann", "x")
    assert users.delete("ann") is True
    assert users.delete("ann") is False
    assert users.authenticate("ann", "x") is None
    assert [name for name, *_ in store.calls] == ["save_user", "delete_user"]


def test_loaded_users_are_not_stored_again(store):
    users = Users(store, [User("ann", hash_password("x"))])
    assert users.authenticate("ann", "x")
    assert store.calls == []
