from mgmt_ui.fields import plain


def test_a_table_without_its_types():
    table = {
        "text": ("S", "a"),
        "octets": ("x", b"\x00\xff"),
        "yes": ("t", True),
        "price": ("D", (2, 1999)),
        "nothing": ("V", None),
        "nested": ("F", {"list": ("A", [("I", 1), ("S", "b")])}),
        "half": ("d", 0.5),
        "unknowable": ("f", float("nan")),
    }
    assert plain(table) == {
        "text": "a",
        "octets": "\x00\udcff",
        "yes": True,
        "price": 19.99,
        "nothing": None,
        "nested": {"list": [1, "b"]},
        "half": 0.5,
        "unknowable": None,
    }
