"""Researchers at the admin: one who owns the studies, one who may only look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from annotations.blind import Timing
from annotations.domain import judging, members, participation
from annotations.enums import Role
from annotations.models import Study
from tests.annotations.factories import ParticipationFactory, StudyFactory, UserFactory, the_researcher

GRADES = ("1", "2", "3", "4", "5")


def address(study: Study, name: str, *more: object) -> str:
    return reverse(f"admin:annotations_study_{name}", args=(study.pk, *more))


def said(response: Any) -> list[str]:
    """What the page that a response leads to says to the researcher."""
    return [str(message) for message in response.context["messages"]]


def judge(study: Study, *, raters: int = 1, limit: int | None = None, simulated: bool = False) -> None:
    """Let raters judge their booklets, or the first `limit` trials of each."""
    for number in range(raters):
        someone = ParticipationFactory(study=study, simulated=simulated)
        view, done = participation.begin(public_id=someone.public_id), 0
        while view.trials and (limit is None or done < limit):
            answers = {
                question.key: GRADES[(number + done + at) % 5]
                for at, question in enumerate(view.questionnaire.questions)
            }
            timing = Timing(first_answer_ms=900, submit_ms=4000 + 500 * done, hidden_ms=300, idle_ms=100)
            trial = view.trials[0].token
            view = judging.record_judgement(public_id=someone.public_id, trial=trial, answers=answers, timing=timing)
            done += 1


@pytest.fixture
def researcher(db: None) -> User:
    """The owner of the studies that factories make; may start studies, and is no superuser."""
    user = the_researcher()
    names = ("add_study", "change_study", "view_study")
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return user


@pytest.fixture
def viewer(db: None) -> User:
    """A researcher who may start no study, and is a member of none (see `share`)."""
    return UserFactory(is_staff=True)


@pytest.fixture
def share(viewer: User) -> Callable[..., User]:
    """`share(study, "observer")`: make the viewer a member of a study."""

    def add(study: Study, role: str = "observer") -> User:
        members.add_member(study=study, user=viewer, role=Role(role))
        return viewer

    return add


@pytest.fixture
def superuser(db: None) -> User:
    return UserFactory(superuser=True)


@pytest.fixture
def desk(researcher: User) -> Client:
    client = Client()
    client.force_login(researcher)
    return client


@pytest.fixture
def window(viewer: User) -> Client:
    client = Client()
    client.force_login(viewer)
    return client


@pytest.fixture
def root(superuser: User) -> Client:
    client = Client()
    client.force_login(superuser)
    return client


@pytest.fixture
def draft(db: None) -> Study:
    return StudyFactory()


@pytest.fixture
def running(db: None) -> Study:
    return StudyFactory(open=True)
