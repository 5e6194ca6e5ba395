"""Logging in, and who somebody is (spec 1.3, 2.1, 3.15)."""

from urllib.parse import parse_qs

from mgmt_ui import auth
from mgmt_ui.answer import DONE, Answer
from mgmt_ui.call import Call
from mgmt_ui.errors import not_found
from mgmt_ui.paging import Row
from vhosts import passwords
from vhosts.permissions import PERMISSIONS, Permission

# Of a form that holds a name and a password.
MAX_FORM_BYTES = 16384
# In the order of RabbitMQ's list.
PROTOCOLS = ("http", "amqp091")


def whoami(call: Call) -> Row:
    """GET /whoami"""
    return {"name": call.user.name, "tags": list(call.user.tags), "is_internal_user": True}


def own_permissions(call: Call) -> list[Row]:
    """GET /whoami/permissions (ours): what the user may do in each virtual host, by pattern.

    Patterns are null where another back end decides, which is asked for each action only.
    """
    elsewhere = call.user.identity is not None
    permissions = call.server.vhosts.permissions
    return [
        {
            "vhost": vhost.name,
            **_patterns(None if elsewhere else permissions.get(call.user.name, vhost.name)),
        }
        for vhost in call.visible_vhosts()
    ]


def _patterns(permission: Permission | None) -> Row:
    return {each: permission and getattr(permission, each) for each in PERMISSIONS}


def methods(_call: Call) -> Row:
    """GET /auth: no other ways to log in than passwords."""
    return {"oauth_enabled": False, "enable_uaa": False, "uaa_client_id": "", "uaa_location": ""}


async def log_in(call: Call) -> Row:
    """POST /login: a form with username and password; the token opens what they would."""
    scripted = "x-requested-with" in call.headers
    user = await auth.log_in(call.server, await _credentials(call), call.remote)
    if user is None:
        raise auth.login_failed(scripted)
    auth.check_loopback(call.server, user, call.remote)
    auth.check_tag(user, auth.Tag.MANAGEMENT)
    minutes = call.server.options.login_session_timeout
    return {
        "token": {"type": "bearer", "value": call.sessions.open(user, minutes * 60)},
        "user": {
            "name": user.name,
            "tags": list(user.tags),
            "login_session_timeout": minutes,
        },
    }


async def _credentials(call: Call) -> tuple[str, str]:
    raw = await call.raw_body()
    try:
        # Any bytes may be a password: what is no UTF-8 stands as AMQP reads it.
        form = parse_qs(
            raw[:MAX_FORM_BYTES].decode("utf-8", "surrogateescape"),
            keep_blank_values=True,
            max_num_fields=16,
            errors="surrogateescape",
        )
    except ValueError:
        form = {}
    return form.get("username", [""])[0], form.get("password", [""])[0]


def log_out(call: Call) -> Answer:
    """DELETE /login: the token of this request opens nothing any more."""
    token = auth.parse_bearer(call.headers.get("authorization", ""))
    if token is not None:
        call.sessions.close(token)
    return DONE


def attempts(call: Call) -> list[Row]:
    """GET /auth/attempts/:node: how many logins were tried, by protocol."""
    _check_node(call)
    found = call.server.context.logins.attempts
    return [
        {
            "protocol": protocol,
            "auth_attempts": found[protocol].failed + found[protocol].succeeded,
            "auth_attempts_failed": found[protocol].failed,
            "auth_attempts_succeeded": found[protocol].succeeded,
        }
        for protocol in (*PROTOCOLS, *sorted(found.keys() - set(PROTOCOLS)))
        if protocol in found
    ]


def sources(call: Call) -> list[Row]:
    """GET /auth/attempts/:node/source: addresses are not counted one by one."""
    _check_node(call)
    return []


def forget_attempts(call: Call) -> Answer:
    """DELETE /auth/attempts/:node, and /source."""
    _check_node(call)
    call.server.context.logins.reset()
    return DONE


def _check_node(call: Call) -> None:
    if call.path["node"] != call.server.node_name:
        raise not_found()


def hash_password(call: Call) -> Row:
    """GET /auth/hash_password/:password"""
    return {"ok": passwords.hash_password(call.path["password"])}
