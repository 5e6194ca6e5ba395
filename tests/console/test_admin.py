"""The admin pages: every action, with its effect as the API sees it."""

import json
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import GUEST, Opener, ask
from tests.console.test_actions import accept
from tests.console.test_pages import serious, shoot
from tests.support.broker import Broker


def read(broker: Broker, path: str) -> Any:
    """What a GET answers, None where there is nothing."""
    connection = HTTPConnection(broker.http.host, broker.http.port, timeout=10)
    connection.request("GET", path, headers=GUEST)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return json.loads(body) if answer.status == 200 else None


def told(page: Page, text: str) -> None:
    expect(page.get_by_role("status").filter(has_text=text).first).to_be_visible()


def test_a_user_is_made_changed_and_deleted(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/users")
    page.get_by_role("button", name="Add a user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("guest")
    dialog.get_by_role("button", name="Add the user").click()
    expect(dialog.get_by_label("Name", exact=True)).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Name", exact=True).fill("ann/é")
    dialog.get_by_label("Password", exact=True).fill("secret")
    dialog.get_by_label("Password again").fill("secret")
    dialog.get_by_label("monitoring").check()
    accept(page, "Add the user")
    user = read(busy, "/api/users/ann%2F%C3%A9")
    assert user["tags"] == ["monitoring"]
    assert read(busy, "/api/permissions/%2F/ann%2F%C3%A9")["write"] == ".*"

    page.get_by_role("link", name="ann/é").click()
    page.get_by_role("button", name="Tags").click()
    page.get_by_role("dialog").get_by_label("policymaker").check()
    page.get_by_role("dialog").get_by_label("Other tags").fill("team-a")
    accept(page, "Change the tags")
    changed = read(busy, "/api/users/ann%2F%C3%A9")
    assert changed["tags"] == ["monitoring", "policymaker", "team-a"]
    assert changed["password_hash"] == user["password_hash"]

    page.get_by_role("button", name="Password").click()
    page.get_by_role("dialog").get_by_label("No password").check()
    accept(page, "Take the password away")
    assert read(busy, "/api/users/ann%2F%C3%A9")["password_hash"] == ""

    page.get_by_label("Channels at most", exact=True).fill("7")
    page.get_by_role("button", name="Set channels at most").click()
    told(page, "Channels at most: 7.")
    assert read(busy, "/api/users/ann%2F%C3%A9")["limits"] == {"max-channels": 7}

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete…").click()
    accept(page, "Delete the user", "ann/é")
    expect(page.get_by_role("heading", name="Users")).to_be_visible()
    assert read(busy, "/api/users/ann%2F%C3%A9") is None


def test_permissions_are_set_and_taken_away(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/users/perm", {"password": "p", "tags": ""})
    page = open_page(busy, "#/users/perm")
    page.get_by_role("button", name="Set permissions").click()
    page.get_by_role("dialog").get_by_label("Configure").fill("")
    page.get_by_role("dialog").get_by_label("Write").fill("^orders")
    accept(page, "Set the permissions")
    entry = read(busy, "/api/permissions/%2F/perm")
    assert (entry["configure"], entry["write"], entry["read"]) == ("", "^orders", ".*")

    page.get_by_role("button", name="Set topic permissions").click()
    page.get_by_label("Topic exchange").select_option("events")
    page.get_by_role("dialog").get_by_label("Write keys").fill("(")
    page.get_by_role("button", name="Set the permissions").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    page.get_by_role("dialog").get_by_label("Write keys").fill("^order\\.")
    accept(page, "Set the permissions")
    (topic,) = read(busy, "/api/topic-permissions/%2F/perm")
    assert (topic["exchange"], topic["write"]) == ("events", "^order\\.")

    page.get_by_role("button", name="Take the topic permissions of perm on events away").click()
    accept(page, "Take away")
    page.get_by_role("button", name="Take the permissions of perm in / away").click()
    accept(page, "Take away")
    expect(page.get_by_text("This user may not enter any virtual host.")).to_be_visible()
    assert read(busy, "/api/users/perm/permissions") == []
    assert read(busy, "/api/users/perm/topic-permissions") == []
    ask(busy, "DELETE", "/api/users/perm")


def test_a_virtual_host_is_made_described_bounded_and_deleted(
    busy: Broker, open_page: Opener
) -> None:
    page = open_page(busy, "#/vhosts")
    page.get_by_role("button", name="Add a virtual host").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill("team a")
    page.get_by_role("dialog").get_by_label("Protected").check()
    accept(page, "Add the virtual host")
    assert read(busy, "/api/vhosts/team%20a")["protected_from_deletion"] is True

    page.get_by_role("link", name="team a").click()
    page.get_by_role("button", name="Change", exact=True).click()
    page.get_by_role("dialog").get_by_label("Description").fill("for the team")
    page.get_by_role("dialog").get_by_label("Type of queues").select_option("quorum")
    page.get_by_role("dialog").get_by_label("Protected").uncheck()
    accept(page, "Change it")
    found = read(busy, "/api/vhosts/team%20a")
    assert (found["description"], found["default_queue_type"]) == ("for the team", "quorum")

    page.get_by_label("Queues at most", exact=True).fill("50")
    page.get_by_role("button", name="Set queues at most").click()
    told(page, "Queues at most: 50.")
    assert read(busy, "/api/vhost-limits/team%20a")[0]["value"] == {"max-queues": 50}
    page.get_by_label("Queues at most", exact=True).fill("")
    page.get_by_role("button", name="Set queues at most").click()
    told(page, "no limit any more")
    assert read(busy, "/api/vhost-limits/team%20a") == []

    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name="Delete…").click()
    accept(page, "Delete the virtual host", "team a")
    expect(page.get_by_role("heading", name="Virtual hosts")).to_be_visible()
    assert read(busy, "/api/vhosts/team%20a") is None


def test_a_policy_shows_what_it_is_for_before_it_is_made(busy: Broker, open_page: Opener) -> None:
    high = {"pattern": "^orders$", "definition": {"max-length": 9000}, "priority": 9}
    ask(busy, "PUT", "/api/policies/%2F/high", high)
    page = open_page(busy, "#/policies")
    page.get_by_role("button", name="Add a policy").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("mine")
    dialog.get_by_label("Pattern").fill("^(orders|invoices)$")
    dialog.get_by_role("button", name="Max length", exact=True).click()
    preview = dialog.get_by_role("region", name="What it is for")
    summary = "It fits 2 queues; 1 of them stay with another policy."
    expect(preview.get_by_role("status")).to_have_text(summary)
    expect(preview.get_by_text("stays with high (priority 9)")).to_be_visible()
    dialog.get_by_label("Priority").fill("10")
    expect(preview.get_by_text("instead of high (priority 9)")).to_be_visible()
    dialog.get_by_label("Pattern").fill("(")
    dialog.get_by_role("button", name="Add the policy").click()
    expect(dialog.get_by_label("Pattern")).to_have_attribute("aria-invalid", "true")
    dialog.get_by_label("Pattern").fill("^(orders|invoices)$")
    accept(page, "Add the policy")
    policy = read(busy, "/api/policies/%2F/mine")
    assert (policy["priority"], policy["definition"]) == (10, {"max-length": 100000})
    assert read(busy, "/api/queues/%2F/orders")["policy"] == "mine"

    page.get_by_role("button", name="mine", exact=True).click()
    page.get_by_role("dialog").get_by_label("Priority").fill("1")
    accept(page, "Change the policy")
    assert read(busy, "/api/queues/%2F/orders")["policy"] == "high"
    for name in ("mine", "high"):
        ask(busy, "DELETE", f"/api/policies/%2F/{name}")


def test_an_operator_policy_is_made_and_deleted(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/policies?kind=operator")
    page.get_by_role("button", name="Add an operator policy").click()
    page.get_by_role("dialog").get_by_label("Name").fill("bound")
    page.get_by_role("dialog").get_by_label("Pattern").fill("^nothing$")
    page.get_by_role("button", name="Message TTL").click()
    accept(page, "Add the policy")
    found = read(busy, "/api/operator-policies/%2F/bound")
    assert found["definition"] == {"message-ttl": 60000}
    page.get_by_label("Select / bound").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    accept(page, "Delete")
    told(page, "1 operator policy deleted")
    assert read(busy, "/api/operator-policies/%2F/bound") is None


@pytest.mark.parametrize("kind", ["", "global"])
def test_a_parameter_is_set_and_deleted(busy: Broker, open_page: Opener, kind: str) -> None:
    where = "/api/global-parameters/note" if kind else "/api/parameters/tool/%2F/note"
    page = open_page(busy, f"#/parameters?kind={kind}")
    page.get_by_role("button", name="parameter").last.click()
    dialog = page.get_by_role("dialog")
    if not kind:
        dialog.get_by_label("Component").fill("tool")
    dialog.get_by_label("Name").fill("note")
    dialog.get_by_label("Value").fill("{")
    expect(dialog.get_by_role("alert")).to_contain_text("This is not JSON")
    dialog.get_by_label("Value").fill('{"a": [1]}')
    if not kind:
        dialog.get_by_role("button", name="Add the parameter").click()
        # RabbitMQ takes parameters of known components only.
        expect(dialog.get_by_role("alert")).to_be_visible()
        return
    accept(page, "Add the parameter")
    assert read(busy, where)["value"] == {"a": [1]}
    page.get_by_role("button", name="note", exact=True).click()
    page.get_by_role("dialog").get_by_label("Value").fill('"text"')
    accept(page, "Change the parameter")
    assert read(busy, where)["value"] == "text"
    page.get_by_label("Select /global-parameters/note").check()
    page.get_by_role("button", name="Delete", exact=True).click()
    accept(page, "Delete")
    told(page, "1 parameter deleted")
    assert read(busy, where) is None


def test_definitions_are_exported_compared_and_imported(
    busy: Broker, open_page: Opener, tmp_path: Path
) -> None:
    page = open_page(busy, "#/definitions")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download the file").click()
    started.value.save_as(tmp_path / "all.json")
    document = json.loads((tmp_path / "all.json").read_text())
    assert {"orders", "dead"} <= {queue["name"] for queue in document["queues"]}

    document["queues"].append({"vhost": "/", "name": "imported", "durable": True, "arguments": {}})
    page.get_by_label("File", exact=True).set_input_files(
        {"name": "d.json", "mimeType": "application/json", "buffer": json.dumps(document).encode()}
    )
    changes = page.get_by_role("region", name="What would change")
    expect(changes.get_by_text("imported in /")).to_be_visible()
    assert read(busy, "/api/queues/%2F/imported") is None
    page.get_by_role("button", name="Import 1 change").click()
    told(page, "The definitions are imported.")
    assert read(busy, "/api/queues/%2F/imported")["durable"] is True
    expect(page.get_by_role("button", name="Nothing to import")).to_be_disabled()

    page.get_by_label("Or its text").fill("[]")
    page.get_by_role("button", name="Show what would change").click()
    expect(page.get_by_role("alert")).to_contain_text("This is not a definitions file")
    ask(busy, "DELETE", "/api/queues/%2F/imported")


def test_what_a_tag_does_not_allow_is_not_shown(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/users/polly", {"password": "polly", "tags": "policymaker"})
    ask(busy, "PUT", "/api/permissions/%2F/polly", {"configure": "", "write": "", "read": ".*"})
    page = open_page(busy, "#/policies", user="polly")
    pages = page.get_by_role("navigation", name="Pages")
    expect(pages.get_by_role("link", name="Policies")).to_be_visible()
    for name in ("Users", "Definitions"):
        expect(pages.get_by_role("link", name=name)).to_have_count(0)
    expect(page.get_by_role("button", name="Add a policy")).to_be_visible()
    page.get_by_role("tab", name="Operator policies").click()
    expect(page.get_by_text("No operator policies yet")).to_be_visible()
    expect(page.get_by_role("button", name="Add an operator policy")).to_have_count(0)
    page.goto(page.url.split("#")[0] + "#/vhosts/%2F")
    expect(page.get_by_role("heading", name="/", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Change", exact=True)).to_have_count(0)
    page.goto(page.url.split("#")[0] + "#/users")
    expect(page.get_by_text("This page is for others")).to_be_visible()
    ask(busy, "DELETE", "/api/users/polly")


def test_users_and_policies_are_found_from_everywhere(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/policies/%2F/far.away", {"pattern": "x", "definition": {"expires": 9}})
    page = open_page(busy)
    page.keyboard.press("Control+k")
    page.keyboard.type("far.aw")
    expect(page.get_by_role("option", name="far.away Policy in /")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="far.away", exact=True)).to_be_visible()
    page.keyboard.press("Control+k")
    page.keyboard.type("add a us")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Add a user")).to_be_visible()
    ask(busy, "DELETE", "/api/policies/%2F/far.away")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_forms_keep_nobody_out(busy: Broker, open_page: Opener, axe: str, scheme: str) -> None:
    page = open_page(busy, "#/", scheme=scheme)
    page.evaluate(axe)
    for where, button in FORMS.items():
        page.goto(page.url.split("#")[0] + "#/" + where)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        if where == "policies":
            expect(page.get_by_role("dialog").get_by_text("It fits")).to_be_visible()
        shoot(page, f"{where}-form", scheme)
        assert serious(page) == [], where
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_have_count(0)


FORMS = {
    "users": "Add a user",
    "users/guest": "Set permissions",
    "vhosts": "Add a virtual host",
    "policies": "Add a policy",
    "parameters": "Add a parameter",
}
