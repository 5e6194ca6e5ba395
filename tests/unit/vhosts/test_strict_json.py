import pytest

from vhosts.strict_json import loads


@pytest.mark.parametrize(
    ("text", "value"), [('{"a": [1, null]}', {"a": [1, None]}), (r'"\ud83d\ude00"', "\U0001f600")]
)
def test_json(text, value):
    assert loads(text) == value


@pytest.mark.parametrize("text", ["", "{", "NaN", "[Infinity]", r'"\ud800"', r'{"\uDC00": 1}'])
def test_what_is_none(text):
    with pytest.raises(ValueError):
        loads(text)
