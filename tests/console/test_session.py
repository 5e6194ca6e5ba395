"""Signing in and out, and what the browser keeps."""

from playwright.sync_api import Page, expect

from tests.console.conftest import Opener, sign_in
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


def test_nothing_secret_is_kept(busy: Broker, open_page: Opener) -> None:
    page = open_page(busy)
    kept = page.evaluate("JSON.stringify(localStorage)")
    assert "guest" not in kept
    assert "authorization" not in kept
    assert page.context.cookies() == []
