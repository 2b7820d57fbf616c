"""The browser at work: the admin under its policy, and the policy itself."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.django_db


def test_admin_login_works_under_its_policy(page: Page, live_server):
    User.objects.create_superuser("ada", password="correct horse battery")

    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("User name or e-mail address").fill("ada")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Log in").click()

    expect(page).to_have_url(f"{live_server.url}/admin/")


def test_strict_policy_stops_inline_script(page: Page, live_server, browser_problems):
    page.goto(f"{live_server.url}/healthz")

    ran = page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.ran = true";
            const policy = new Promise(done => document.addEventListener("securitypolicyviolation", done));
            document.head.append(script);
            return policy.then(event => [window.ran ?? false, event.effectiveDirective]);
        }"""
    )

    assert ran == [False, "script-src-elem"]
    assert len(browser_problems) == 1
    browser_problems.clear()
