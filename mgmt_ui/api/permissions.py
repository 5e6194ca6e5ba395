"""Permissions of users in virtual hosts, and those on topics (spec 2.4, 3.11)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from vhosts.permissions import Permission
    from vhosts.topic_permissions import TopicPermission


def index(call: Call) -> "Listing[Permission]":
    """GET /permissions"""
    return _listing(call.server.vhosts.permissions)


def of_vhost(call: Call) -> "Listing[Permission]":
    """GET /vhosts/:vhost/permissions"""
    vhost = call.any_vhost.name
    return _listing(entry for entry in call.server.vhosts.permissions if entry.vhost == vhost)


def of_user(call: Call) -> "Listing[Permission]":
    """GET /users/:user/permissions"""
    user = call.any_user.name
    return _listing(entry for entry in call.server.vhosts.permissions if entry.user == user)


def _listing(entries: "Iterable[Permission]") -> "Listing[Permission]":
    found = sorted(entries, key=lambda entry: (entry.user, entry.vhost))
    return Listing(found, lambda entry: entry.user, describe)


def describe(entry: "Permission") -> Row:
    """The permission object."""
    return {
        "user": entry.user,
        "vhost": entry.vhost,
        "configure": entry.configure,
        "write": entry.write,
        "read": entry.read,
    }


def show(call: Call) -> Row:
    """GET /permissions/:vhost/:user"""
    entry = call.server.vhosts.permissions.get(call.path["user"], call.path["vhost"])
    if entry is None:
        raise not_found()
    return describe(entry)


async def put(call: Call) -> Answer:
    """PUT /permissions/:vhost/:user: all three patterns."""
    body, permissions = await call.body(), call.server.vhosts.permissions
    user, vhost = _whose(call)
    body.require("configure", "write", "read")
    new = permissions.get(user, vhost) is None
    permissions.set(
        user, vhost, body.string("configure"), body.string("write"), body.string("read")
    )
    await call.stored()
    return created(new)


async def delete(call: Call) -> Answer:
    """DELETE /permissions/:vhost/:user"""
    if not call.server.vhosts.permissions.delete(call.path["user"], call.path["vhost"]):
        raise not_found()
    await call.stored()
    return DONE


def _whose(call: Call) -> tuple[str, str]:
    user, vhost = call.path["user"], call.path["vhost"]
    if call.server.vhosts.users.get(user) is None or call.server.vhosts.get(vhost) is None:
        raise bad_request("vhost_or_user_not_found")
    return user, vhost


# -- topics ------------------------------------------------------------------------------------


def topics(call: Call) -> "Listing[TopicPermission]":
    """GET /topic-permissions"""
    return _topic_listing(call.server.vhosts.topic_permissions)


def topics_of_vhost(call: Call) -> "Listing[TopicPermission]":
    """GET /vhosts/:vhost/topic-permissions"""
    vhost = call.any_vhost.name
    entries = call.server.vhosts.topic_permissions
    return _topic_listing(entry for entry in entries if entry.vhost == vhost)


def topics_of_user(call: Call) -> "Listing[TopicPermission]":
    """GET /users/:user/topic-permissions"""
    user = call.any_user.name
    entries = call.server.vhosts.topic_permissions
    return _topic_listing(entry for entry in entries if entry.user == user)


def topics_of_both(call: Call) -> "Listing[TopicPermission]":
    """GET /topic-permissions/:vhost/:user, and with /:exchange: 404 where there is none."""
    entries = call.server.vhosts.topic_permissions.of(call.path["user"], call.path["vhost"])
    wanted = _exchange(call)
    found = [entry for entry in entries if wanted in (None, entry.exchange)]
    if not found:
        raise not_found()
    return _topic_listing(found)


def _exchange(call: Call) -> str | None:
    name = call.path.get("exchange")
    return "" if name == "amq.default" else name


def _topic_listing(entries: "Iterable[TopicPermission]") -> "Listing[TopicPermission]":
    found = sorted(entries, key=lambda entry: (entry.user, entry.vhost, entry.exchange))
    return Listing(found, lambda entry: entry.user, describe_topic)


def describe_topic(entry: "TopicPermission") -> Row:
    """The topic permission object."""
    return {
        "user": entry.user,
        "vhost": entry.vhost,
        "exchange": entry.exchange,
        "write": entry.write,
        "read": entry.read,
    }


async def put_topics(call: Call) -> Answer:
    """PUT /topic-permissions/:vhost/:user: 204 where the user has any already, as in RabbitMQ."""
    body, permissions = await call.body(), call.server.vhosts.topic_permissions
    user, vhost = _whose(call)
    body.require("exchange", "write", "read")
    new = not permissions.of(user, vhost)
    permissions.set(user, vhost, body.string("exchange"), body.string("write"), body.string("read"))
    await call.stored()
    return created(new)


async def delete_topics(call: Call) -> Answer:
    """DELETE /topic-permissions/:vhost/:user, and with /:exchange only the one for it."""
    user, vhost = call.path["user"], call.path["vhost"]
    if not call.server.vhosts.topic_permissions.delete(user, vhost, _exchange(call)):
        raise not_found()
    await call.stored()
    return DONE
