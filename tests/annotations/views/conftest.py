"""A rater with a link, as a plain HTTP client sees the pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from annotations.models import Judgement, Participation, Study
from tests.annotations.factories import ParticipationFactory, StudyFactory, token_of

ANSWERS = {"answer-originality": "1", "answer-surprise": "3", "answer-creativity": "5"}


@dataclass
class Person:
    """Somebody at a browser: a client of his own and his link."""

    participation: Participation
    client: Client = field(default_factory=Client)

    @property
    def token(self) -> str:
        return token_of(self.participation)

    def url(self, name: str = "rater_page") -> str:
        return reverse(name, args=[self.token])

    def look(self) -> Any:
        return self.client.get(self.url())

    def trial(self) -> str:
        """The token of the trial on the page."""
        return trial_on(self.look().content.decode())

    def send(self, trial: str, *, fetch: bool = False, **fields: str) -> Any:
        data = {"trial": trial, **(fields or ANSWERS)}
        headers = {"X-Requested-With": "fetch"} if fetch else {}
        return self.client.post(self.url("rater_answer"), data, headers=headers)

    def judgements(self) -> int:
        return Judgement.objects.filter(lease__participation=self.participation).count()


def trial_on(html: str) -> str:
    """Return the first trial's token in a page or fragment."""
    found = re.search(r'data-trial="([^"]+)"', html)
    assert found, html
    return found.group(1)


@pytest.fixture
def study(db: None) -> Study:
    return StudyFactory(open=True)


@pytest.fixture
def person(study: Study) -> Person:
    return Person(ParticipationFactory(study=study, begun=True))


@pytest.fixture
def newcomer(study: Study) -> Callable[..., Person]:
    return lambda **kwargs: Person(ParticipationFactory(study=study, **kwargs))
