"""The handshake, from the protocol header to connection.open, as a state machine (spec 2.1 to 2.6).

Here: what is answered to each step and who gets in.  Not here: sockets and
time; how long a refused peer is kept waiting is said, not done.
"""

import platform
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

from pamqp import commands

from broker import __version__, audit, replies, sasl
from broker.amqp import cold, errors
from broker.amqp.errors import ProtocolViolation
from broker.amqp.protocol import PROTOCOL_HEADER, VIOLATION, Command
from broker.amqp.tables import Table
from broker.logins import Door
from broker.sasl import MECHANISMS, STRANGER, Credentials, MalformedResponse, NoCertificate, Peer
from broker.waiting import Waiting
from vhosts.errors import BrokerError

if TYPE_CHECKING:
    from broker.access import Gatekeeper
    from broker.queue import Queue
    from vhosts.registry import VirtualHosts
    from vhosts.users import User
    from vhosts.vhost import VirtualHost

AMQP_0_9_1 = b"AMQP\x00\x00\x09\x01"
# 1.1-0.9 is how clients of AMQP 0-9 introduce themselves, which got the same handshake.
ACCEPTED_HEADERS = (AMQP_0_9_1, b"AMQP\x01\x01\x00\x09")

FRAME_LIMIT = 8192  # before tune-ok; some tokens in start-ok need more than the 4096 of old
FRAME_MIN = 4096
NO_LIMIT = 0xFFFFFFFF
REFUSAL_SECONDS = 3.0  # slows down who tries passwords

CAPABILITIES = (
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
)


class ServerIdentity:
    """What the broker says of itself in connection.start (spec 2.2).

    Product and version are RabbitMQ's by default, because clients branch on them.  Celery's kombu
    takes a RabbitMQ of 3.3 to 3.x for one whose prefetch only works channel-wide, and then sends
    basic.qos with global set; from 4.0 on it sets prefetch per consumer, as the protocol means
    it.  Both work here; 4.1.0 asks for the better one, and is what the HTTP API says, too.
    Clients that know another product by its name might leave out what they need RabbitMQ for.
    """

    __slots__ = ("_start_frames", "cluster_name", "product", "version")

    def __init__(
        self, cluster_name: str, *, product: str = "RabbitMQ", version: str = "4.1.0"
    ) -> None:
        self.cluster_name = cluster_name
        self.product = product
        self.version = version
        self._start_frames: dict[str, bytes] = {}

    def rename(self, cluster_name: str) -> None:
        """Whoever connects from now on is told this name."""
        self.cluster_name = cluster_name
        self._start_frames.clear()

    def start_frame(self, mechanisms: str) -> bytes:
        """connection.start; the same for all who are offered the same, so made once."""
        frame = self._start_frames.get(mechanisms)
        if frame is None:
            start = cold.connection_start(self.properties(), mechanisms)
            frame = self._start_frames[mechanisms] = cold.method_frame(0, start)
        return frame

    def properties(self) -> Table:
        """The server-properties, keys sorted."""
        return {
            "capabilities": ("F", dict.fromkeys(CAPABILITIES, ("t", True))),
            "cluster_name": ("S", self.cluster_name),
            "copyright": ("S", "Copyright (c) the Leveret authors"),
            "information": ("S", "Leveret, a message broker that speaks as RabbitMQ does"),
            "platform": ("S", f"Leveret {__version__}, Python {platform.python_version()}"),
            "product": ("S", self.product),
            "version": ("S", self.version),
        }


class Limits:
    """What connection.tune offers, 0 meaning no limit, and who may only come from this machine.

    `heartbeat` is in seconds, 0 for none; it is a proposal, the client decides.  `mechanisms` may
    be offered, where they fit, `anonymous_user` is whom ANONYMOUS lets in as, if anybody, and
    `certificate_names` what of a certificate names its user (a key of certificates.USER_NAMES).
    """

    __slots__ = (
        "anonymous_user",
        "certificate_names",
        "channel_max",
        "frame_max",
        "heartbeat",
        "loopback_users",
        "mechanisms",
    )

    def __init__(
        self,
        *,
        channel_max: int = 2047,
        frame_max: int = 131072,
        heartbeat: int = 60,
        loopback_users: frozenset[str] = frozenset({"guest"}),
        mechanisms: tuple[str, ...] = sasl.ALL,
        anonymous_user: str | None = None,
        certificate_names: str = "distinguished_name",
    ) -> None:
        self.channel_max = channel_max
        self.frame_max = frame_max
        self.heartbeat = heartbeat
        self.loopback_users = loopback_users
        self.mechanisms = mechanisms
        self.anonymous_user = anonymous_user
        self.certificate_names = certificate_names


class Outcome(Enum):
    """Where a step leads."""

    CONTINUE = "continue"
    RUNNING = "running"
    REFUSED = "refused"


class Step:
    """What follows from one command: `frames` go out in any case.

    Where REFUSED, the socket is closed `close_after` seconds later (0: as soon as the frames are
    written), or on close-ok; `reason` is for the log.
    """

    __slots__ = ("close_after", "frames", "outcome", "reason")

    def __init__(
        self,
        *frames: bytes,
        outcome: Outcome = Outcome.CONTINUE,
        close_after: float = 0.0,
        reason: str = "",
    ) -> None:
        self.frames = frames
        self.outcome = outcome
        self.close_after = close_after
        self.reason = reason


class _State(Enum):
    # In the words of error texts.
    HEADER = "pre_init"
    STARTING = "starting"
    TUNING = "tuning"
    OPENING = "opening"
    OVER = "closed"


class Handshake:
    """The handshake of one connection.

    `frame_limit` is what the protocol may take at each moment.  After a RUNNING step the other
    attributes hold what was agreed; `channel_max` and `frame_max` are 0 where unlimited,
    `heartbeat` is in seconds.
    """

    __slots__ = (
        "_address",
        "_claimed",
        "_door",
        "_found",
        "_identity",
        "_is_loopback",
        "_keeper",
        "_limits",
        "_offered",
        "_peer",
        "_permitted",
        "_state",
        "_vhosts",
        "channel_max",
        "client_properties",
        "frame_limit",
        "frame_max",
        "heartbeat",
        "mechanism",
        "user",
        "vhost",
    )

    user: "User"
    vhost: "VirtualHost[Queue]"

    def __init__(
        self,
        identity: ServerIdentity,
        vhosts: "VirtualHosts[Queue]",
        limits: Limits,
        door: Door,
        *,
        is_loopback: bool,
        peer: Peer = STRANGER,
        keeper: "Gatekeeper | None" = None,
        address: str = "",
    ) -> None:
        self._identity = identity
        self._vhosts = vhosts
        self._limits = limits
        self._door = door
        self._is_loopback = is_loopback
        self._peer = peer
        self._keeper = keeper
        self._address = address
        self._claimed: str | None = None
        # What others have said of the user, once they have been asked.
        self._found: tuple[User | None] | None = None
        self._permitted: bool | None = None
        self._offered = sasl.offered(peer, limits.mechanisms)
        self._state = _State.HEADER
        self.frame_limit = FRAME_LIMIT
        self.client_properties: Table = {}
        self.mechanism = ""
        self.channel_max = 0
        self.frame_max = 0
        self.heartbeat = 0

    def capable(self, capability: str) -> bool:
        """Whether the client's properties list this capability as true."""
        tag, capabilities = self.client_properties.get("capabilities", ("V", None))
        return tag == "F" and capabilities.get(capability) == ("t", True)

    def handle(self, command: Command) -> Step:
        """What follows from one command of `Protocol.commands`.

        Raises nothing but Waiting, where others have to be asked: then it is to be called again
        with the same command.
        """
        channel, kind = command[0], command[1]
        try:
            if kind == VIOLATION:
                return self._refuse(command[2])
            take = _STEPS.get((self._state, kind)) if channel == 0 else None
            if take is None:
                method = kind & 0xFFFFFFFF
                return self._refuse(errors.unexpected_method(method, self._state.value))
            return take(self, command[2])
        except (ProtocolViolation, BrokerError) as error:
            return self._refuse(error, kind)

    # -- steps ---------------------------------------------------------------------------

    def _header(self, header: bytes) -> Step:
        if header not in ACCEPTED_HEADERS:
            # Says which version would have been understood (spec 2.1).
            self._state = _State.OVER
            return Step(
                AMQP_0_9_1, outcome=Outcome.REFUSED, reason=f"bad protocol header {header!r}"
            )
        self._state = _State.STARTING
        return Step(self._identity.start_frame(self._offered))

    def _start_ok(self, arguments: bytes) -> Step:
        command = cold.decode(commands.Connection.StartOk.index, arguments)
        assert isinstance(command, commands.Connection.StartOk)
        self.client_properties = cold.client_properties(command)
        self.mechanism = command.mechanism
        if command.mechanism not in self._offered.split():
            return self._silence(f"unknown mechanism '{command.mechanism}'")
        read = MECHANISMS[command.mechanism].read
        try:
            credentials = read(cold.response(command), self._peer)
        except MalformedResponse:
            return self._silence(f"malformed {command.mechanism} response")
        except NoCertificate:
            return self._login_refused("no certificate that names a user", REFUSAL_SECONDS)
        self._claimed = credentials.name
        user = self._authenticate(credentials)
        if user is None:
            delay = self._door.failed(credentials.name)
            reason = f"user '{credentials.name}' refused by mechanism {self.mechanism}"
            return self._login_refused(reason, max(delay, REFUSAL_SECONDS))
        self._door.succeeded()
        self.user = user
        self._claimed = user.name
        self._state = _State.TUNING
        limits = self._limits
        tune = cold.connection_tune(limits.channel_max, limits.frame_max, limits.heartbeat)
        return Step(cold.method_frame(0, tune))

    def _authenticate(self, credentials: Credentials) -> "User | None":
        name, password = credentials
        if not self._door.hears(name):
            return None
        if self._keeper is not None:
            user = self._known_elsewhere(self._keeper, name, password)
        else:
            users = self._vhosts.users
            user = users.get(name) if password is None else users.authenticate(name, password)
        if user is None or (user.name in self._limits.loopback_users and not self._is_loopback):
            return None
        return user

    def _known_elsewhere(
        self, keeper: "Gatekeeper", name: str, password: str | None
    ) -> "User | None":
        if self._found is not None:
            return self._found[0]
        if (user := keeper.known_here(name, password)) is not None:
            return user

        async def ask() -> None:
            self._found = (await keeper.login(name, password),)

        raise Waiting(ask)

    def _tune_ok(self, arguments: bytes) -> Step:
        command = cold.decode(commands.Connection.TuneOk.index, arguments)
        assert isinstance(command, commands.Connection.TuneOk)
        limits = self._limits
        _check("channel_max", command.channel_max, 1, limits.channel_max)
        _check("frame_max", command.frame_max, FRAME_MIN, limits.frame_max)
        self.channel_max = command.channel_max
        self.frame_max = command.frame_max
        self.heartbeat = command.heartbeat
        self.frame_limit = command.frame_max or NO_LIMIT
        self._state = _State.OPENING
        return Step()

    def _open(self, arguments: bytes) -> Step:
        command = cold.decode(commands.Connection.Open.index, arguments)
        assert isinstance(command, commands.Connection.Open)
        name = command.virtual_host
        if self.user.identity is not None and self._permitted is None:
            raise Waiting(lambda: self._ask_permission(name))
        self.vhost = self._vhosts.enter(self.user.name, name, permitted=self._permitted)
        self._state = _State.OVER
        return Step(cold.method_frame(0, cold.connection_open_ok()), outcome=Outcome.RUNNING)

    async def _ask_permission(self, vhost: str) -> None:
        from broker import access  # there already, where anybody has an identity

        self._permitted = await access.may_enter(self.user.identity, vhost, self._address)

    def _close(self, arguments: bytes) -> Step:
        cold.decode(commands.Connection.Close.index, arguments)
        return self._end("closed by the client", cold.connection_close_ok())

    # -- refusals ------------------------------------------------------------------------

    def _login_refused(self, reason: str, delay: float) -> Step:
        # Clients are told the same for all reasons, so that nobody learns which users there are.
        if not self.capable("authentication_failure_close"):
            return self._end(reason, close_after=delay)
        text = errors.format_reply_text(
            "ACCESS_REFUSED",
            f"Login was refused using authentication mechanism {self.mechanism}. "
            "For details see the broker logfile.",
        )
        return self._end(reason, cold.connection_close(403, text, 0), close_after=delay)

    def _refuse(self, error: Exception, method: int = 0) -> Step:
        reply = replies.translate(error, method)
        if self._state not in (_State.TUNING, _State.OPENING):
            # Strangers are told nothing.
            return self._silence(reply.text)
        close = cold.connection_close(
            reply.code, reply.text, reply.class_id << 16 | reply.method_id
        )
        return self._end(reply.text, close)

    def _silence(self, reason: str) -> Step:
        return self._end(reason)

    def _end(
        self, reason: str, *last_words: cold.Method, close_after: float = REFUSAL_SECONDS
    ) -> Step:
        self._state = _State.OVER
        audit.note(
            "connection.refused",
            via="amqp",
            user=self._claimed,
            address=self._address,
            mechanism=self.mechanism or None,
            reason=reason,
        )
        return Step(
            *(cold.method_frame(0, method) for method in last_words),
            outcome=Outcome.REFUSED,
            close_after=close_after,
            reason=reason,
        )


def _check(field: str, value: int, minimum: int, maximum: int) -> None:
    # Raises ProtocolViolation 530; a maximum of 0 is none, and 0 asks for none (spec 2.5).
    if value and value < minimum:
        problem = f"is lower than the minimum allowed value ({minimum})"
    elif maximum and (not value or value > maximum):
        problem = f"is higher than the maximum allowed value ({maximum})"
    else:
        return
    detail = " (no limit)" if field == "channel_max" and not value else ""
    raise ProtocolViolation(
        530, f"negotiated {field} = {value}{detail} {problem}", commands.Connection.Tune.index
    )


_STEPS: dict[tuple[_State, int], Callable[[Handshake, bytes], Step]] = {
    (_State.HEADER, PROTOCOL_HEADER): Handshake._header,
    (_State.STARTING, commands.Connection.StartOk.index): Handshake._start_ok,
    (_State.TUNING, commands.Connection.TuneOk.index): Handshake._tune_ok,
    (_State.TUNING, commands.Connection.Close.index): Handshake._close,
    (_State.OPENING, commands.Connection.Open.index): Handshake._open,
    (_State.OPENING, commands.Connection.Close.index): Handshake._close,
}
