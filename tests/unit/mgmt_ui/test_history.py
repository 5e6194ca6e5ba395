from mgmt_ui.history import BASIC, GLOBAL, History, pick

START = 1_700_000_000_000 // 1_800_000 * 1_800_000


def at(history: History, age: int, incr: int, now: int) -> list[int]:
    times = [now - step * incr * 1000 for step in range(age // incr + 1)]
    return history.at(1, times, age)


def fill(history: History, seconds: int, start: int = START) -> int:
    """A sample every five seconds whose second value counts them; the time of the last."""
    for number in range(seconds // 5 + 1):
        history.add(start + number * 5000, (0, number, 0))
    return start + seconds // 5 * 5000


def test_samples_come_back_newest_first():
    history = History(BASIC, 3)
    now = fill(history, 60)
    assert at(history, 60, 5, now) == list(range(12, -1, -1))
    assert at(history, 60, 10, now) == [12, 10, 8, 6, 4, 2, 0]


def test_what_is_not_known_is_zero():
    history = History(BASIC, 3)
    now = fill(history, 20)
    assert at(history, 60, 5, now) == [4, 3, 2, 1, 0] + [0] * 8


def test_a_time_between_samples_has_the_value_before():
    assert pick([10, 20], [1, 2], [25, 20, 19, 10, 9]) == [2, 2, 1, 1, 0]


def test_longer_windows_are_coarser():
    history = History(BASIC, 3)
    now = fill(history, 3600)
    assert at(history, 3600, 60, now)[:3] == [720, 708, 696]
    assert at(history, 600, 5, now)[-1] == 600


def test_memory_is_bounded():
    history = History(GLOBAL, 3)
    now = fill(history, 90_000)
    assert [len(ring._rows) // 4 for ring in history._rings] == [121, 61, 49, 48]
    assert at(history, 600, 5, now) == list(range(18_000, 17_879, -1))
    assert at(history, 86_400, 1800, now)[:2] == [18_000, 17_640]


def test_the_same_moment_again_replaces():
    history = History(BASIC, 3)
    history.add(START, (0, 1, 0))
    history.add(START, (0, 2, 0))
    assert at(history, 5, 5, START) == [2, 0]
