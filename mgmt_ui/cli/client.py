"""The management API as commands use it: one request, one answer, one kind of failure."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

from mgmt_ui.cli.exits import TEMPORARY, UNAVAILABLE, Failure, of_status
from mgmt_ui.cli.settings import Settings, without_credentials


def path(*segments: str) -> str:
    """A path below /api: each segment is encoded whole, so that `/` may stand in names."""
    return "/" + "/".join(quote(segment, safe="") for segment in segments)


def tls_context(settings: Settings) -> ssl.SSLContext:
    """How TLS is spoken: by --cacert and --insecure."""
    try:
        context = ssl.create_default_context(cafile=settings.value("cacert"))
    except OSError as error:
        raise Failure(f"cannot use --cacert: {error}") from None
    if settings.flag("insecure"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


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
        query: Mapping[str, str] | None = None,
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
            with error:
                answer = _decoded(error.read())
            if error.code in accept:
                return error.code, answer
            raise self._failure(method, where, error.code, answer) from None

    def open(
        self,
        method: str,
        where: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> HTTPResponse:
        """The answer to read from; raises HTTPError where it is no success, Failure without one."""
        url = self._base + where + (f"?{urlencode(query)}" if query else "")
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

    def lines(self, where: str, **query: str) -> Iterator[str]:
        """The lines of an answer that does not end."""
        try:
            with self.open("GET", where, query=query, timeout=3600) as response:
                for line in response:
                    yield line.decode("utf-8", "replace").rstrip("\r\n")
        except urllib.error.HTTPError as error:
            with error:
                raise self._failure("GET", where, error.code, _decoded(error.read())) from None

    def _unreachable(self, error: Exception) -> Failure:
        reason = getattr(error, "reason", error)
        if isinstance(reason, TimeoutError):
            return Failure(f"no answer from {self.shown} in time (see --timeout)", TEMPORARY)
        if isinstance(reason, ssl.SSLError):
            text = f"no TLS with {self.shown}: {reason.reason or reason} (see --cacert, --insecure)"
            return Failure(text, UNAVAILABLE)
        text = getattr(reason, "strerror", None) or str(reason)
        hint = "is it running? --url or BROKERCTL_URL says where it is"
        return Failure(f"cannot reach {self.shown}: {text}; {hint}", UNAVAILABLE)

    def _failure(self, method: str, where: str, status: int, answer: Any) -> Failure:
        reason = answer.get("reason") if isinstance(answer, dict) else None
        error = answer.get("error") if isinstance(answer, dict) else None
        if status == 401 and not reason:
            reason = "login failed"
        if status == 404 and reason in (None, "Not Found"):
            reason = "no such object"
        if status == 401:
            reason = f"{reason} (user '{self._user}'; see --user, --password)"
        text = " ".join(str(reason or f"{method} /api{where} answered {status}").split())
        return Failure(text, of_status(status), str(error or "failed"))


def _decoded(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw.strip() else None
    except ValueError:
        return raw.decode("utf-8", "replace")
