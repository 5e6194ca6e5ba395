"""Patterns that read otherwise elsewhere; what is right was asked of Erlang's `re`."""

import pytest

from vhosts.patterns import InvalidPattern, Pattern


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        (r"a\Z", ["a", "a\n"], ["a\n\n", "ab"]),
        (r"a\z", ["a"], ["a\n"]),
        ("(?:a)$", ["a", "a\n"], ["ab"]),
        (r"\x{41}\x42", ["AB"], ["ab"]),
        (r"\o{101}\102\cA", ["AB\x01"], ["AB"]),
        (r"\e\h\R", ["\x1b \r\n"], ["e"]),
        (r"^[\h\v]+$", [" \t\n"], ["h"]),
        ("^a{,3}$", ["a{,3}"], ["aaa", ""]),
        ("^a{e}$", ["a{e}"], ["a", "b"]),
        (r"\Qa.b*\E+", ["a.b*", "a.b**"], ["aab"]),
        (r"^[\Q]-\Ea]+$", ["]-a"], ["b"]),
        ("^[]a]+$", ["]a"], ["b"]),
        ("^[^]a]+$", ["b"], ["]"]),
        ("^[+--]+$", ["+,-"], ["."]),
        ("^[a&&b]+$", ["a&b"], ["c"]),
        ("^[a||b]+$", ["a|"], ["c"]),
        ("^[a~~b]+$", ["a~"], ["c"]),
        ("^[[a]+$", ["[a"], ["]"]),
        (r"^[\b\101]+$", ["\bA"], ["b"]),
        ("^[[:alpha:][:digit:]_]+$", ["aZ9_"], ["-"]),
        ("^[[:^alpha:]]+$", ["9-"], ["a"]),
        ("a(?i)b", ["ab", "aB"], ["Ab"]),
        ("(?i:a)b", ["Ab"], ["aB"]),
        ("(?x)a b # c", ["ab"], ["a b"]),
        ("a(?#no comment)b", ["ab"], ["a"]),
        (r"(?'n'a)\k<n>\k{n}", ["aaa"], ["aa"]),
        (r"(?<n>a)\g{n}\g1", ["aaa"], ["aa"]),
        ("^(?|(a)|(b))\\1$", ["aa", "bb"], ["ab"]),
        (r"^\((?:[^()]|(?R))*\)$", ["(a)"], ["(a"]),
        ("a++b", ["aab"], ["a"]),
        ("(?>a+)ab", [], ["aaab"]),
        ("^(?(?=a)ab|c)$", ["ab", "c"], ["a"]),
        ("(*FAIL)|x", ["x"], ["y"]),
        (r"^\w{1}\y\_$", ["ay_"], ["y_"]),
        ("(?:^.{2}$)", ["ü", "ab"], ["a", "üü"]),
        ("^(?:ü|[ö])$", ["ü"], ["u"]),
        (r"^\N\C$", ["ab", "a\n"], ["\nb"]),
        (r"(?:a)\E", ["a"], ["b"]),
    ],
)
def test_pcre(pattern, matches, others):
    compiled = Pattern(pattern)
    assert [name for name in (*matches, *others) if compiled.search(name)] == matches


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?r)a{1}", "unrecognized character after (? or (?-"),
        ("(?e)a", "unrecognized character after (? or (?-"),
        ("(?V0)a", "unrecognized character after (? or (?-"),
        ("[z-a]{1}", "range out of order in character class"),
        ("[a{1}", "missing terminating ] for character class"),
        ("a{1}\\", "\\ at end of pattern"),
        (r"\u0041", r"PCRE does not support \L, \l, \N{name}, \U, or \u"),
        (r"\L<a>", r"PCRE does not support \L, \l, \N{name}, \U, or \u"),
        (r"\x{100}", r"character value in \x{} or \o{} is too large"),
        ("[[:nosuch:]]", "unknown POSIX class name"),
        ("(*NOSUCH)", "(*VERB) not recognized"),
        ("(?#a", "missing ) after comment"),
        (r"(a)\g{-1}", "only references by name or by positive number are supported"),
    ],
)
def test_what_pcre_does_not_take(pattern, reason):
    with pytest.raises(InvalidPattern) as caught:
        Pattern(pattern)
    assert str(caught.value) == reason
