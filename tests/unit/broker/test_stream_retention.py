"""Segments: what fills them, what may go."""

from broker.stream_retention import DEFAULT_SEGMENT_BYTES, Segments


def never(_place):
    return False


def filled(limit, *sizes):
    segments = Segments(limit)
    return segments, [segments.add(size, end) for end, size in enumerate(sizes, 1)]


def test_a_message_behind_a_full_segment_begins_the_next():
    _, begins = filled(10, 9, 1, 5, 5, 100, 1)
    assert begins == [False, False, True, False, True, True]


def test_a_limit_of_zero_gives_each_message_a_segment():
    _, begins = filled(0, 1, 0, 1)
    assert begins == [False, True, True]


def test_the_default():
    segments, begins = filled(None, DEFAULT_SEGMENT_BYTES - 1, 1, 1)
    assert begins == [False, False, True]
    assert segments.limit == DEFAULT_SEGMENT_BYTES


def test_the_oldest_go_until_the_rest_fits():
    segments, _ = filled(10, 10, 10, 5, 5, 10, 1)
    assert segments.remove(None, never) == 0
    assert segments.remove(41, never) == 0
    assert segments.remove(40, never) == 1
    assert segments.remove(12, never) == 4
    assert segments.remove(0, never) == 5
    assert segments.remove(0, never) == 0


def test_old_ones_go_when_their_newest_message_is_old():
    segments, _ = filled(10, 5, 5, 5, 5, 5)
    seen = []

    def old(place):
        seen.append(place)
        return place < 3

    assert segments.remove(None, old) == 2
    assert seen == [1, 3]
