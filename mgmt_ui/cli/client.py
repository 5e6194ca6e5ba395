"""The management API as commands use it: one request, one answer, one kind of failure."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http.client import HTTPException, HTTPResponse, RemoteDisconnected
from typing import Any
from urllib.parse import unquote, urlencode, urlsplit, urlunsplit

from mgmt_ui.cli.exits import CONFIG, DATA, NO_USER, TEMPORARY, UNAVAILABLE, Failure, of_status
from mgmt_ui.cli.settings import Settings, without_credentials
from mgmt_ui.cli.values import path

# Kinds of paths -> the noun for what is named by the segment behind the virtual host's.
IN_VHOST = {
    "queues": "queue",
    "exchanges": "exchange",
    "bindings": "binding",
    "vhosts": "vhost",
    "policies": "policy",
    "operator-policies": "operator-policy",
    "consumers": "consumer",
    "permissions": "permission",
    "topic-permissions": "permission",
    "vhost-limits": "limit",
    "definitions": "definition",
}
# Those of the whole broker, with their nouns.
WHOLE = {"connections": "connection", "channels": "channel", "jobs": "job", "options": "option"}
# Of what RabbitMQ does not have, and of what nobody has.
UNKNOWN = "this broker does not know"
# Reasons in the API's own words that tell people too little.
SAID_BETTER = {
    "vhost_or_user_not_found": "no such user or virtual host",
    "tags_not_present": "a user needs tags, if only empty ones",
}
NEEDED = {
    "Not management user": "it needs the tag management",
    "Not monitor user": "it needs the tag monitoring",
    "Not administrator user": "it needs the tag administrator",
    "User not authorised to access virtual host": "brokerctl permission set lets it in",
}


def tls_context(settings: Settings) -> ssl.SSLContext:
    """How TLS is spoken: by --cacert, --cert, --cert-key and --insecure."""
    try:
        context = ssl.create_default_context(cafile=settings.value("cacert"))
    except OSError as error:  # ssl.SSLError is one
        raise Failure(f"cannot use --cacert: {_reason(error)}", CONFIG) from None
    if certificate := settings.value("cert"):
        try:
            # An encrypted key would be asked for on the terminal by OpenSSL itself.
            context.load_cert_chain(certificate, settings.value("cert_key"))
        except OSError as error:
            text = f"cannot use --cert or --cert-key: {_reason(error)}"
            raise Failure(text, CONFIG) from None
    if settings.flag("insecure"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", None) or error.strerror or error)


def tls_hint(error: ssl.SSLError) -> str:
    """Why there is no TLS, and what to do."""
    if error.reason == "WRONG_VERSION_NUMBER":
        return "what answers there speaks none; try http:// or amqp://"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.verify_message}; see --cacert, or --insecure to take any certificate"
    return f"{error.reason or error}; see --cacert, --cert"


# A name may have several values.
Query = Mapping[str, str | Sequence[str]]


class Api:
    """The API of one broker. All methods raise Failure, with the reason that the broker gives."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        parts = urlsplit(settings.url)
        self.shown = without_credentials(settings.url)
        self._base = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) + "/api"
        user, password = settings.credentials(settings.url)
        raw = f"{user}:{password}".encode()
        self._login = "Basic " + base64.b64encode(raw).decode()
        self._user = user
        self._tls = tls_context(settings) if parts.scheme == "https" else None

    def get(self, where: str, **query: str) -> Any:
        """GET: the decoded JSON."""
        return self.call("GET", where, query=query)[1]

    def find(self, where: str) -> Any:
        """GET of one object: None where there is none."""
        status, found = self.call("GET", where, accept=(404,))
        return None if status == 404 else found

    def call(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        accept: tuple[int, ...] = (),
    ) -> tuple[int, Any]:
        """Status and decoded JSON; statuses of `accept` are no failures."""
        if self._settings.flag("dry_run") and method != "GET":
            shown = "" if body is None else " " + json.dumps(body, ensure_ascii=False)
            print(f"{method} /api{where}{shown}")  # noqa: T201 -- what was asked for
            return 204, None
        try:
            with self.open(method, where, body, query=query, headers=headers) as response:
                return response.status, _decoded(response.read())
        except urllib.error.HTTPError as error:
            if error.code in accept:
                with error:
                    return error.code, _decoded(error.read())
            raise self.failed(method, where, error) from None

    def open(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> HTTPResponse:
        """The answer to read from; raises HTTPError where it is no success, Failure without one."""
        url = self._base + where + (f"?{urlencode(query, doseq=True)}" if query else "")
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = urllib.request.Request(url, data, method=method)  # noqa: S310 -- http(s) only
        request.add_header("Authorization", self._login)
        request.add_header("Content-Type", "application/json")
        for name, value in (headers or {}).items():
            request.add_header(name, value)
        limit = self._settings.timeout if timeout is None else timeout
        try:
            opened: HTTPResponse = urllib.request.urlopen(  # noqa: S310
                request, timeout=limit, context=self._tls
            )
        except urllib.error.HTTPError:
            raise
        except (OSError, HTTPException) as error:
            raise self._unreachable(error) from None
        return opened

    def _unreachable(self, error: Exception) -> Failure:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return Failure(f"no answer from {self.shown} in time (see --timeout)", TEMPORARY)
        if isinstance(reason, ssl.SSLError):
            return Failure(f"no TLS with {self.shown}: {tls_hint(reason)}", UNAVAILABLE)
        if isinstance(reason, RemoteDisconnected | ConnectionResetError):
            wants = "; it may want a certificate, see --cert" if self._tls else ""
            text = f"{self.shown} has ended the connection without an answer{wants}"
            return Failure(text, UNAVAILABLE)
        if isinstance(reason, HTTPException):
            text = f"what answers at {self.shown} speaks no HTTP; --url is of the management API"
            return Failure(text, UNAVAILABLE)
        text = getattr(reason, "strerror", None) or str(reason)
        hint = "is it running? --url or BROKERCTL_URL says where it is"
        return Failure(f"cannot reach {self.shown}: {text}; {hint}", UNAVAILABLE)

    def failed(self, method: str, where: str, error: urllib.error.HTTPError) -> Failure:
        """What an answer that is no success means to people."""
        with error:
            answer = _decoded(error.read())
        return self._failure(method, where, error.code, answer)

    def _failure(self, method: str, where: str, status: int, answer: Any) -> Failure:
        reason = answer.get("reason") if isinstance(answer, dict) else None
        error = answer.get("error") if isinstance(answer, dict) else None
        code = of_status(status)
        if status == 401:
            reason = self._refused(reason)
        elif status == 404 and reason in (None, "Not Found"):
            code, reason = self._missing(where)
            if not isinstance(answer, dict):
                code = UNAVAILABLE
                reason = f"what answers at {self.shown} is no management API; see --url"
        elif status == 500:
            reason = f"the broker failed: {reason or 'its log says more'}"
        elif reason in SAID_BETTER:
            reason = SAID_BETTER[reason]
        text = " ".join(
            str(reason or f"{UNKNOWN} {method} /api{where} (it answered {status})").split()
        )
        return Failure(text, code, str(error or "failed"))

    def _refused(self, reason: str | None) -> str:
        # Who is not known may have mistyped; who is known and may not needs another user.
        if reason in (None, "Login failed", "Not_Authorized"):
            return f"login failed for user '{self._user}'; see --user, -P -, BROKERCTL_PASSWORD"
        hint = NEEDED.get(str(reason), "ask an administrator, or see --user")
        return f"{reason} (user '{self._user}'): {hint}"

    def _missing(self, where: str) -> tuple[int, str]:
        # The API says no more than "Not Found": what it was can be read from the path.
        kind, *names = [unquote(part) for part in where.strip("/").split("/")]
        if kind == "users" and names and names[1:] != ["queues"]:  # that is there of any name
            return NO_USER, f"no user '{names[0]}'"
        if kind in WHOLE and names:
            return DATA, f"no {WHOLE[kind]} '{names[0]}'; see brokerctl {WHOLE[kind]} list"
        if kind in ("parameters", "global-parameters") and names:
            return DATA, f"no such parameter; see brokerctl {kind[:-1]} list"
        if kind not in IN_VHOST or not names:
            return DATA, f"{UNKNOWN} /api{where}"
        vhost = names[0]
        if kind != "vhosts":
            try:
                self.open("GET", path("exchanges", vhost), query={"page": "1", "page_size": "1"})
            except urllib.error.HTTPError as error:
                error.close()
                if error.code == 404:
                    kind = "vhosts"
        if kind == "vhosts" or len(names) == 1:
            return DATA, f"no vhost '{vhost}'; see brokerctl vhost list, or --vhost"
        noun = IN_VHOST[kind]
        if kind == "bindings":
            return DATA, f"no such binding, queue or exchange in vhost '{vhost}'"
        return DATA, f"no {noun} '{names[1]}' in vhost '{vhost}'; see brokerctl {noun} list"


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw.strip() else None
    except ValueError:
        return raw.decode("utf-8", "replace")
