"""`brokerctl trace`: tracing, by which amq.rabbitmq.trace gets a copy of all that passes."""

from mgmt_ui.cli.base import group, with_session
from mgmt_ui.cli.session import Session
from mgmt_ui.cli.values import path


@group("trace")
def trace() -> None:
    """Tracing: list, on, off.

    While it is on, the exchange amq.rabbitmq.trace of a virtual host gets a copy of every message
    that is published or delivered there, which costs about as much as delivering it once more.
    """


@trace.command("list")
@with_session
def index(session: Session) -> None:
    """List the virtual hosts, with whether they are traced."""
    session.fetch("/vhosts", ("name", "tracing"))


@trace.command()
@with_session
def on(session: Session) -> None:
    """Turn tracing on in the virtual host."""
    _set(session, True)


@trace.command()
@with_session
def off(session: Session) -> None:
    """Turn tracing off in the virtual host."""
    _set(session, False)


def _set(session: Session, tracing: bool) -> None:
    found = session.api.get(path("vhosts", session.vhost))
    if bool(found.get("tracing")) is tracing:
        session.out.note("unchanged")
        return
    # A PUT resets what it does not name.
    kept = {key: found[key] for key in ("description", "default_queue_type") if found.get(key)}
    if found.get("tags"):
        kept["tags"] = ",".join(found["tags"])
    body = {**kept, "tracing": tracing}
    session.change("PUT", path("vhosts", session.vhost), body, done="on" if tracing else "off")
