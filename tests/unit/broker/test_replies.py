import pytest

from broker import replies
from broker.amqp.errors import REPLY_NAMES, cannot_decode, malformed_utf8
from exchanges.base import InvalidArgument
from vhosts import errors

QUEUE_DECLARE = 0x0032000A


def test_every_domain_exception_of_amqp_has_a_code():
    classes = set(errors.BrokerError.__subclasses__()) - {errors.InvalidValue}
    assert classes == set(replies.CODES) - {InvalidArgument}


def test_every_code_has_a_name():
    assert set(replies.CODES.values()) <= set(REPLY_NAMES)


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (errors.ConnectionForced("x"), 320, "CONNECTION_FORCED - x"),
        (errors.AccessRefused("x"), 403, "ACCESS_REFUSED - x"),
        (errors.no_queue("q", "/"), 404, "NOT_FOUND - no queue 'q' in vhost '/'"),
        (errors.ResourceLocked("x"), 405, "RESOURCE_LOCKED - x"),
        (errors.PreconditionFailed("x"), 406, "PRECONDITION_FAILED - x"),
        (InvalidArgument("x"), 406, "PRECONDITION_FAILED - x"),
        (errors.FrameError("x"), 501, "FRAME_ERROR - x"),
        (errors.SyntaxError_("x"), 502, "SYNTAX_ERROR - x"),
        (errors.CommandInvalid("x"), 503, "COMMAND_INVALID - x"),
        (errors.ChannelError("x"), 504, "CHANNEL_ERROR - x"),
        (errors.UnexpectedFrame("x"), 505, "UNEXPECTED_FRAME - x"),
        (errors.ResourceError("x"), 506, "RESOURCE_ERROR - x"),
        (errors.NotAllowed("x"), 530, "NOT_ALLOWED - x"),
        (errors.NotImplementedByBroker("x"), 540, "NOT_IMPLEMENTED - x"),
        (errors.InternalError(""), 541, "INTERNAL_ERROR"),
    ],
)
def test_code_text_and_method(error, code, text):
    reply = replies.translate(error, QUEUE_DECLARE)
    assert (reply.code, reply.text) == (code, text)
    assert (reply.class_id, reply.method_id) == (50, 10)
    assert reply.closes_connection == (code not in (403, 404, 405, 406))


def test_no_method():
    reply = replies.translate(errors.ConnectionForced("x"))
    assert (reply.class_id, reply.method_id) == (0, 0)


def test_a_violation_names_its_own_method():
    reply = replies.translate(cannot_decode(b"\x01", 0x003C0028), QUEUE_DECLARE)
    assert (reply.code, reply.class_id, reply.method_id) == (501, 60, 40)
    assert reply.text == "FRAME_ERROR - cannot decode <<1>>"
    reply = replies.translate(malformed_utf8(), QUEUE_DECLARE)
    assert (reply.class_id, reply.method_id) == (0, 0)
    assert reply.closes_connection


def test_subclasses_answer_as_their_base():
    class NoSuchThing(errors.NotFound):
        pass

    assert replies.translate(NoSuchThing("x"), QUEUE_DECLARE).text == "NOT_FOUND - x"


@pytest.mark.parametrize("error", [KeyError("secret"), errors.InvalidValue("secret")])
def test_other_exceptions_tell_nothing(error):
    reply = replies.translate(error, QUEUE_DECLARE)
    assert (reply.code, reply.text) == (541, "INTERNAL_ERROR")
    assert reply.closes_connection


def test_long_texts_are_cut():
    assert len(replies.translate(errors.NotFound("x" * 300)).text) == 255
