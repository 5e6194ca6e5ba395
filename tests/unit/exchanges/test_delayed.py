import pytest

from exchanges.base import InvalidArgument
from exchanges.delayed import MAX_DELAY_MS, DelayedExchange, delay_ms, negated
from exchanges.registry import EXCHANGE_TYPES
from tests.unit.exchanges.fakes import message

WAITING = {"x-delay": ("I", 5)}


class Room:
    id, name = 1, "room"

    def __len__(self):
        return 0

    def close(self):
        pass


def make(arguments):
    return DelayedExchange("x", True, False, False, arguments)


def refusal(arguments):
    with pytest.raises(InvalidArgument) as caught:
        make(arguments).validate()
    return str(caught.value)


@pytest.mark.parametrize("arguments", [{}, {"x-delayed-type": ("I", 1)}])
def test_needs_a_type(arguments):
    text = "Invalid argument, 'x-delayed-type' must be an existing exchange type"
    assert refusal(arguments) == text


def test_delays_no_delays():
    text = "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'"
    assert refusal({"x-delayed-type": ("S", "x-delayed-message")}) == text


def test_needs_a_known_type():
    assert refusal({"x-delayed-type": ("S", "foo")}) == "unknown exchange type 'foo'"


def test_the_arguments_of_the_inner_type_are_checked():
    arguments = {
        "x-delayed-type": ("S", "x-recent-history"),
        "x-recent-history-length": ("S", "many"),
    }
    assert "positive integer" in refusal(arguments)


@pytest.mark.parametrize(
    "inner", sorted(set(EXCHANGE_TYPES) - {"x-delayed-message", "x-message-deduplication"})
)
def test_any_other_type_will_do(inner):
    make({"x-delayed-type": ("S", inner)}).validate()


@pytest.mark.parametrize(
    ("field", "delay"),
    [
        (("I", 5), 5),
        (("l", MAX_DELAY_MS), MAX_DELAY_MS),
        (("l", MAX_DELAY_MS + 1), 0),
        (("b", 100), 100),
        (("i", 7), 7),
        (("I", 0), 0),
        (("I", -5), 0),
        (("d", 7.9), 7),
        (("d", 0.9), 0),
        (("d", float("nan")), 0),
        (("d", float("inf")), 0),
        (("S", "100"), 100),
        (("S", "+100"), 100),
        (("S", "10.9"), 10),
        (("S", "-100"), 0),
        (("S", "ten"), 0),
        (("S", ""), 0),
        (("S", "9" * 20), 0),
        (("t", True), 0),
        (("V", None), 0),
        (("A", []), 0),
    ],
)
def test_delays(field, delay):
    assert delay_ms({"x-delay": field}) == delay


def test_no_header_no_delay():
    assert delay_ms({}) == 0


@pytest.mark.parametrize(
    ("field", "after"),
    [
        (("I", 5), ("I", -5)),
        (("b", 5), ("b", -5)),
        (("s", 5), ("s", -5)),
        (("l", MAX_DELAY_MS), ("l", -MAX_DELAY_MS)),
        (("i", MAX_DELAY_MS), ("l", -MAX_DELAY_MS)),
        (("S", "100"), ("l", -100)),
        (("d", 7.9), ("l", -7)),
    ],
)
def test_what_has_waited_does_not_wait_again(field, after):
    headers = negated({"a": ("I", 1), "x-delay": field})
    assert headers == {"a": ("I", 1), "x-delay": after}
    assert delay_ms(headers) == 0


@pytest.fixture
def exchange():
    made = make({"x-delayed-type": ("S", "direct")})
    made.bind("q", "queue", "k", {})
    return made


def test_messages_wait_in_the_room(exchange):
    exchange.room = Room()
    assert list(exchange.route(message("k", headers=WAITING))) == [exchange.room]


@pytest.mark.parametrize("delay", [0, -5])
def test_others_go_at_once(exchange, delay):
    exchange.room = Room()
    assert list(exchange.route(message("k", headers={"x-delay": ("I", delay)}))) == ["q"]


def test_who_only_asks_is_told_the_way_at_once(exchange):
    exchange.room = Room()
    assert list(exchange.route(message("k", headers=WAITING, message=None))) == ["q"]


def test_unbinding_reaches_the_inner_type(exchange):
    exchange.unbind("q", "queue", "k", {})
    assert not exchange.route(message("k"))
