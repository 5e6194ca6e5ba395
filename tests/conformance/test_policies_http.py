"""Policies and parameters over HTTP: what is refused, and how they look."""

import html
from typing import Any

import pytest

# -- refused -----------------------------------------------------------------------------------


def reason(answer: tuple[int, Any]) -> str:
    """The reason of a 400; RabbitMQ escapes some for HTML."""
    status, body = answer
    assert (status, body["error"]) == (400, "bad_request")
    return html.unescape(body["reason"])


def refused_definition(put: Any, definition: Any, kind: str = "policies") -> str:
    text = reason(put(f"{kind}/%2F/refused", {"pattern": "^never-", "definition": definition}))
    return text.removeprefix("Validation failed\n\n").rstrip("\n")


@pytest.mark.checklist(365)
@pytest.mark.parametrize("kind", ["policies", "operator-policies"])
@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({}, "no policy provided"),
        ({"bogus": 1}, '[{<<"bogus">>,1}] are not recognised policy settings'),
        ({"message-ttl": -1}, "-1 is not a valid message TTL"),
        ({"message-ttl": "a"}, '<<"a">> is not a valid message TTL'),
        ({"expires": 0}, "0 is not a valid queue expiry"),
        ({"max-length": 1.5}, "1.5 is not a valid maximum length"),
        ({"max-length": None}, "null is not a valid maximum length"),
        ({"max-length-bytes": [1]}, "[1] is not a valid maximum length in bytes"),
        ({"delivery-limit": True}, "true is not a valid delivery limit"),
        ({"expires": "b", "max-length": "a"}, '<<"b">> is not a valid queue expiry'),
        ({"bogus": 1, "max-length": "a"}, '<<"a">> is not a valid maximum length'),
    ],
    ids=str,
)
def test_refused_definitions(put, kind, definition, text):
    assert refused_definition(put, definition, kind) == text


@pytest.mark.checklist(365)
@pytest.mark.parametrize(
    ("definition", "text"),
    [
        ({"overflow": "a"}, '<<"a">> is not a valid overflow value'),
        ({"dead-letter-exchange": 1}, "1 is not a valid dead letter exchange name"),
        ({"dead-letter-routing-key": 1}, "1 is not a valid dead letter routing key"),
        ({"dead-letter-strategy": "a"}, '<<"a">> is not a valid dead letter strategy'),
        ({"alternate-exchange": 1}, "1 is not a valid alternate exchange name"),
        ({"queue-mode": "a"}, '<<"a">> is not a valid queue-mode value'),
        ({"queue-version": 3}, "3 is not a valid queue-version value"),
        ({"max-age": "1x"}, '<<"1x">> is not a valid max age'),
        ({"stream-max-segment-size-bytes": -1}, "-1 is not a valid segment size"),
        ({"initial-cluster-size": -1}, "-1 is not a valid cluster size"),
        ({"queue-leader-locator": "a"}, '<<"a">> is not a valid queue leader locator value'),
        ({"ha-mode": "a"}, '<<"a">> is not a valid ha-mode value'),
    ],
    ids=str,
)
def test_refused_values_of_keys_that_operators_lack(put, definition, text):
    assert refused_definition(put, definition) == text


@pytest.mark.checklist(366)
@pytest.mark.parametrize(
    "definition",
    [
        {"dead-letter-exchange": "x"},
        {"dead-letter-routing-key": "x"},
        {"dead-letter-strategy": "at-least-once"},
        {"alternate-exchange": "x"},
        {"queue-mode": "lazy"},
        {"max-age": "1h"},
        {"queue-leader-locator": "random"},
    ],
    ids=str,
)
def test_keys_that_operators_lack(put, definition):
    ((key, value),) = definition.items()
    text = f'[{{<<"{key}">>,<<"{value}">>}}] are not recognised policy settings'
    assert refused_definition(put, definition, "operator-policies") == text


@pytest.mark.checklist(365)
@pytest.mark.parametrize("kind", ["policies", "operator-policies"])
def test_refused_policies(put, kind):
    path, good = f"{kind}/%2F/refused", {"pattern": "^never-", "definition": {"max-length": 1}}
    start = "Validation failed\n\n"
    assert reason(put(path, {})) == "[{key_missing,pattern},{key_missing,definition}]"
    assert reason(put(path, {"pattern": "a"})) == "[{key_missing,definition}]"
    assert reason(put(path, [])) == "not_json"
    assert reason(put(path, good | {"pattern": "["})).startswith(
        start + "pattern should be regular expression but is invalid: "
    )
    assert reason(put(path, good | {"pattern": 1})) == (
        start + "pattern should be a binary but was 1\n"
    )
    assert reason(put(path, good | {"priority": "a"})) == (
        start + 'priority should be a number, actually was <<"a">>\n'
    )
    assert reason(put(path, good | {"apply-to": "bogus"})).startswith(
        start + "apply-to 'bogus' unrecognised; should be "
    )
    nowhere = put(path.replace("%2F", "no-such-vhost"), good)
    assert nowhere == (404, {"error": "not_found", "reason": "vhost_not_found"})


# -- over HTTP ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["policies", "operator-policies"])
def test_made_shown_and_removed(target, name, put, kind):
    policy = name("policy")
    path = f"{kind}/%2F/{policy}"
    body = {
        "pattern": "^never-",
        "definition": {"max-length": 5},
        "priority": 3,
        "apply-to": "queues",
    }
    shown = {"vhost": "/", "name": policy, **body}
    assert [put(path, body)[0] for _ in range(2)] == [201, 204]
    assert target.api("GET", path) == (200, shown)
    for listing in (kind, f"{kind}/%2F"):
        assert shown in target.api("GET", listing)[1]
    short = {"pattern": "^never-", "definition": {"max-length": 5}}
    assert put(path, short)[0] == 204
    assert target.api("GET", path)[1] == shown | {"priority": 0, "apply-to": "all"}
    assert [target.api("DELETE", path)[0] for _ in range(2)] == [204, 404]
    assert target.api("GET", path)[0] == 404


# -- parameters --------------------------------------------------------------------------------


def test_operator_policies_are_parameters(target, name, put):
    policy = name("policy")
    value = {
        "pattern": "^never-",
        "definition": {"expires": 1000},
        "priority": 1,
        "apply-to": "all",
    }
    shown = {"component": "operator_policy", "vhost": "/", "name": policy, "value": value}
    path = f"parameters/operator_policy/%2F/{policy}"
    assert put(path, {"value": value})[0] == 201
    assert target.api("GET", path) == (200, shown)
    for listing in ("", "/operator_policy", "/operator_policy/%2F"):
        assert shown in target.api("GET", f"parameters{listing}")[1]
    assert target.api("GET", f"operator-policies/%2F/{policy}")[1]["priority"] == 1
    assert target.api("DELETE", path)[0] == 204
    assert target.api("GET", f"operator-policies/%2F/{policy}")[0] == 404


def test_refused_parameters(target, put):
    failed = "Validation failed\n\n"
    assert reason(put("parameters/bogus/%2F/x", {})) == "[{key_missing,value}]"
    assert reason(put("parameters/bogus/%2F/x", {"value": 1})) == (
        f"{failed}component bogus not found\n"
    )
    assert reason(put("parameters/policy/%2F/x", {"value": {}})) == (
        "policies may not be set using this method"
    )
    assert reason(put("parameters/operator_policy/%2F/x", {"value": 1})) == (
        f"{failed}x not a list 1\n"
    )
    assert reason(put("parameters/operator_policy/%2F/x", {"value": {"a": 1}})) == (
        f'{failed}Unrecognised terms [{{<<"a">>,1}}] in x\n'
        'Key "definition" not found in x\n'
        'Key "pattern" not found in x\n'
        'Key "priority" not found in x\n'
    )
    assert target.api("GET", "parameters/bogus") == (200, [])
    assert target.api("GET", "parameters/bogus/%2F/x")[0] == 404
    assert target.api("GET", "parameters/operator_policy/no-such-vhost")[0] == 404
    assert target.api("DELETE", "parameters/bogus/%2F/x")[0] == 404


def test_global_parameters(target, name, put):
    parameter = name("parameter")
    path = f"global-parameters/{parameter}"
    assert [put(path, {"value": value})[0] for value in ({"a": [1]}, None, "x")] == [201, 204, 204]
    shown = {"name": parameter, "value": "x"}
    assert target.api("GET", path) == (200, shown)
    listed = target.api("GET", "global-parameters")[1]
    assert shown in listed
    assert "internal_cluster_id" in {each["name"] for each in listed}
    assert reason(put(path, {})) == "[{key_missing,value}]"
    assert [target.api("DELETE", path)[0] for _ in range(2)] == [204, 404]
    assert target.api("GET", path)[0] == 404
