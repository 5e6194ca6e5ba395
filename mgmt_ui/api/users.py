"""Users: made, changed, deleted (spec 2.4, 3.11)."""

import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Any

from mgmt_ui import terms
from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.call import Call
from mgmt_ui.errors import bad_request, not_found
from mgmt_ui.paging import Listing, Row
from mgmt_ui.payload import Payload, wrong_type, wrong_value
from vhosts.passwords import DEFAULT_ALGORITHM

if TYPE_CHECKING:
    from vhosts.users import User


def index(call: Call) -> "Listing[User]":
    """GET /users"""
    return _listing(call, list(call.server.vhosts.users))


def without_permissions(call: Call) -> "Listing[User]":
    """GET /users/without-permissions: those who cannot enter any virtual host."""
    permitted = {entry.user for entry in call.server.vhosts.permissions}
    return _listing(call, [user for user in call.server.vhosts.users if user.name not in permitted])


def _listing(call: Call, users: "list[User]") -> "Listing[User]":
    users.sort(key=lambda user: user.name)
    return Listing(users, lambda user: user.name, partial(describe, call))


def show(call: Call) -> Row:
    """GET /users/:user"""
    return describe(call, call.any_user)


def describe(call: Call, user: "User") -> Row:
    """The user object."""
    return {
        "name": user.name,
        "password_hash": user.password_hash,
        "hashing_algorithm": user.hashing_algorithm,
        "tags": list(user.tags),
        "limits": call.server.vhosts.limits.of_user(user.name),
    }


async def put(call: Call) -> Answer:
    """PUT /users/:user: tags must be given; without a password an old one stays."""
    name, body, vhosts = call.path["user"], await call.body(), call.server.vhosts
    terms.check_name(name)
    if not name:
        raise not_found()
    limits = body.object("limits") if "limits" in body else None
    vhosts.limits.check_user(limits or {})
    tags = _tags(body)
    old = vhosts.users.get(name)
    if "password" in body and "password_hash" in body:
        raise bad_request("both_password_and_password_hash_are_provided")
    if "password" in body:
        vhosts.users.add(name, body.string("password"), tags)
    else:
        vhosts.users.add_hashed(name, *_hash(body, old), tags)
    if limits is not None:
        vhosts.limits.set_user(name, limits)
    await call.stored()
    return created(old is None)


def _tags(body: Payload) -> tuple[str, ...]:
    if "tags" in body:
        return terms.tags_of(body.get("tags"))
    if "administrator" in body:  # how it was said before there were tags
        return ("administrator",) if body.boolean("administrator") else ()
    raise bad_request("tags_not_present")


def _hash(body: Payload, old: "User | None") -> tuple[str, str]:
    if "password_hash" not in body:
        return (
            ("", DEFAULT_ALGORITHM) if old is None else (old.password_hash, old.hashing_algorithm)
        )
    encoded = body.string("password_hash")
    try:
        base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise wrong_value("not_base64", encoded, "password_hash") from None
    return encoded, body.string("hashing_algorithm", DEFAULT_ALGORITHM)


async def delete(call: Call) -> Answer:
    """DELETE /users/:user: its connections are closed."""
    call.server.vhosts.delete_user(call.any_user.name)
    await call.stored()
    return DONE


async def bulk_delete(call: Call) -> Answer:
    """POST /users/bulk-delete: those of them that there are."""
    body = await call.body()
    body.require("users")
    names: Any = body.get("users")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise wrong_type("not_a_list_of_users", "users")
    for name in names:
        call.server.vhosts.delete_user(name)
    await call.stored()
    return DONE
