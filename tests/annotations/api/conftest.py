"""Callers of the API: with a session, with a token, as each role."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from annotations.domain import members
from annotations.enums import Role
from annotations.models import Study
from tests.annotations.admin.conftest import judge
from tests.annotations.factories import StudyFactory, UserFactory

SYSTEMS = ("quagga-base", "numbat-steered")


@pytest.fixture
def study(db: None) -> Study:
    made = StudyFactory(open=True, prompts=4, systems=SYSTEMS, design={"raters_per_task": 2, "trials_per_rater": 4})
    judge(made, raters=2)
    return made


@pytest.fixture
def caller(study: Study) -> Callable[..., Client]:
    """`caller("analyst")`: a client with the token of a member in this role; `None` is a member of nothing."""

    def make(role: str | None) -> Client:
        user: User = UserFactory(is_staff=True)
        if role is not None:
            members.add_member(study=study, user=user, role=Role(role))
        _, text = members.issue_token(user=user, name="test", days=1)
        client = Client(headers={"authorization": f"Bearer {text}"})
        client.user = user  # type: ignore[attr-defined]
        return client

    return make


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)
