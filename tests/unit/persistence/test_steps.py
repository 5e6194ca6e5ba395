"""Work in bits, done at once."""

import pytest

from persistence.steps import TURN, Ask, at_once


def asking(*jobs):
    answers = []
    for job in jobs:
        yield None
        try:
            answers.append((yield Ask(job)))
        except OSError as error:
            answers.append(str(error))
        yield TURN
    return answers


def broken(_connection):
    raise OSError("unreadable")


def test_answers_and_failures_go_where_they_were_asked_for():
    found = at_once(asking(lambda connection: connection + 1, broken), 41)  # type: ignore[arg-type]
    assert found == [42, "unreadable"]


def test_nothing_to_do():
    assert at_once(asking(), None) == []  # type: ignore[arg-type]


def test_what_is_not_caught_comes_out():
    def steps():
        yield Ask(lambda _: int("none"))

    with pytest.raises(ValueError, match="none"):
        at_once(steps(), 0)  # type: ignore[arg-type]
