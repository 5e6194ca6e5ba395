"""Users whom others know, as clients meet it: a web server, and tokens."""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import jwt
import pika
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pika.exceptions import (
    ChannelClosedByBroker,
    ConnectionClosedByBroker,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)

from tests.support.broker import Broker

StartBroker = Callable[..., Broker]


class Judge(BaseHTTPRequestHandler):
    """Knows `ann`, who may use what begins with `a` in `/`."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        facts = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(url.path)
        good = self._judge(url.path, facts)
        answer = b"deny" if not good else b"allow management" if url.path == "/user" else b"allow"
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _judge(self, path: str, facts: dict[str, str]) -> bool:
        if path == "/user":
            return (facts["username"], facts["password"]) == ("ann", "secret")
        if path == "/vhost":
            return facts["vhost"] == "/"
        return facts["name"].startswith("a")

    def log_message(self, *_: Any) -> None:
        """Quietly."""


@pytest.fixture
def judged(start_broker: StartBroker) -> Iterator[Broker]:
    Judge.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Judge) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        paths = [
            part
            for name in ("user", "vhost", "resource", "topic")
            for part in (
                f"--auth-http-{name}-path",
                f"http://127.0.0.1:{server.server_port}/{name}",
            )
        ]
        yield start_broker("--auth-backends", "internal,http", *paths)
        server.shutdown()


def connect(broker: Broker, user: str, password: str, vhost: str = "/") -> pika.BlockingConnection:
    credentials = pika.PlainCredentials(user, password)
    return pika.BlockingConnection(
        pika.ConnectionParameters(*broker.amqp, vhost, credentials=credentials)
    )


def api(broker: Broker, user: str, method: str, path: str, body: Any = None) -> Any:
    request = urllib.request.Request(
        f"http://{broker.http}/api/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"authorization": "Basic " + base64.b64encode(user.encode()).decode()},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read() or b"null")
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_web_server(judged):
    with connect(judged, "guest", "guest") as connection:
        connection.channel().queue_declare("other")
    assert Judge.asked == []
    with connect(judged, "ann", "secret") as connection:
        channel = connection.channel()
        channel.queue_declare("a1", durable=True)
        channel.confirm_delivery()
        for _ in range(10):
            channel.basic_publish("", "a1", b"m")
        channel.basic_publish("amq.topic", "k", b"m")
        assert channel.get_waiting_message_count() == 0
        with pytest.raises(ChannelClosedByBroker, match="read access to queue 'other'"):
            connection.channel().basic_get("other")
    with pytest.raises(ProbableAuthenticationError):
        connect(judged, "ann", "guess")
    with pytest.raises(ProbableAccessDeniedError, match="not found"):
        connect(judged, "ann", "secret", "elsewhere")


def test_a_web_server_for_the_management_api(judged):
    ann = "ann:secret"
    assert api(judged, "ann:guess", "GET", "overview") == 401
    assert api(judged, ann, "GET", "overview")["object_totals"]
    assert api(judged, ann, "PUT", "queues/%2F/a1", {"durable": True}) is None
    assert api(judged, ann, "PUT", "queues/%2F/b1", {"durable": True}) in {401, 403}
    assert [queue["name"] for queue in api(judged, ann, "GET", "queues")] == ["a1"]
    assert api(judged, ann, "GET", "users") == 401


def test_a_web_server_that_is_away(start_broker):
    paths = [
        part
        for name in ("user", "vhost", "resource", "topic")
        for part in (f"--auth-http-{name}-path", f"http://127.0.0.1:9/{name}")
    ]
    broker = start_broker("--auth-backends", "http,internal", *paths)
    with connect(broker, "guest", "guest") as connection:
        connection.channel().queue_declare("q")
    with pytest.raises(ProbableAuthenticationError):
        connect(broker, "ann", "secret")


KEY = ec.generate_private_key(ec.SECP256R1())


def token(seconds: float = 60, scope: str = "") -> str:
    claims = {"sub": "ann", "aud": "broker", "exp": time.time() + seconds, "scope": scope}
    return jwt.encode(claims, KEY, "ES256")


@pytest.fixture
def tokens(start_broker: StartBroker, tmp_path: Path) -> Broker:
    """A broker that takes tokens."""
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "key.pem").write_bytes(public)
    return start_broker(
        *("--auth-backends", "internal,oauth2", "--oauth2-resource-server-id", "broker"),
        *("--oauth2-key-file", str(tmp_path / "key.pem"), "--oauth2-scope-prefix", ""),
    )


def test_tokens(tokens):
    scope = "configure:%2F/a* write:%2F/* read:%2F/a* tag:management"
    with connect(tokens, "", token(scope=scope)) as connection:
        channel = connection.channel()
        channel.queue_declare("a1")
        channel.basic_publish("", "a1", b"m")
        connection.process_data_events(0)
        assert channel.basic_get("a1", auto_ack=True)[2] == b"m"
        connection.update_secret(token(90, scope), "because")
        with pytest.raises(ChannelClosedByBroker, match="configure access to queue 'b'"):
            channel.queue_declare("b")
    with pytest.raises(ProbableAuthenticationError):
        connect(tokens, "", token(-1, scope))
    assert api(tokens, f"any:{token(scope=scope)}", "GET", "whoami")["name"] == "ann"
    assert scope not in tokens.log()


def test_the_end_of_a_token_is_the_end_of_its_connection(tokens):
    connection = connect(tokens, "", token(2, "read:*/*"))
    with pytest.raises(ConnectionClosedByBroker, match="credential expired"):
        connection.process_data_events(10)


def test_a_token_without_scopes_opens_nothing(tokens):
    with pytest.raises(ProbableAccessDeniedError, match="refused for user 'ann'"):
        connect(tokens, "", token())


def test_bearer_tokens_over_http(tokens):
    scope = "read:%2F/* tag:management"
    with get(tokens, "whoami", f"Bearer {token(scope=scope)}") as response:
        assert json.load(response)["name"] == "ann"
    with get(tokens, "queues/%2F", f"Bearer {token(scope=scope)}") as response:
        assert response.status == 200
    for bad in (token(-1, scope), token(scope="read:%2F/*"), token(scope=scope)[:-8], "a.b.c", "x"):
        with pytest.raises(urllib.error.HTTPError) as caught:
            get(tokens, "whoami", f"Bearer {bad}")
        with caught.value as error:
            assert error.code == 401
    assert token(scope=scope)[:40] not in tokens.log()


def events(response: Any) -> Iterator[tuple[str, Any]]:
    """What a live stream says."""
    event = ""
    for line in response:
        name, _, rest = line.decode().strip().partition(": ")
        if name == "event":
            event = rest
        elif name == "data":
            yield event, json.loads(rest)


def test_a_live_stream_of_whom_a_web_server_knows(judged):
    with connect(judged, "ann", "secret") as connection:
        connection.channel().queue_declare("a1")
    login = "Basic " + base64.b64encode(b"ann:secret").decode()
    with get(judged, "live?topic=/queues/%2F%3Fcolumns=name&topic=/whoami", login) as response:
        said = events(response)
        assert next(said)[0] == "hello"
        first, second = next(said), next(said)
    assert (first[0], first[1]["value"]) == ("state", [{"name": "a1"}])
    assert (second[0], second[1]["value"]["name"]) == ("state", "ann")


def test_a_live_stream_ends_with_its_token(tokens):
    opened = f"Bearer {token(2, 'read:%2F/* tag:management')}"
    with get(tokens, "live?topic=/whoami", opened) as response:
        said = list(events(response))
    assert said[1][1]["value"]["name"] == "ann"
    assert said[-1] == ("bye", {"reason": "signed-out"})


def get(broker: Broker, path: str, authorization: str) -> Any:
    """An open answer."""
    request = urllib.request.Request(
        f"http://{broker.http}/api/{path}", headers={"authorization": authorization}
    )
    return urllib.request.urlopen(request, timeout=10)
