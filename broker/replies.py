"""What an exception means on the wire: one table, read in one place (spec 0.3, 0.4).

Here: exception class to reply code, and the reply that goes into channel.close
or connection.close.  Not here: raising any of them, and sending the reply.
"""

from pamqp import commands

from broker.amqp import cold
from broker.amqp.errors import REPLY_NAMES, ProtocolViolation, format_reply_text
from exchanges.base import InvalidArgument
from vhosts import errors

__all__ = ["CODES", "InvalidArgument", "Reply", "close_method", "translate"]

# A subclass answers as its nearest base in the table; what is not in it is a fault of ours.
CODES: dict[type[Exception], int] = {
    errors.ConnectionForced: 320,
    errors.AccessRefused: 403,
    errors.NotFound: 404,
    errors.ResourceLocked: 405,
    errors.PreconditionFailed: 406,
    InvalidArgument: 406,
    errors.FrameError: 501,
    errors.SyntaxError_: 502,
    errors.CommandInvalid: 503,
    errors.ChannelError: 504,
    errors.UnexpectedFrame: 505,
    errors.ResourceError: 506,
    errors.NotAllowed: 530,
    errors.NotImplementedByBroker: 540,
    errors.InternalError: 541,
}
INTERNAL_ERROR = 541

# All others cost the connection, and these do on channel 0 (spec 0.4).
CHANNEL_CODES = frozenset((403, 404, 405, 406))


class Reply:
    """The arguments of the close method that answers an exception.

    `text` is whole and fits a short string; `class_id` and `method_id` are those of the refused
    method, 0 where none was.
    """

    __slots__ = ("class_id", "code", "method_id", "text")

    def __init__(self, code: int, explanation: str, class_id: int, method_id: int) -> None:
        self.code = code
        self.text = format_reply_text(REPLY_NAMES[code], explanation)
        self.class_id = class_id
        self.method_id = method_id

    @property
    def closes_connection(self) -> bool:
        """Whether it costs more than the channel it arose on."""
        return self.code not in CHANNEL_CODES


def translate(exception: Exception, method: int = 0) -> Reply:
    """The reply to `exception`, raised while the method with this id was at work (0: none).

    Violations of the protocol name their method themselves.  Exceptions that nobody thought of
    are internal errors, and say nothing of what went wrong inside.
    """
    if isinstance(exception, ProtocolViolation):
        return Reply(exception.code, exception.text, exception.class_id, exception.method_id)
    for kind in type(exception).__mro__:
        code = CODES.get(kind)
        if code is not None:
            return Reply(code, str(exception), method >> 16, method & 0xFFFF)
    return Reply(INTERNAL_ERROR, "", method >> 16, method & 0xFFFF)


def close_method(
    kind: type[commands.Channel.Close] | type[commands.Connection.Close], reply: Reply
) -> cold.Method:
    """The close method that carries the reply."""
    return cold.build(
        kind,
        reply_code=reply.code,
        reply_text=reply.text,
        class_id=reply.class_id,
        method_id=reply.method_id,
    )
