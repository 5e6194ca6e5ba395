"""What the tags of a user allow is there, what they do not is not shown, and nothing is refused."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.console.conftest import Opener, ask
from tests.support.broker import Broker

EVERYBODY = [
    *("Overview", "Queues", "Exchanges", "Topology", "Connections", "Channels", "Consumers"),
    *("Virtual hosts", "Policies", "Limits"),
]
POLICYMAKER = ["Parameters"]
ADMINISTRATOR = ["Users", "Parameters", "Settings", "Definitions"]
PAGES = {
    "management": EVERYBODY,
    "policymaker": [*EVERYBODY, *POLICYMAKER],
    "monitoring": EVERYBODY,
    "administrator": [*EVERYBODY, *ADMINISTRATOR],
}
# Addresses that one may have been given by somebody with other tags.
GUARDED = {
    "users": "administrator",
    "settings": "administrator",
    "definitions": "administrator",
    "parameters": "policymaker",
}
INSIDE = ("queues/%2F/orders", "exchanges/%2F/events", "vhosts/%2F", "topology")


@pytest.fixture
def user(busy: Broker, request: pytest.FixtureRequest) -> Iterator[str]:
    """A user with one tag, who may do everything in `/`."""
    tag = str(request.param)
    name = f"with.{tag}"
    ask(busy, "PUT", f"/api/users/{name}", {"password": name, "tags": tag})
    ask(busy, "PUT", f"/api/permissions/%2F/{name}", dict.fromkeys(RIGHTS, ".*"))
    yield tag
    ask(busy, "DELETE", f"/api/users/{name}")


RIGHTS = ("configure", "write", "read")


def go(page: Page, where: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#/{where}")


@pytest.mark.parametrize("user", list(PAGES), indirect=True)
def test_pages_are_those_of_the_tag(busy: Broker, open_page: Opener, user: str) -> None:
    page = open_page(busy, user=f"with.{user}")
    side = page.get_by_role("navigation", name="Pages")
    expect(side.get_by_role("link", name="Overview")).to_be_visible()
    for title in {*EVERYBODY, *ADMINISTRATOR}:
        link = side.get_by_role("link").filter(has_text=title)
        expect(link).to_have_count(1 if title in PAGES[user] else 0)
    for title in PAGES[user]:
        side.get_by_role("link").filter(has_text=title).click()
        expect(page.get_by_role("heading", level=1)).to_have_text(title)
        expect(page.get_by_role("alert")).to_have_count(0)
    for where in INSIDE:
        go(page, where)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.get_by_role("alert")).to_have_count(0)


@pytest.mark.parametrize("user", ["management", "monitoring"], indirect=True)
def test_a_page_for_others_says_so(busy: Broker, open_page: Opener, user: str) -> None:
    page = open_page(busy, user=f"with.{user}")
    for where, tag in GUARDED.items():
        go(page, where)
        expect(page.get_by_text(f"It needs the tag {tag}.")).to_be_visible()


@pytest.mark.parametrize("user", ["management", "monitoring", "administrator"], indirect=True)
def test_actions_are_those_of_the_tag(busy: Broker, open_page: Opener, user: str) -> None:
    page = open_page(busy, user=f"with.{user}")
    administrator = int(user == "administrator")
    # Facts of the node are for those who watch it.
    expect(page.get_by_text("File descriptors")).to_have_count(0 if user == "management" else 1)
    go(page, "vhosts")
    expect(page.get_by_role("link", name="/", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Add a virtual host")).to_have_count(administrator)
    go(page, "vhosts/%2F")
    expect(page.get_by_role("heading", name="/", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name="Topic permissions")).to_have_count(administrator)
    expect(page.get_by_role("button", name="Change", exact=True)).to_have_count(administrator)
    go(page, "policies?add=1")
    expect(page.get_by_role("heading", name="Policies", exact=True)).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(administrator)
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Add a policy")).to_have_count(administrator)
    page.keyboard.press("Control+k")
    page.keyboard.type("add a")
    expect(page.get_by_role("option", name="Add a queue")).to_be_visible()
    expect(page.get_by_role("option", name="Add a user")).to_have_count(administrator)


@pytest.mark.parametrize("user", ["management"], indirect=True)
def test_actions_are_those_of_the_permissions(busy: Broker, open_page: Opener, user: str) -> None:
    rights = {"configure": "^$", "write": "^mails$", "read": "^(orders|mails)$"}
    ask(busy, "PUT", f"/api/permissions/%2F/with.{user}", rights)
    page = open_page(busy, "#/queues/%2F/orders", user=f"with.{user}")
    more = page.get_by_role("button", name="More actions")
    expect(more).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    more.click()
    expect(page.get_by_role("button", name="Purge…")).to_be_visible()
    expect(page.get_by_role("button", name="Delete…")).to_have_count(0)
    go(page, "queues/%2F/orders?do=delete")
    expect(page.get_by_role("heading", name="orders")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
    go(page, "queues/%2F/invoices?tab=messages")
    expect(page.get_by_text("You have no read permission for invoices")).to_be_visible()
    go(page, "queues/%2F/mails?tab=bindings")
    expect(page.get_by_role("button", name="Bind", exact=True)).to_be_visible()
    go(page, "queues/%2F/orders?tab=bindings")
    expect(page.get_by_role("cell", name="events")).to_be_visible()
    expect(page.get_by_role("button", name="Bind", exact=True)).to_have_count(0)
    expect(page.get_by_role("button", name="Remove the binding")).to_have_count(0)
    go(page, "queues")
    expect(page.get_by_role("link", name="orders", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Add a queue")).to_have_count(0)
    page.get_by_label("Select / orders").check()
    expect(page.get_by_role("button", name="Purge")).to_be_visible()
    expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    # What an administrator grants shows at once.
    ask(busy, "PUT", f"/api/permissions/%2F/with.{user}", dict.fromkeys(RIGHTS, ".*"))
    expect(page.get_by_role("button", name="Add a queue")).to_be_visible()
    go(page, "exchanges/%2F/events")
    expect(page.get_by_role("button", name="Publish", exact=True)).to_be_visible()


@pytest.mark.parametrize("user", ["monitoring"], indirect=True)
def test_only_own_connections_are_closed(busy: Broker, open_page: Opener, user: str) -> None:
    page = open_page(busy, "#/connections", user=f"with.{user}")
    page.locator("main .table .name a").first.click()
    expect(page.get_by_role("heading", name="Channels")).to_be_visible()
    expect(page.get_by_role("button", name="Close")).to_have_count(0)
