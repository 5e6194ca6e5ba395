"""Who may configure, write and read what (spec 10.3)."""

import pytest

from tests.unit.vhosts.fakes import RecordingStore
from vhosts import permissions as module
from vhosts.errors import AccessRefused, InvalidValue, NotAllowed
from vhosts.permissions import Permission, Permissions


@pytest.fixture
def changed():
    return []


@pytest.fixture
def store():
    return RecordingStore()


@pytest.fixture
def permissions(store, changed):
    return Permissions(store, changed.append)


def refused(call, *args):
    with pytest.raises(AccessRefused) as caught:
        call(*args)
    return caught.value.text


def test_each_permission_has_its_pattern(permissions):
    permissions.set("ann", "/", "^c", "^w", "^r")
    permissions.check("ann", "/", "configure", "queue", "cq")
    permissions.check("ann", "/", "write", "exchange", "wx")
    permissions.check("ann", "/", "read", "queue", "rq")
    text = refused(permissions.check, "ann", "/", "configure", "queue", "wx")
    assert text == "configure access to queue 'wx' in vhost '/' refused for user 'ann'"
    text = refused(permissions.check, "ann", "/", "write", "exchange", "rq")
    assert text == "write access to exchange 'rq' in vhost '/' refused for user 'ann'"


def test_patterns_are_searched_unanchored(permissions):
    permissions.set("ann", "/", "a", "a", "a")
    permissions.check("ann", "/", "configure", "queue", "banana")


def test_the_empty_pattern_matches_nothing(permissions):
    permissions.set("ann", "/", "", ".*", ".*")
    refused(permissions.check, "ann", "/", "configure", "queue", "")
    refused(permissions.check, "ann", "/", "configure", "queue", "q")


def test_the_default_exchange_has_a_name_here(permissions):
    permissions.set("ann", "/", "", "^amq[.]default$", "")
    permissions.check("ann", "/", "write", "exchange", "")
    permissions.set("ann", "/", "", "^x$", "")
    text = refused(permissions.check, "ann", "/", "write", "exchange", "")
    assert text == "write access to exchange 'amq.default' in vhost '/' refused for user 'ann'"


def test_any_of_the_three(permissions):
    permissions.set("ann", "/", "", "", "^q")
    permissions.check("ann", "/", "any", "queue", "q1")
    text = refused(permissions.check, "ann", "/", "any", "queue", "x")
    assert text == "access to queue 'x' in vhost '/' refused for user 'ann'"


def test_no_entry_opens_nothing(permissions):
    refused(permissions.check, "ann", "/", "read", "queue", "q")
    with pytest.raises(NotAllowed) as caught:
        permissions.check_vhost("ann", "/")
    assert caught.value.text == "access to vhost '/' refused for user 'ann'"


def test_an_entry_opens_the_vhost_even_when_all_empty(permissions):
    permissions.set("ann", "/", "", "", "")
    permissions.check_vhost("ann", "/")


@pytest.mark.parametrize("pattern", ["(", "*", "[a", "a{99999999999}", "(?P<x"])
def test_what_is_no_regex_is_refused_and_changes_nothing(permissions, store, changed, pattern):
    with pytest.raises(InvalidValue) as caught:
        permissions.set("ann", "/", ".*", pattern, ".*")
    assert pattern in caught.value.text
    assert permissions.get("ann", "/") is None
    assert store.calls == changed == []


def test_patterns_that_python_only_warns_of(permissions):
    permissions.set("ann", "/", "[[a]", ".*", ".*")
    permissions.check("ann", "/", "configure", "queue", "[")


def test_changes_are_stored_and_told(permissions, store, changed):
    permissions.set("ann", "/", ".*", ".*", ".*")
    assert permissions.delete("ann", "/") is True
    assert permissions.delete("ann", "/") is False
    assert [name for name, *_ in store.calls] == ["save_permission", "delete_permission"]
    assert changed == ["/", "/"]


def test_a_deleted_user_leaves_no_entries(permissions, changed):
    for vhost in ("/", "other"):
        permissions.set("ann", vhost, ".*", ".*", ".*")
    permissions.set("bob", "/", ".*", ".*", ".*")
    changed.clear()
    permissions.delete_user("ann")
    assert [(entry.user, entry.vhost) for entry in permissions] == [("bob", "/")]
    assert changed == ["/", "other"]


def test_an_authoriser_follows_changes(permissions):
    permissions.set("ann", "/", "^a", "", "")
    authorise = permissions.authoriser("ann", "/")
    authorise("configure", "queue", "a")
    refused(authorise, "configure", "queue", "b")
    permissions.set("ann", "/", "^b", "", "")
    authorise("configure", "queue", "b")
    refused(authorise, "configure", "queue", "a")


def test_remembered_answers_are_bounded_and_right(monkeypatch):
    monkeypatch.setattr(module, "_MAX_ANSWERS", 10)
    permission = Permission("ann", "/", "^.*[02468]$", "", "")
    for number in [*range(100), *range(100)]:
        name = str(number)
        assert permission.allows("configure", "queue", name) is (number % 2 == 0)
        assert len(permission._answers) <= 10
