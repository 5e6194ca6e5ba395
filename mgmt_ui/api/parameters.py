"""Runtime parameters and global parameters as JSON, set and removed (spec 2.8, 3.13)."""

from typing import TYPE_CHECKING, Any

from mgmt_ui.answer import DONE, Answer, created
from mgmt_ui.call import Call
from mgmt_ui.errors import not_found
from mgmt_ui.paging import Listing, Row

if TYPE_CHECKING:
    from vhosts.parameters import Parameter

Named = tuple[str, Any]
"""A global parameter: name and value."""


def index(call: Call) -> "Listing[Parameter]":
    """GET /parameters: those of every virtual host the user may enter."""
    return _visible(call, None)


def index_of_component(call: Call) -> "Listing[Parameter]":
    """GET /parameters/:component: empty for an unknown one."""
    return _visible(call, call.path["component"])


def index_of_vhost(call: Call) -> "Listing[Parameter]":
    """GET /parameters/:component/:vhost"""
    return _listing(call.server.vhosts.parameters.list(call.path["component"], call.vhost.name))


def show(call: Call) -> Row:
    """GET /parameters/:component/:vhost/:name"""
    parameter = call.server.vhosts.parameters.get(*_path(call))
    if parameter is None:
        raise not_found()
    return describe(parameter)


async def put(call: Call) -> Answer:
    """PUT /parameters/:component/:vhost/:name"""
    place = _path(call)
    body = await call.body()
    body.require("value")
    parameters = call.server.vhosts.parameters
    new = parameters.get(*place) is None
    parameters.set(*place, body.get("value"))
    await call.stored()
    return created(new)


async def delete(call: Call) -> Answer:
    """DELETE /parameters/:component/:vhost/:name"""
    if not call.server.vhosts.parameters.delete(*_path(call)):
        raise not_found()
    await call.stored()
    return DONE


def global_index(call: Call) -> Listing[Named]:
    """GET /global-parameters"""
    found = list(call.server.vhosts.parameters.globals)
    return Listing(found, lambda item: item[0], describe_global)


def global_show(call: Call) -> Row:
    """GET /global-parameters/:name"""
    name, parameters = call.path["name"], call.server.vhosts.parameters.globals
    if name not in parameters:
        raise not_found()
    return describe_global((name, parameters.get(name)))


async def global_put(call: Call) -> Answer:
    """PUT /global-parameters/:name"""
    body = await call.body()
    body.require("value")
    name, parameters = call.path["name"], call.server.vhosts.parameters.globals
    new = name not in parameters
    parameters.set(name, body.get("value"))
    await call.stored()
    return created(new)


async def global_delete(call: Call) -> Answer:
    """DELETE /global-parameters/:name"""
    if not call.server.vhosts.parameters.globals.delete(call.path["name"]):
        raise not_found()
    await call.stored()
    return DONE


def _path(call: Call) -> tuple[str, str, str]:
    return call.path["component"], call.vhost.name, call.path["name"]


def _visible(call: Call, component: str | None) -> "Listing[Parameter]":
    parameters = call.server.vhosts.parameters
    vhosts = call.visible_vhosts()
    return _listing([each for vhost in vhosts for each in parameters.list(component, vhost.name)])


def _listing(found: "list[Parameter]") -> "Listing[Parameter]":
    return Listing(found, lambda parameter: parameter.name, describe)


def describe(parameter: "Parameter") -> Row:
    """The parameter object."""
    return {
        "value": parameter.value,
        "vhost": parameter.vhost,
        "component": parameter.component,
        "name": parameter.name,
    }


def describe_global(item: Named) -> Row:
    """The object of a global parameter."""
    name, value = item
    return {"name": name, "value": value}
