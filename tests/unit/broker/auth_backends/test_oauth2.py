"""Tokens: which are believed, whom they name, and what their scopes permit."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from broker.auth_backends import oauth2
from broker.auth_backends.base import Unavailable
from broker.auth_backends.oauth2 import Oauth2Backend, Pattern
from broker.options import Options
from broker.startup import StartError
from tests.support.clock import VirtualClock

KEY, OTHER = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)
CLOCK = VirtualClock()
HOUR = 3600


def token(key: Any = KEY, algorithm: str = "ES256", kid: str | None = None, **changes: Any) -> str:
    now = CLOCK.now_ms() // 1000
    claims = {
        "sub": "ann",
        "aud": ["other", "broker"],
        "iss": "https://issuer.example",
        "exp": now + HOUR,
        "scope": "broker.read:*/*",
    }
    claims |= changes
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {"kid": kid} if kid else None
    return jwt.encode(claims, key, algorithm, headers=headers)


@pytest.fixture
def backend() -> Oauth2Backend:
    return Oauth2Backend("broker", "broker.", CLOCK, fixed_key=PUBLIC)


async def test_a_good_token(backend):
    identity = await backend.login("whoever", token())
    assert identity.user.name == "ann"
    assert identity.user.tags == ()
    assert identity.expires_at == (CLOCK.now_ms() // 1000 + HOUR) * 1000


async def test_names(backend):
    assert (await backend.login("", token(sub=None, client_id="app"))).user.name == "app"
    assert await backend.login("ann", token(sub=None)) is None
    assert await backend.login("ann", token(sub=None, client_id=5)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 0},
        {"exp": -HOUR},
        {"exp": 10**30},
        {"exp": None},
        {"aud": None},
        {"aud": "other"},
        {"nbf": 10**10},
        {"key": OTHER},
    ],
)
async def test_bad_tokens(backend, changes):
    changes = dict(changes)
    if changes.get("exp") in {0, -HOUR}:
        changes["exp"] += CLOCK.now_ms() // 1000
    assert await backend.login("ann", token(**changes)) is None


@pytest.mark.parametrize("exp", ["soon", True, [1], float("nan"), float("inf")])
async def test_odd_times(backend, exp):
    assert await backend.login("ann", _raw({"sub": "a", "aud": "broker", "exp": exp})) is None


def _raw(claims: dict[str, Any]) -> str:
    return jwt.api_jws.encode(json.dumps(claims).encode(), KEY, "ES256")


async def test_no_algorithm_and_shared_keys_are_refused(backend):
    assert await backend.login("ann", token(None, "none")) is None
    # As if the public key were a secret that both sides hold.
    unsigned = jwt.utils.base64url_encode(b'{"alg":"HS256","typ":"JWT"}').decode()
    payload = token().split(".")[1]
    mac = hmac.digest(PUBLIC.encode(), f"{unsigned}.{payload}".encode(), hashlib.sha256)
    forged = f"{unsigned}.{payload}.{jwt.utils.base64url_encode(mac).decode()}"
    assert await backend.login("ann", forged) is None


@pytest.mark.parametrize("secret", [None, "", "guest", "a.b.c", "..", "\udcff", "x" * 9000])
async def test_what_is_no_token(backend, secret):
    assert await backend.login("ann", secret) is None


@given(st.text(max_size=60))
async def test_any_text_is_refused(text):
    backend = Oauth2Backend("broker", "broker.", CLOCK, fixed_key=PUBLIC)
    assert await backend.login("ann", text) is None


async def test_the_issuer(backend):
    strict = Oauth2Backend("broker", "", CLOCK, fixed_key=PUBLIC, issuer="https://issuer.example")
    assert await strict.login("", token())
    assert await strict.login("", token(iss="https://elsewhere.example")) is None
    assert await strict.login("", token(iss=None)) is None


# -- scopes ---------------------------------------------------------------------------------------


async def permitted(backend, scope):
    return await backend.login("", token(scope=scope))


async def test_scopes(backend):
    ann = await permitted(backend, "broker.configure:v/q1 broker.write:v/x broker.read:v%2F1/q*")
    assert backend.may_enter(ann, "v", "192.0.2.1")
    assert backend.may_enter(ann, "v/1", "192.0.2.1")
    assert not backend.may_enter(ann, "w", "192.0.2.1")
    assert backend.may(ann, "v", "configure", "queue", "q1")
    assert not backend.may(ann, "v", "configure", "queue", "q11")
    assert not backend.may(ann, "v", "read", "queue", "q1")
    assert not backend.may(ann, "w", "configure", "queue", "q1")
    assert backend.may(ann, "v/1", "read", "queue", "q")
    assert backend.may(ann, "v/1", "read", "queue", "quit")


async def test_scopes_of_routing_keys(backend):
    ann = await permitted(backend, ["broker.write:*/x/a.*", "broker.read:*/y"])
    assert backend.may(ann, "/", "write", "exchange", "x")
    assert backend.may_use_topic(ann, "/", "write", "x", "a.b")
    assert not backend.may_use_topic(ann, "/", "write", "x", "b")
    assert not backend.may_use_topic(ann, "/", "read", "x", "a.b")
    assert backend.may_use_topic(ann, "/", "read", "y", "anything")


async def test_tags(backend):
    scope = "broker.tag:administrator broker.tag:management tag:policymaker broker.tag: broker.tag"
    assert (await permitted(backend, scope)).user.tags == ("administrator", "management")


@pytest.mark.parametrize(
    "scope",
    [
        *("", "read:*/*", "other.read:*/*", "broker.read:*", "broker.read", "broker.read:*/*/*/*"),
        *("broker.any:*/*", "broker.READ:*/*", None, 5, {"broker.read:*/*": 1}, [5, None]),
    ],
)
async def test_what_permits_nothing(backend, scope):
    ann = await permitted(backend, scope)
    assert not backend.may_enter(ann, "/", "192.0.2.1")
    assert not backend.may(ann, "/", "read", "queue", "q")


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("*", "", True),
        ("*", "a\nb", True),
        ("", "", True),
        ("", "a", False),
        ("a*", "a", True),
        ("*a", "ba", True),
        ("a*a", "a", False),
        ("a*b*c", "abbc", True),
        ("a*b*c", "acb", False),
        ("*ab*ab*", "abab", True),
        ("*ab*ab*", "aba", False),
        ("%2A", "*", True),
        ("%2A", "a", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns(pattern, text, matches):
    assert Pattern(pattern).matches(text) is matches


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_patterns_as_the_naive_way(pattern, text):
    def naive(pattern: str, text: str) -> bool:
        if not pattern:
            return not text
        if pattern[0] == "*":
            return any(naive(pattern[1:], text[at:]) for at in range(len(text) + 1))
        return text[:1] == pattern[0] and naive(pattern[1:], text[1:])

    assert Pattern(pattern).matches(text) is naive(pattern, text)


# -- keys from a web server ---------------------------------------------------------------------


class Keys:
    """A web server with a key set."""

    def __init__(self) -> None:
        self.document: Any = {"keys": []}
        self.status, self.asked = 200, 0
        app = web.Application()
        app.router.add_get("/keys", self._give)
        self.server = TestServer(app)
        self.clock = VirtualClock()

    async def _give(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.Response(text=json.dumps(self.document), status=self.status)

    def publish(self, kid: str, key: Any) -> None:
        algorithm = (
            jwt.algorithms.ECAlgorithm
            if isinstance(key, ec.EllipticCurvePrivateKey)
            else jwt.algorithms.RSAAlgorithm
        )
        self.document["keys"].append(
            {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
        )

    @property
    def backend(self) -> Oauth2Backend:
        url = str(self.server.make_url("/keys"))
        return Oauth2Backend("broker", "broker.", self.clock, keys_url=url)


@pytest.fixture
async def keys() -> AsyncIterator[Keys]:
    keys = Keys()
    await keys.server.start_server()
    yield keys
    await keys.server.close()


async def test_fetched_once_and_again_for_new_ones(keys):
    keys.publish("1", KEY)
    backend = keys.backend
    assert await backend.login("", token(kid="1"))
    assert await backend.login("", token(kid="1"))
    keys.publish("2", OTHER)
    for _ in range(5):  # made up ones do not flood the server
        assert await backend.login("", token(OTHER, kid="2")) is None
    assert keys.asked == 1
    keys.clock.advance(oauth2.FETCH_PAUSE)
    assert await backend.login("", token(OTHER, kid="2"))
    assert await backend.login("", token(OTHER, kid="1")) is None
    assert keys.asked == 2


async def test_all_who_come_at_once_wait_for_the_same_keys(keys):
    keys.publish("1", KEY)
    backend = keys.backend
    found = await asyncio.gather(*(backend.login("", token(kid="1")) for _ in range(20)))
    assert all(found)
    assert keys.asked == 1


async def test_a_server_that_was_away(keys):
    keys.publish("1", KEY)
    keys.status = 500
    backend = keys.backend
    with pytest.raises(Unavailable):
        await backend.login("", token(kid="1"))
    keys.status = 200
    assert await backend.login("", token(kid="1")) is None
    keys.clock.advance(oauth2.FAILED_FETCH_PAUSE)
    assert await backend.login("", token(kid="1"))


async def test_rsa(keys):
    key = rsa.generate_private_key(65537, 2048)
    keys.publish("r", key)
    assert await keys.backend.login("", token(key, "RS256", kid="r"))


@pytest.mark.parametrize(
    ("status", "document"), [(500, {"keys": []}), (200, []), (200, {"keys": [5]}), (200, {})]
)
async def test_no_keys_to_be_had(keys, status, document):
    keys.status, keys.document = status, document
    with pytest.raises(Unavailable, match="key"):
        await keys.backend.login("", token(kid="1"))


async def test_nobody_there(keys):
    backend = keys.backend
    await keys.server.close()
    with pytest.raises(Unavailable):
        await backend.login("", token(kid="1"))


# -- options ---------------------------------------------------------------------------------------


async def test_made_of_options(tmp_path: Path):
    file = tmp_path / "key.pem"
    file.write_text(PUBLIC)
    options = Options(oauth2_resource_server_id="broker", oauth2_key_file=file)
    backend = oauth2.make(options, CLOCK)
    assert await backend.login("", token())
    assert backend._prefix == "broker."


def test_options_that_do_not_suffice(tmp_path: Path):
    wrong = tmp_path / "key.pem"
    wrong.write_text("no key")
    named = Options(oauth2_resource_server_id="broker")
    for options, reason in (
        (named, "needs --oauth2-jwks-url or"),
        (replace(named, oauth2_key_file=tmp_path / "gone"), "cannot read"),
        (replace(named, oauth2_key_file=wrong), "no public key"),
    ):
        with pytest.raises(StartError, match=reason):
            oauth2.make(options, CLOCK)
