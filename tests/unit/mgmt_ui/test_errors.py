from mgmt_ui.errors import ApiError, translate
from vhosts import errors


def answer(error: errors.BrokerError) -> tuple[int, str | None, str]:
    translated = translate(error)
    assert isinstance(translated, ApiError)
    return translated.status, translated.error, translated.reason


def test_domain_exceptions_become_answers():
    assert answer(errors.no_queue("q", "v")) == (404, "not_found", "no queue 'q' in vhost 'v'")
    text = errors.in_use(errors.queue_text("q", "v"))
    assert answer(text) == (400, "bad_request", "queue 'q' in vhost 'v' in use")
    assert answer(errors.exclusive_locked("q", "v"))[:2] == (400, "bad_request")


def test_a_refusal_does_not_say_what_was_missing():
    refused = errors.access_refused("write", "queue", "q", "v", "ann")
    assert answer(refused) == (401, "not_authorised", "Access refused.")


def test_what_no_request_should_meet_is_a_fault():
    assert translate(errors.FrameError("x")) is None
