"""Policies and operator policies as JSON, made and removed (spec 2.8, 3.12)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.call import Call
from mgmt_ui.errors import not_found
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from broker.queue import Queue
    from vhosts.policies import Policies, Policy
    from vhosts.vhost import VirtualHost

Placed = tuple[str, "Policy"]
"""A policy with the name of its virtual host, which it does not know itself."""


def index(call: Call) -> Listing[Placed]:
    """GET /policies: those of every virtual host the user may enter."""
    return _listing(each for vhost in call.visible_vhosts() for each in _placed(vhost))


def index_of_vhost(call: Call) -> Listing[Placed]:
    """GET /policies/:vhost"""
    return _listing(_placed(call.vhost))


def show(call: Call) -> Row:
    """GET /policies/:vhost/:name"""
    return _show(call, call.vhost.policies)


async def put(call: Call) -> Answer:
    """PUT /policies/:vhost/:name: what the body leaves out goes back to its default."""
    return await _put(call, call.vhost.policies)


async def delete(call: Call) -> Answer:
    """DELETE /policies/:vhost/:name"""
    return await _delete(call, call.vhost.policies)


def operator_index(call: Call) -> Listing[Placed]:
    """GET /operator-policies"""
    vhosts = call.visible_vhosts()
    return _listing(each for vhost in vhosts for each in _placed(vhost, operator=True))


def operator_index_of_vhost(call: Call) -> Listing[Placed]:
    """GET /operator-policies/:vhost"""
    return _listing(_placed(call.vhost, operator=True))


def operator_show(call: Call) -> Row:
    """GET /operator-policies/:vhost/:name"""
    return _show(call, call.vhost.operator_policies)


async def operator_put(call: Call) -> Answer:
    """PUT /operator-policies/:vhost/:name"""
    return await _put(call, call.vhost.operator_policies)


async def operator_delete(call: Call) -> Answer:
    """DELETE /operator-policies/:vhost/:name"""
    return await _delete(call, call.vhost.operator_policies)


def _placed(vhost: "VirtualHost[Queue]", *, operator: bool = False) -> list[Placed]:
    policies = vhost.operator_policies if operator else vhost.policies
    return [(vhost.name, policy) for policy in sorted(policies, key=lambda policy: policy.name)]


def _listing(placed: Iterable[Placed]) -> Listing[Placed]:
    return Listing(list(placed), lambda place: place[1].name, describe)


def _show(call: Call, policies: "Policies") -> Row:
    policy = policies.get(call.path["name"])
    if policy is None:
        raise not_found()
    return describe((call.vhost.name, policy))


async def _put(call: Call, policies: "Policies") -> Answer:
    body = await call.body()
    body.require("pattern", "definition")
    name = call.path["name"]
    new = policies.get(name) is None
    policies.set(
        name,
        pattern=body.get("pattern"),
        definition=body.get("definition"),
        priority=body.get("priority", 0),
        apply_to=body.get("apply-to", "all"),
    )
    await call.stored()
    return created(new)


async def _delete(call: Call, policies: "Policies") -> Answer:
    if not policies.delete(call.path["name"]):
        raise not_found()
    await call.stored()
    return DONE


def describe(placed: Placed) -> Row:
    """The policy object."""
    vhost, policy = placed
    return {
        "vhost": vhost,
        "name": policy.name,
        "pattern": policy.pattern,
        "apply-to": policy.apply_to,
        "definition": policy.definition,
        "priority": policy.priority,
    }
