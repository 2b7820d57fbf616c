"""The invitation list in a browser: the researcher's page, the link in the letter, no more letters, a full study."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotations.domain import invitations, letters
from annotations.models import Invitation
from tests.annotations.admin.conftest import address
from tests.annotations.factories import StudyFactory, UserFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(params=[1280, 390])
def desk(page: Page, live_server: Any, client: Any, request) -> Page:
    client.force_login(UserFactory(superuser=True))
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.set_viewport_size({"width": request.param, "height": 900})
    return page


def look(page: Page, name: str) -> None:
    """Nothing is wider than the page, axe finds nothing, and a picture is kept when a folder for it is named."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"invitations-{name}-{page.viewport_size['width']}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": RULES}})
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found.response["violations"]] == []


def test_a_list_its_letters_and_what_people_see(desk, live_server, tmp_path):
    study = StudyFactory(open=True, recruitment="invitations", title="Unusual uses", contact="lab@example.org")
    file = tmp_path / "people.csv"
    file.write_text("address\nanna@example.org\nbob@example\ncode-1\n")
    desk.goto(live_server.url + address(study, "entrance"))
    look(desk, "empty")
    desk.get_by_label("CSV of addresses or codes").set_input_files(file)
    desk.get_by_role("button", name="Upload and check").click()
    expect(desk.get_by_text("is not a valid e-mail address")).to_be_visible()
    look(desk, "refused")
    file.write_text("address\nanna@example.org\nbob@example.org\ncode-1\n")
    desk.get_by_label("CSV of addresses or codes").set_input_files(file)
    desk.get_by_role("button", name="Upload and check").click()
    desk.once("dialog", lambda dialog: dialog.accept())
    desk.get_by_role("button", name="Send 2 letters").click()
    expect(desk.get_by_text("2 letters are on their way.")).to_be_visible()
    letters.send_due()
    invitations.note_bounces(study=study, text="bob@example.org")
    desk.reload()
    look(desk, "sent")

    link, leave = re.findall(r"http\S+", mail.outbox[0].body)
    desk.goto(link)
    expect(desk.get_by_role("button", name="Go on")).to_be_visible()
    desk.goto(leave)
    look(desk, "unsubscribe")
    desk.get_by_role("button", name="No more letters").click()
    expect(desk.get_by_text("You will get no more letters about this study.")).to_be_visible()
    look(desk, "unsubscribed")
    assert Invitation.objects.exclude(unsubscribed_at=None).count() == 1


def test_pages_of_people_who_cannot_come_in(desk, live_server):
    full = StudyFactory(open=True, title="Unusual uses", recruitment_settings={"seats": 1}, contact="lab@example.org")
    listed = StudyFactory(open=True, recruitment="invitations")
    first = live_server.url + reverse("study_entrance", args=[full.slug])
    desk.goto(first)
    desk.get_by_role("button", name="Go on").click()

    desk.goto(f"{first}?new")
    expect(desk.get_by_text("All places in this study are taken at the moment")).to_be_visible()
    look(desk, "no-seat")
    desk.goto(live_server.url + reverse("study_entrance", args=[listed.slug]))
    expect(desk.get_by_text("The link does not say who you are")).to_be_visible()
    look(desk, "no-invitation")
