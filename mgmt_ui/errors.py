"""What goes wrong, as HTTP: status, `error` and `reason` of spec 1.5.

Handlers raise an ApiError or let a domain exception pass; STATUS is the table that turns the
latter into an answer. Nothing here knows aiohttp.
"""

from collections.abc import Mapping

from vhosts import errors

BAD_REQUEST = "bad_request"


class ApiError(Exception):
    """An answer that is no success. `error` None means an empty body (spec 1.5)."""

    def __init__(
        self,
        status: int,
        error: str | None = None,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, error, reason)
        self.status = status
        self.error = error
        self.reason = reason
        self.headers = dict(headers or {})

    @property
    def body(self) -> dict[str, str] | None:
        """The JSON body, None where it is empty."""
        return None if self.error is None else {"error": self.error, "reason": self.reason}


def bad_request(reason: str) -> ApiError:
    """400 with the general code."""
    return ApiError(400, BAD_REQUEST, reason)


def not_found() -> ApiError:
    """404 for a missing object or path."""
    return ApiError(404, "Object Not Found", "Not Found")


def not_authorised(reason: str) -> ApiError:
    """401 for somebody who is known and may not (never 403; spec 1.3)."""
    return ApiError(401, "not_authorised", reason)


STATUS: dict[type[errors.BrokerError], tuple[int, str]] = {
    errors.NotFound: (404, "not_found"),
    errors.AccessRefused: (401, "not_authorised"),
    errors.PreconditionFailed: (400, BAD_REQUEST),
    errors.ResourceLocked: (400, BAD_REQUEST),
    errors.NotAllowed: (400, BAD_REQUEST),
    errors.InvalidValue: (400, BAD_REQUEST),
    errors.NotImplementedByBroker: (400, BAD_REQUEST),
    errors.ResourceError: (503, "service_unavailable"),
}
"""Domain exception -> status and `error`; what is not here is a fault of the broker."""


def translate(error: errors.BrokerError) -> ApiError | None:
    """The answer for a domain exception; None for one that no request should meet."""
    for kind in type(error).__mro__:
        found = STATUS.get(kind)
        if found is not None:
            status, code = found
            # Which permission was missing is for the log, not for the caller (spec 1.5).
            refused = isinstance(error, errors.AccessRefused)
            return ApiError(status, code, "Access refused." if refused else error.text)
    return None
