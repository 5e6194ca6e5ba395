"""Signing in and out, and what the browser keeps."""

from playwright.sync_api import Page, expect

from tests.console.conftest import Opener, ask, sign_in
from tests.support.broker import Broker


def wrong(page: Page) -> None:
    page.get_by_label("User name").fill("guest")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()


def test_a_wrong_password_is_refused_and_the_right_one_is_not(
    busy: Broker, open_page: Opener
) -> None:
    page = open_page(busy, user=None)
    wrong(page)
    expect(page.get_by_role("alert")).to_have_text("The user name or the password is wrong.")
    expect(page.get_by_label("Password")).to_have_value("")
    sign_in(page, "guest")
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_link_leads_to_its_page_after_signing_in(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy, "#/queues/%2F/orders?tab=bindings")
    expect(page.get_by_role("heading", name="orders", exact=True)).to_be_visible()
    expect(page.get_by_role("tab", name="Bindings")).to_have_attribute("aria-selected", "true")


def test_a_reload_and_a_new_tab_stay_signed_in_until_signing_out(
    busy: Broker, open_page: Opener
) -> None:
    page = open_page(busy)
    page.reload()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_role("heading", name="Overview")).to_be_visible()
    page.get_by_role("button", name="Signed in as guest").click()
    page.get_by_role("button", name="Sign out").click()
    for each in (page, other):
        expect(each.get_by_label("User name")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_who_is_signed_out_elsewhere_signs_in_again_where_they_were(
    busy: Broker, open_page: Opener
) -> None:
    page = open_page(busy, "#/queues/%2F/orders")
    expect(page.get_by_role("heading", name="orders", exact=True)).to_be_visible()
    page.evaluate(
        """() => fetch("api/login", {
          method: "DELETE",
          headers: JSON.parse(sessionStorage.getItem("leveret.session")),
        })"""
    )
    expect(page.get_by_role("alert")).to_contain_text("Your session has ended.")
    sign_in(page, "guest")
    expect(page.get_by_role("heading", name="orders", exact=True)).to_be_visible()


def test_a_user_without_tags_is_told_why_not(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/users/plain", {"password": "plain", "tags": ""})
    page = open_page(busy, user=None)
    page.get_by_label("User name").fill("plain")
    page.get_by_label("Password").fill("plain")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("it has no management tag")


def test_the_chosen_virtual_host_narrows_the_lists(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/vhosts/second", {})
    ask(busy, "PUT", "/api/queues/second/only.here", {"durable": True})
    page = open_page(busy, "#/queues")
    page.get_by_label("Virtual host").select_option("second")
    expect(page.get_by_text("1 queue", exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="only.here")).to_be_visible()
    page.goto(page.url.split("#")[0] + "#/connections")
    expect(page.get_by_text("Nobody is connected")).to_be_visible()
    ask(busy, "DELETE", "/api/vhosts/second")


def test_a_link_shows_the_same_to_somebody_else(busy: Broker, open_page: Opener) -> None:
    ask(busy, "PUT", "/api/vhosts/third", {})
    page = open_page(busy, "#/queues?q=o&sort=-ready")
    page.get_by_label("Virtual host").select_option("/")
    page.goto(page.url.replace("#/queues", "#/queues/%2F/orders"))
    page.get_by_role("button", name="1 h", exact=True).click()
    assert "range=1+h" in page.url
    other = open_page(busy, page.url.partition("/#")[2].join(("#", "")))
    expect(other.get_by_role("button", name="1 h", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(other.get_by_label("Virtual host")).to_have_value("/")
    ask(busy, "DELETE", "/api/vhosts/third")


def test_nothing_secret_is_kept(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "guest" not in kept
    assert "authorization" not in kept
    assert page.context.cookies() == []
