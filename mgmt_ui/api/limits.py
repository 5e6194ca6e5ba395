"""Limits of virtual hosts and of users (spec 2.3, 2.4, 3.13)."""

from collections.abc import Callable

from mgmt_ui import terms
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.auth import Tag, has_tag
from mgmt_ui.call import Call
from mgmt_ui.errors import ApiError, bad_request, not_authorised
from mgmt_ui.paging import Listing, Row
from mgmt_ui.payload import wrong_type
from vhosts.errors import InvalidValue
from vhosts.limits import Values


def of_vhosts(call: Call) -> Listing[Row]:
    """GET /vhost-limits: of all virtual hosts that the user may know of."""
    return _listing("vhost", [each.name for each in call.known_vhosts()], _vhost_limits(call))


def of_vhost(call: Call) -> Listing[Row]:
    """GET /vhost-limits/:vhost: an array all the same."""
    name = call.any_vhost.name
    if not call.monitoring and not call.may_enter(name):
        raise not_authorised("User not authorised to access virtual host")
    return _listing("vhost", [name], _vhost_limits(call))


def of_users(call: Call) -> Listing[Row]:
    """GET /user-limits"""
    names = sorted(user.name for user in call.server.vhosts.users)
    return _listing("user", names, _user_limits(call))


def of_user(call: Call) -> Listing[Row]:
    """GET /user-limits/:user: one's own, or anybody's to monitoring users."""
    if call.path["user"] != call.user.name and not has_tag(call.user, Tag.MONITORING):
        raise not_authorised("Not monitor user")
    return _listing("user", [call.any_user.name], _user_limits(call))


def _vhost_limits(call: Call) -> Callable[[str], Values]:
    return call.server.vhosts.limits.of_vhost


def _user_limits(call: Call) -> Callable[[str], Values]:
    return call.server.vhosts.limits.of_user


def _listing(kind: str, names: list[str], limits: Callable[[str], Values]) -> Listing[Row]:
    rows: list[Row] = [{kind: name, "value": limits(name)} for name in names]
    return Listing(
        [row for row in rows if row["value"]], lambda row: str(row[kind]), lambda row: row
    )


async def put_of_vhost(call: Call) -> Answer:
    """PUT /vhost-limits/:vhost/:name"""
    value, vhosts = await terms.limit_of(call), call.server.vhosts
    vhost = vhosts.get(call.path["vhost"])
    if vhost is None:
        raise ApiError(404, "not_found", "vhost_not_found")
    try:
        vhosts.limits.check_vhost({call.path["name"]: value})
    except InvalidValue as error:
        raise bad_request(f"Validation failed\n\n{error.text}\n") from None
    vhosts.set_limits(vhost.name, vhosts.limits.of_vhost(vhost.name) | {call.path["name"]: value})
    await call.stored()
    return DONE


async def delete_of_vhost(call: Call) -> Answer:
    """DELETE /vhost-limits/:vhost/:name: fine where there is none."""
    vhosts, vhost = call.server.vhosts, call.any_vhost.name
    values = vhosts.limits.of_vhost(vhost)
    if values.pop(call.path["name"], None) is not None:
        vhosts.set_limits(vhost, values)
        await call.stored()
    return DONE


async def put_of_user(call: Call) -> Answer:
    """PUT /user-limits/:user/:name"""
    value, vhosts = await terms.limit_of(call), call.server.vhosts
    user = call.path["user"]
    if vhosts.users.get(user) is None:
        raise wrong_type("no_such_user", user)
    vhosts.limits.set_user(user, vhosts.limits.of_user(user) | {call.path["name"]: value})
    await call.stored()
    return DONE


async def delete_of_user(call: Call) -> Answer:
    """DELETE /user-limits/:user/:name: fine where there is none."""
    vhosts, user = call.server.vhosts, call.any_user.name
    values = vhosts.limits.of_user(user)
    if values.pop(call.path["name"], None) is not None:
        vhosts.limits.set_user(user, values)
        await call.stored()
    return DONE
