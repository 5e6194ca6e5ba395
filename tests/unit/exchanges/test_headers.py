"""Headers matching: the rules of spec 6.4 one by one, and the index against a plain loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchanges.base import InvalidArgument
from exchanges.tables import comparable
from tests.unit.exchanges.fakes import Queue, bind, make, message, routed


def matches(arguments, headers) -> bool:
    exchange, queue = make("headers"), Queue()
    bind(exchange, queue, "ignored", arguments)
    found = routed(exchange, "any", headers=headers)
    assert found <= {queue}
    return bool(found)


def mode(name, **fields):
    return {"x-match": ("S", name), **fields}


EQUAL = [
    *[((one, 1), (other, 1)) for one in "bBsuIilL" for other in "bBsuIilL"],
    (("f", 0.5), ("d", 0.5)),
    (("S", "é"), ("x", "é".encode())),
    (("x", b"\xff"), ("S", "\udcff")),
    (("S", ""), ("x", b"")),
    (("t", True), ("t", True)),
    (("T", 5), ("T", 5)),
    (("D", (2, 1)), ("D", (2, 1))),
    (("A", []), ("A", [])),
    (("A", [("I", 1), ("S", "a")]), ("A", [("I", 1), ("S", "a")])),
    (("F", {"k": ("A", [("t", True)])}), ("F", {"k": ("A", [("t", True)])})),
    (("F", {"a": ("I", 1), "b": ("I", 2)}), ("F", {"b": ("I", 2), "a": ("I", 1)})),
    (("A", [("V", None)]), ("A", [("V", None)])),
    (("A", [("L", 1)]), ("A", [("l", 1)])),
    (("l", 2**63 - 1), ("L", 2**63 - 1)),
]
UNEQUAL = [
    (("I", 1), ("I", 2)),
    (("I", 1), ("d", 1.0)),
    (("f", 1.0), ("l", 1)),
    (("t", True), ("I", 1)),
    (("I", 0), ("t", False)),
    (("S", "1"), ("I", 1)),
    (("S", "true"), ("t", True)),
    (("S", "a"), ("S", "A")),
    (("T", 5), ("l", 5)),
    (("l", 5), ("T", 5)),
    (("T", 5), ("T", 6)),
    (("D", (0, 1)), ("I", 1)),
    (("S", ""), ("V", None)),
    (("I", 0), ("V", None)),
    (("A", [("I", 1), ("I", 2)]), ("A", [("I", 2), ("I", 1)])),
    (("A", [("I", 1)]), ("A", [("l", 1)])),
    (("A", [("I", 1)]), ("A", [("I", 1), ("I", 1)])),
    (("F", {"k": ("I", 1)}), ("F", {"k": ("t", True)})),
    (("F", {"k": ("I", 1)}), ("F", {"j": ("I", 1)})),
    (("F", {}), ("A", [])),
    (("A", [("S", "a")]), ("A", [("x", b"a")])),
    (("d", float("nan")), ("d", float("nan"))),
]


@pytest.mark.parametrize("kind", ["all", "any", "all-with-x", "any-with-x"])
@pytest.mark.parametrize(
    ("wanted", "given_field", "equal"),
    [(*pair, True) for pair in EQUAL] + [(*pair, False) for pair in UNEQUAL],
)
def test_typed_comparison(kind, wanted, given_field, equal):
    assert matches(mode(kind, h=wanted), {"h": given_field}) is equal


@pytest.mark.parametrize("field", [("V", None), ("I", 0), ("t", False), ("S", ""), ("F", {})])
@pytest.mark.parametrize("kind", ["all", "any"])
def test_void_asks_for_presence(kind, field):
    assert matches(mode(kind, h=("V", None)), {"h": field})
    assert not matches(mode(kind, h=("V", None)), {"other": field})


ONE, TWO = ("I", 1), ("I", 2)


@pytest.mark.parametrize(
    ("headers", "match_all", "match_any"),
    [
        ({"a": ONE, "b": TWO}, True, True),
        ({"a": ONE, "b": TWO, "c": ONE}, True, True),
        ({"a": ONE}, False, True),
        ({"b": TWO}, False, True),
        ({"a": ONE, "b": ONE}, False, True),
        ({"a": TWO, "b": ONE}, False, False),
        ({"A": ONE, "B": TWO}, False, False),
        ({}, False, False),
    ],
)
def test_all_and_any(headers, match_all, match_any):
    assert matches({"a": ONE, "b": TWO}, headers) is match_all
    assert matches(mode("all", a=ONE, b=TWO), headers) is match_all
    assert matches(mode("any", a=ONE, b=TWO), headers) is match_any


def test_value_and_presence_together():
    arguments = mode("all", a=("V", None), b=TWO)
    assert matches(arguments, {"a": ONE, "b": TWO})
    assert not matches(arguments, {"b": TWO})
    assert not matches(arguments, {"a": ONE, "b": ONE})


def test_presence_of_two():
    arguments = mode("all", a=("V", None), b=("V", None))
    assert matches(arguments, {"a": ONE, "b": TWO})
    assert not matches(arguments, {"a": ONE})


@pytest.mark.parametrize("headers", [{}, {"a": ONE}])
def test_without_conditions_all_is_everything_and_any_nothing(headers):
    assert matches({}, headers)
    assert matches(mode("all"), headers)
    assert matches(mode("all-with-x"), headers)
    assert not matches(mode("any"), headers)
    assert not matches(mode("any-with-x"), headers)


def test_names_with_x_count_only_in_the_with_x_modes():
    x = {"x-foo": ONE}
    assert matches(mode("all", **x), {})
    assert not matches(mode("all-with-x", **x), {})
    assert matches(mode("all-with-x", **x), x)
    assert not matches(mode("any", **x), x)
    assert matches(mode("any-with-x", **x), x)
    assert matches(mode("all", **x, a=ONE), {"a": ONE})
    assert not matches(mode("all-with-x", **x, a=ONE), {"a": ONE})


def test_x_match_itself_never_counts():
    assert matches(mode("all-with-x", a=ONE), {"a": ONE, "x-match": ("S", "other")})
    assert not matches(mode("any-with-x"), {"x-match": ("S", "any-with-x")})


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (
            ("S", "foo"),
            'Invalid x-match field value <<"foo">>; expected all, any, all-with-x, or any-with-x',
        ),
        (
            ("S", "ALL"),
            'Invalid x-match field value <<"ALL">>; expected all, any, all-with-x, or any-with-x',
        ),
        (("I", 5), "Invalid x-match field type signedint (value 5); expected longstr"),
        (("t", True), "Invalid x-match field type bool (value true); expected longstr"),
        (("x", b"all"), 'Invalid x-match field type binary (value <<"all">>); expected longstr'),
        (("V", None), "Invalid x-match field type void (value undefined); expected longstr"),
    ],
)
def test_bad_x_match(field, text):
    with pytest.raises(InvalidArgument) as refused:
        make("headers").bind(Queue(), "queue", "", {"x-match": field})
    assert str(refused.value) == text


def test_forgets_what_is_unbound():
    exchange = make("headers")
    bindings = [
        bind(exchange, Queue(), "", arguments)
        for arguments in (mode("all"), mode("any", a=ONE, b=ONE), mode("all", a=ONE, b=("V", None)))
    ]
    assert len(exchange.route(message(headers={"a": ONE, "b": ONE}))) == 4
    for binding in bindings:
        exchange.discard(binding)
    assert routed(exchange, headers={"a": ONE, "b": ONE}) == set()
    assert (exchange._always, exchange._by_condition, exchange._names) == ({}, {}, {})


def test_headers_are_not_looked_at_in_vain():
    class Sealed:
        @property
        def headers(self):
            raise AssertionError("decoded for nothing")

    exchange, queue = make("headers"), Queue()
    bind(exchange, queue)
    assert list(exchange.route(Sealed())) == [queue]


def plainly(arguments, headers) -> bool:
    kind = arguments.get("x-match", ("S", "all"))[1]
    results = [
        name in headers and (field[0] == "V" or comparable(field) == comparable(headers[name]))
        for name, field in arguments.items()
        if name != "x-match" and (kind.endswith("-with-x") or not name.startswith("x-"))
    ]
    return all(results) if kind.startswith("all") else any(results)


FIELDS = st.sampled_from(
    [("I", 1), ("l", 1), ("t", True), ("S", "a"), ("x", b"a"), ("V", None), ("d", 1.0), ("T", 1)]
)
TABLES = st.dictionaries(st.sampled_from(["a", "b", "c", "x-a"]), FIELDS)
MODES = st.sampled_from(["all", "any", "all-with-x", "any-with-x"])
ARGUMENTS = st.builds(lambda table, kind: mode(kind, **table), TABLES, MODES)


@given(st.lists(ARGUMENTS, max_size=6), st.lists(TABLES, max_size=4), st.integers(0, 6))
def test_equals_a_plain_loop(bound, published, gone):
    exchange = make("headers")
    bindings = [bind(exchange, Queue(), "", arguments) for arguments in bound]
    for binding in bindings[:gone]:
        exchange.discard(binding)
    for headers in published:
        expected = {
            each.destination for each in bindings[gone:] if plainly(each.arguments, headers)
        }
        assert routed(exchange, headers=headers) == expected
