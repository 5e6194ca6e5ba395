import pytest

from tests.durability.ledger import Account, Found, Key, make_body, read_body

A = [Key("a", number) for number in range(10)]


def account() -> Account:
    """0 to 4 confirmed, 5 only sent; 0 acked and committed, 1 acked, 2 delivered."""
    return Account(set(A[:6]), set(A[:5]), set(A[:3]), set(A[:2]), {A[0]})


def found(*numbers: int, redelivered: tuple[int, ...] = (1, 2)) -> list[Found]:
    return [Found(A[number], number in redelivered) for number in numbers]


@pytest.mark.parametrize("numbers", [(1, 2, 3, 4, 5), (1, 2, 3, 4), (2, 3, 4)])
def test_promises_kept(numbers: tuple[int, ...]):
    account().judge(found(*numbers))


@pytest.mark.parametrize(
    ("numbers", "complaint"),
    [
        ((2, 4), "confirmed and lost"),
        ((0, 2, 3, 4), "acked, committed and back"),
        ((2, 3, 4, 7), "never sent"),
        ((2, 3, 3, 4), "twice"),
        ((2, 4, 3), "behind"),
    ],
)
def test_promises_broken(numbers: tuple[int, ...], complaint: str):
    with pytest.raises(AssertionError, match=complaint):
        account().judge(found(*numbers))


def test_what_was_delivered_must_say_so():
    with pytest.raises(AssertionError, match="not marked redelivered"):
        account().judge(found(2, 3, 4, redelivered=()))


def test_a_body_tells_its_key_and_its_damage():
    body = make_body(Key("p", 12), 300)
    assert len(body) == 300
    assert read_body(body) == Key("p", 12)
    with pytest.raises(AssertionError, match="damaged"):
        read_body(body[:100] + b"y" + body[101:])
