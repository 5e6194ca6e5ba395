"""OAuth 2.0: the password is a JSON web token, whose scopes say what its holder may do.

Scopes are those of RabbitMQ: `configure:VHOST/NAME`, `write:...`, `read:...`, each with
`/ROUTING KEY` behind it if need be and `*` for anything, and `tag:TAG`; in front of them stands a
prefix.  Tokens are checked by PyJWT, the extra `oauth2` of the package.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

import aiohttp
import jwt

from broker.auth_backends.base import Identity, Unavailable, read_up_to
from broker.startup import StartError
from vhosts.users import User

if TYPE_CHECKING:
    from broker.clock import Clock
    from broker.options import Options

# With a key that both sides hold (HS256), whoever may check tokens could make them.
ALGORITHMS = [f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)]
ALGORITHMS.append("EdDSA")
NAME_CLAIMS = ("sub", "client_id")
LEEWAY_MS = 5_000
# Unknown key ids make the keys be fetched again, but not for everybody who makes some up.
FETCH_PAUSE = 30.0
FAILED_FETCH_PAUSE = 1.0
FETCH_TIMEOUT = 5.0
MAX_KEYS_BYTES = 1 << 20
MAX_SCOPES = 1000


class Pattern:
    """Text with `*` for anything, also nothing; parts are percent-decoded.

    No regular expression: those take very long to see that some patterns do not match.
    """

    __slots__ = ("_first", "_last", "_middle", "_plain")

    def __init__(self, text: str) -> None:
        pieces = [unquote(piece) for piece in text.split("*")]
        self._plain = pieces[0] if len(pieces) == 1 else None
        self._first, self._last = pieces[0], pieces[-1]
        self._middle = pieces[1:-1]

    def matches(self, text: str) -> bool:
        """Whether it matches the whole text."""
        if self._plain is not None:
            return text == self._plain
        if not text.startswith(self._first) or not text.endswith(self._last):
            return False
        at, end = len(self._first), len(text) - len(self._last)
        for piece in self._middle:
            found = text.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return at <= end


class Scope(NamedTuple):
    """One permission; the patterns match whole names."""

    permission: str
    vhost: Pattern
    name: Pattern
    key: Pattern


class Oauth2Backend:
    """`resource` is who tokens must be for; `fixed_key` checks them, or keys from `keys_url`."""

    name = "oauth2"
    lasting = True

    def __init__(
        self,
        resource: str,
        prefix: str,
        clock: Clock,
        *,
        issuer: str | None = None,
        fixed_key: str | None = None,
        keys_url: str | None = None,
    ) -> None:
        self._resource = resource
        self._prefix = prefix
        self._clock = clock
        self._issuer = issuer
        self._fixed_key = fixed_key
        self._keys_url = keys_url
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._fetch_after = 0.0
        self._fetching: asyncio.Future[None] | None = None

    async def login(self, name: str, password: str | None) -> Identity | None:
        """As of Backend; the token says who it is, whatever `name` is."""
        if not password or not password.isascii():
            return None
        try:
            claims = await self._claims(password)
            user = next(claims[each] for each in NAME_CLAIMS if claims.get(each))
        except (jwt.PyJWTError, StopIteration):
            return None
        if not isinstance(user, str):
            return None
        scopes, tags = self._read_scopes(claims.get("scope", ()))
        expires = int(claims["exp"] * 1000)
        return Identity(User(user, "", tags=tags), self, scopes, expires)

    def may_enter(self, identity: Identity, vhost: str, address: str) -> bool:
        """As of Backend: any scope there will do."""
        return any(scope.vhost.matches(vhost) for scope in _scopes(identity))

    def may(self, identity: Identity, vhost: str, permission: str, kind: str, name: str) -> bool:
        """As of Backend."""
        return any(
            scope.permission == permission
            and scope.vhost.matches(vhost)
            and scope.name.matches(name)
            for scope in _scopes(identity)
        )

    def may_use_topic(
        self, identity: Identity, vhost: str, permission: str, exchange: str, key: str
    ) -> bool:
        """As of Backend."""
        return any(
            scope.permission == permission
            and scope.vhost.matches(vhost)
            and scope.name.matches(exchange)
            and scope.key.matches(key)
            for scope in _scopes(identity)
        )

    async def close(self) -> None:
        """As of Backend."""

    # -- tokens --------------------------------------------------------------------------

    async def _claims(self, token: str) -> dict[str, Any]:
        # Raises PyJWTError for all that is wrong with it.
        header = jwt.get_unverified_header(token)
        key: Any = self._fixed_key
        if key is None:
            key = await self._key(header.get("kid"))
        # Times are checked below, by the clock that everything else goes by.
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=ALGORITHMS,
            audience=self._resource,
            issuer=self._issuer,
            options={
                "require": ["exp", "aud"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        self._check_times(claims)
        return claims

    def _check_times(self, claims: dict[str, Any]) -> None:
        now = self._clock.now_ms()
        expires, begins = claims["exp"], claims.get("nbf", 0)
        if not isinstance(expires, int | float) or not isinstance(begins, int | float):
            raise jwt.DecodeError("times must be numbers")
        if not now < expires * 1000 <= 2**53:
            raise jwt.ExpiredSignatureError("expired")
        if now + LEEWAY_MS < begins * 1000:
            raise jwt.ImmatureSignatureError("not yet valid")

    async def _key(self, kid: str | None) -> jwt.PyJWK:
        if kid not in self._keys and (
            self._fetching is not None or self._clock.monotonic() >= self._fetch_after
        ):
            # Once for all who come at the same time, and for the others if one of them leaves.
            if self._fetching is None:
                self._fetching = asyncio.ensure_future(self._fetch_keys())
            await asyncio.shield(self._fetching)
        try:
            return self._keys[kid]
        except KeyError:
            raise jwt.InvalidKeyError("no such key") from None

    async def _fetch_keys(self) -> None:
        pause = FAILED_FETCH_PAUSE
        try:
            self._keys = await self._fetch()
            pause = FETCH_PAUSE
        finally:
            self._fetch_after = self._clock.monotonic() + pause
            self._fetching = None

    async def _fetch(self) -> dict[str | None, jwt.PyJWK]:
        assert self._keys_url is not None
        timeout = aiohttp.ClientTimeout(total=FETCH_TIMEOUT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._keys_url) as response,
            ):
                body = await read_up_to(response.content, MAX_KEYS_BYTES)
                if response.status != 200:
                    raise Unavailable(f"asking for keys is answered with {response.status}")
            document = json.loads(body)
            if not isinstance(document, dict):
                raise Unavailable("what is said to be keys is no JSON object")
            keys = jwt.PyJWKSet.from_dict(document).keys
        except (aiohttp.ClientError, OSError, ValueError, TypeError, jwt.PyJWTError) as error:
            raise Unavailable(f"cannot fetch keys: {type(error).__name__}") from None
        return {each.key_id: each for each in keys}

    def _read_scopes(self, claim: object) -> tuple[tuple[Scope, ...], tuple[str, ...]]:
        found: Iterable[object] = ()
        if isinstance(claim, str):
            found = claim.split()
        elif isinstance(claim, list | tuple):
            found = claim
        scopes, tags = [], []
        for each in list(found)[:MAX_SCOPES]:
            if not isinstance(each, str) or not each.startswith(self._prefix):
                continue
            permission, _, rest = each.removeprefix(self._prefix).partition(":")
            if permission == "tag" and rest:
                tags.append(rest)
            elif permission in {"configure", "write", "read"}:
                scopes += _scope(permission, rest)
        return tuple(scopes), tuple(tags)


def _scopes(identity: Identity) -> tuple[Scope, ...]:
    assert isinstance(identity.facts, tuple)
    return identity.facts


def _scope(permission: str, text: str) -> list[Scope]:
    parts = text.split("/")
    if not 2 <= len(parts) <= 3:
        return []
    vhost, name, key = [*parts, "*"][:3]
    return [Scope(permission, Pattern(vhost), Pattern(name), Pattern(key))]


def make(options: Options, clock: Clock) -> Oauth2Backend:
    """By the options `oauth2_*`; raises StartError where they do not suffice."""
    resource = options.oauth2_resource_server_id
    if resource is None:
        raise StartError("the auth back end oauth2 needs --oauth2-resource-server-id")
    if (options.oauth2_key_file is None) == (options.oauth2_jwks_url is None):
        raise StartError("the auth back end oauth2 needs --oauth2-jwks-url or --oauth2-key-file")
    prefix = options.oauth2_scope_prefix
    return Oauth2Backend(
        resource,
        f"{resource}." if prefix is None else prefix,
        clock,
        issuer=options.oauth2_issuer,
        fixed_key=_read_key(options),
        keys_url=options.oauth2_jwks_url,
    )


def _read_key(options: Options) -> str | None:
    path = options.oauth2_key_file
    if path is None:
        return None
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise StartError(f"--oauth2-key-file: cannot read {path}: {error}") from None
    if "-----BEGIN PUBLIC KEY-----" not in text:
        raise StartError(f"--oauth2-key-file: no public key in PEM form in {path}")
    return text
