"""A rater at a real browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, expect

from annotations.models import Judgement, Participation, Study
from tests.annotations.factories import ParticipationFactory, StudyFactory, UserFactory, token_of

expect.set_options(timeout=60_000)  # ms; a slow machine is no failure
LONG = "\n\n".join(
    f"Paragraph {n}. " + "A sentence that goes on and on about the use of a thing. " * 8 for n in range(12)
)


@pytest.fixture
def researcher(transactional_db: None) -> User:
    """Somebody who may do everything."""
    return UserFactory(superuser=True)


@pytest.fixture
def desk(page: Page, live_server: Any, client: Any, researcher: User) -> Page:
    """The browser of a researcher who has logged in."""
    client.force_login(researcher)
    cookie = client.cookies["sessionid"]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    page.goto(live_server.url)
    return page


@dataclass
class Rater:
    """Somebody with a link, at a page."""

    page: Page
    participation: Participation
    site: str

    @property
    def home(self) -> str:
        return self.site + reverse("rater_page", args=[token_of(self.participation)])

    def go(self) -> Rater:
        self.page.goto(self.home)
        return self

    def expect_trial(self, number: int, total: int = 3) -> None:
        expect(self.page.locator("#count")).to_have_text(f"{number} of {total}")

    def trial(self) -> str:
        return str(self.page.locator("form article").get_attribute("data-trial"))

    def choose(self, dimension: str, number: int) -> None:
        self.page.locator(f'.row[data-row="{dimension}"] .choice').nth(number - 1).click()

    def choose_all(self, number: int = 2) -> None:
        for row in self.page.locator(".row").all():
            row.locator(".choice").nth(number - 1).click()

    def next(self) -> None:
        self.page.get_by_role("button", name="Next").click()

    def sent(self) -> None:
        """Wait until the server has acknowledged every answer."""
        self.page.wait_for_function("() => !Object.keys(localStorage).some(key => key.endsWith('outbox'))")

    def said(self) -> Any:
        return self.page.locator("#said")

    def judgements(self) -> list[Judgement]:
        return list(Judgement.objects.filter(lease__participation=self.participation).order_by("trial__position"))


@pytest.fixture
def study(transactional_db: None) -> Study:
    return StudyFactory(open=True)


@pytest.fixture
def make_rater(page: Page, live_server: Any) -> Callable[..., Rater]:
    """`make_rater(study=…, begun=True)`: a rater at the page of this test."""

    def make(*, study: Study, page: Page = page, **kwargs: Any) -> Rater:
        kwargs.setdefault("begun", True)
        return Rater(page, ParticipationFactory(study=study, **kwargs), live_server.url)

    return make


@pytest.fixture
def rater(make_rater: Callable[..., Rater], study: Study) -> Rater:
    """A rater at the first trial."""
    return make_rater(study=study).go()
