"""Asking other back ends who somebody is and what they may, without keeping the loop waiting.

Here: the chain of back ends, the permissions of those whom one of them knows, and the end of their
time.  Not here: the back ends (`auth_backends`), and the broker's own users (vhosts).  Imported
only where other back ends are configured.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, TypeVar

from broker.auth_backends.base import GROUP, Answer, Backend, Identity, Unavailable
from broker.clock import Clock, TimerHandle
from broker.startup import StartError
from broker.waiting import Waiting
from vhosts import errors
from vhosts.permissions import PERMISSIONS

if TYPE_CHECKING:
    from broker.connection import Connection
    from broker.options import Options
    from vhosts.users import User, Users

logger = logging.getLogger("leveret.access")

INTERNAL = "internal"
# Imported when configured; entry points of the group add to them.
SHIPPED = {
    "http": EntryPoint("http", "broker.auth_backends.http:make", GROUP),
    "oauth2": EntryPoint("oauth2", "broker.auth_backends.oauth2:make", GROUP),
}
MAX_ANSWERS = 4096
# The random end of a name that the broker makes up (vhosts/naming.py).
RANDOM_CHARACTERS = 22

Question = tuple[str, ...]
T = TypeVar("T")


class Gatekeeper:
    """The back ends of one broker in the order in which they are asked.

    None among them stands for the broker's own users.  Answers that do not last are asked for
    again after `keep` seconds.
    """

    def __init__(
        self, backends: Sequence[Backend | None], users: Users, clock: Clock, keep: float
    ) -> None:
        self._backends = backends
        self._users = users
        self.clock = clock
        self.keep = keep

    def known_here(self, name: str, password: str | None) -> User | None:
        """One of the broker's own users, where these come first: nobody need be asked then."""
        return self._own(name, password) if self._backends[0] is None else None

    def _own(self, name: str, password: str | None) -> User | None:
        if password is None:
            return self._users.get(name)
        return self._users.authenticate(name, password)

    async def login(self, name: str, password: str | None) -> User | None:
        """Who this is by the first back end that knows; `identity` of the user holds the rest.

        Without a password something else has proven that it is this user.
        """
        for backend in self._backends:
            if backend is None:
                if (user := self._own(name, password)) is not None:
                    return user
            elif (identity := await asked(backend, backend.login(name, password))) is not None:
                identity.user.identity = identity
                return identity.user
        return None

    async def close(self) -> None:
        """Lets go of all back ends."""
        for backend in self._backends:
            if backend is not None:
                await backend.close()


async def asked(backend: Backend, answer: Awaitable[T]) -> T | None:
    """The answer; None where there is none: then nobody gets in, and nothing is permitted."""
    try:
        return await answer
    except Unavailable as error:
        logger.warning("auth back end %s: %s", backend.name, error)
    except Exception:
        logger.exception("auth back end %s: internal error", backend.name)
    return None


def open_backends(options: Options, users: Users, clock: Clock) -> Gatekeeper:
    """As `auth_backends` names them; raises StartError for one that is not there or set up."""
    found = {point.name: point for point in entry_points(group=GROUP)} | SHIPPED
    backends: list[Backend | None] = []
    for name in options.auth_backends:
        if name == INTERNAL:
            backends.append(None)
        elif name in found:
            backends.append(_open(found[name], options, clock))
        else:
            known = ", ".join(sorted({INTERNAL, *found}))
            raise StartError(f'--auth-backends: there is no "{name}", only {known}')
    return Gatekeeper(backends, users, clock, options.auth_cache_seconds)


def _open(point: EntryPoint, options: Options, clock: Clock) -> Backend:
    try:
        make = point.load()
    except ImportError as error:
        raise StartError(
            f"the auth back end {point.name} lacks {error.name}: install leveret[{point.name}]"
        ) from None
    backend: Backend = make(options, clock)
    return backend


async def _decide(backend: Backend, ask: Callable[[], Answer]) -> bool:
    async def answer() -> bool:
        given = ask()
        return given if isinstance(given, bool) else await given

    return bool(await asked(backend, answer()))


def _nothing() -> None:
    pass


class Authoriser:
    """`Authorise` (vhosts.permissions) for somebody whom another back end knows.

    Raises Waiting where an answer has to be asked for.  `exists` says whether there is a queue of
    a name.
    """

    def __init__(self, identity: Identity, vhost: str, exists: Callable[[str], bool]) -> None:
        self.identity = identity
        self.vhost = vhost
        self._exists = exists
        self._answers: dict[Question, bool] = {}
        self._last: Question | None = None
        # Called when there is something to forget where there was nothing.
        self.remembers: Callable[[], None] = _nothing

    def __call__(self, permission: str, kind: str, name: str) -> None:
        """As of Authorise; the default exchange has its long name for others."""
        known_as = "amq.default" if kind == "exchange" and not name else name
        for each in PERMISSIONS if permission == "any" else (permission,):
            if self._allowed(
                (each, kind, known_as),
                partial(self._backend.may, self.identity, self.vhost, each, kind, known_as),
            ):
                return
        raise errors.access_refused(permission, kind, name, self.vhost, self.identity.user.name)

    def topic(self, permission: str, exchange: str, key: str) -> None:
        """As of Authorise."""
        question = (permission, "topic", exchange, key)
        ask = self._backend.may_use_topic
        if not self._allowed(
            question, partial(ask, self.identity, self.vhost, permission, exchange, key)
        ):
            user = self.identity.user.name
            raise errors.topic_refused(permission, key, exchange, self.vhost, user)

    @property
    def user(self) -> str:
        """As of Authorise."""
        return self.identity.user.name

    def forget(self) -> None:
        """Asks anew from now on."""
        self._answers.clear()

    @property
    def _backend(self) -> Backend:
        return self.identity.backend

    def _allowed(self, question: Question, ask: Callable[[], Answer]) -> bool:
        last, self._last = self._last, None
        known = self._answers.get(question)
        if known is None and last is not None and self._made_up_again(last, question):
            known = self._answers.get(last)
        if known is not None:
            return known
        if self._backend.lasting:
            answer = ask()
            assert isinstance(answer, bool)
            return answer
        self._last = question
        raise Waiting(partial(self._ask, question, ask))

    async def _ask(self, question: Question, ask: Callable[[], Answer]) -> None:
        answer = await _decide(self._backend, ask)
        if len(self._answers) >= MAX_ANSWERS:
            self._answers.clear()
        if not self._answers:
            self.remembers()
        self._answers[question] = answer

    def _made_up_again(self, last: Question, question: Question) -> bool:
        # A queue without a name is given another at each try.  As nobody has heard of either,
        # the answer for the one does for the other.
        *kind, first = last
        *same, second = question
        return (
            kind == same == ["configure", "queue"]
            and first[:-RANDOM_CHARACTERS] == second[:-RANDOM_CHARACTERS]
            and not self._exists(first)
            and not self._exists(second)
        )


class Visitor:
    """An open connection of somebody whom another back end knows, until their time is over."""

    def __init__(self, keeper: Gatekeeper, connection: Connection, identity: Identity) -> None:
        self._clock = keeper.clock
        self._keep = keeper.keep
        self._stopped = False
        self._connection = connection
        self._renewed: Identity | bool | None = None
        self._stale: TimerHandle | None = None
        self._end: TimerHandle | None = None
        vhost = connection.vhost
        self.authorise = Authoriser(identity, vhost.name, vhost.queues.__contains__)
        self.authorise.remembers = self._remembers
        self._watch_time()

    def stop(self) -> None:
        """The connection has ended."""
        self._stopped = True
        self.authorise.remembers = _nothing
        for timer in (self._stale, self._end):
            if timer is not None:
                timer.cancel()

    def _remembers(self) -> None:
        if self._stopped:
            return  # while it was asked
        if self._stale is not None:
            self._stale.cancel()
        self._stale = self._clock.call_later(self._keep, self._forget)

    def _forget(self) -> None:
        self.authorise.forget()
        for channel in self._connection.channels.values():
            channel.forget_targets()

    def _watch_time(self) -> None:
        if self._end is not None:
            self._end.cancel()
        expires = self.authorise.identity.expires_at
        if expires is not None:
            left = max(0.0, (expires - self._clock.now_ms()) / 1000)
            self._end = self._clock.call_later(left, self._expired)

    def _expired(self) -> None:
        self._connection.force_close("credential expired")

    # -- connection.update-secret (spec 2.11) ----------------------------------------------

    def renew(self, secret: str) -> None:
        """Takes a new secret of the same user; raises Waiting, and NotAllowed if it is refused."""
        renewed, self._renewed = self._renewed, None
        if renewed is None:
            raise Waiting(partial(self._ask_again, secret))
        if not isinstance(renewed, Identity):
            raise errors.NotAllowed("New secret was refused by one of the backends")
        self.authorise.identity = renewed
        self._watch_time()
        self._forget()
        self._drop_consumers()

    async def _ask_again(self, secret: str) -> None:
        old, vhost = self.authorise.identity, self._connection.vhost.name
        backend, address = old.backend, self._connection.peer_host
        found = await asked(backend, backend.login(old.user.name, secret))
        self._renewed = False
        if found is not None and found.user.name == old.user.name:
            enter = partial(backend.may_enter, found, vhost, address)
            if await _decide(backend, enter):
                self._renewed = found

    def _drop_consumers(self) -> None:
        # Where answers do not last, nobody can tell at once; they are asked with the next method.
        if not self.authorise.identity.backend.lasting:
            return
        for channel in self._connection.channels.values():
            for consumer in list(channel.consumers.values()):
                try:
                    self.authorise("read", "queue", consumer.queue.name)
                except errors.AccessRefused:
                    consumer.queue.remove_consumer(consumer)
                    channel.consumer_lost(consumer)


async def may_enter(identity: Identity, vhost: str, address: str) -> bool:
    """Whether somebody whom another back end knows may open the virtual host."""
    backend = identity.backend
    return await _decide(backend, partial(backend.may_enter, identity, vhost, address))
