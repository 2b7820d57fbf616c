"""Every study template, from welcome to code, with a keyboard only, wide and on a phone; axe on every kind of page."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from annotations.domain import panel, planning, studies
from annotations.enums import JobState
from annotations.models import Judgement, Output, Round
from annotations.registry import study_templates
from tests.annotations.factories import fill
from tests.standins.chat import chat_server

from .asking import STORY
from .walking import Walk

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"wide": (1280, 800), "phone": (390, 844)}
FEW = {"raters_per_task": 2, "trials_per_rater": 3, "attention_trials": 0, "repeat_trials": 0}
SYSTEMS = {"creativity_sliders": ("baseline", "steered")}
RIGHT = {"creativity_sliders": frozenset({"both", "move"})}
CODE = re.compile(r"[A-Z2-9]{8}")


def opened(template, server):
    """A study from this template, as small as it can be and with everything that the template asks for."""
    study = studies.create_study(title="What would you make of it?", template=template)
    study.contact = "study@example.org"
    if panel.is_panel(study):
        study.design |= {"rounds": 2}
        study.save()
        for name in ("baseline", "steered"):
            panel.edit_writer(
                study=study,
                name=name,
                role="treatment",
                generator="openai_compatible",
                settings={"base_url": server.base_url, "model": name},
            )
    else:
        study.design |= FEW
        study.save()
        fill(study, prompts=6, systems=SYSTEMS.get(template, ("baseline", "activation", "weights")))
        if template == "torrance_writing":
            Output.objects.filter(prompt__study=study).update(text=STORY)
    planning.freeze_study(study=study)
    return studies.open_study(study=study)


def answer_questions():
    """Do what a Celery worker does: let the systems answer."""
    for waiting in Round.objects.filter(state=JobState.QUEUED):
        panel.make_round(round_id=waiting.pk)


@pytest.mark.e2e
@pytest.mark.parametrize("size", [pytest.param(size, marks=[pytest.mark.long] * (size == "phone")) for size in SIZES])
@pytest.mark.parametrize("template", study_templates.names())
def test_template_is_walked_from_welcome_to_code_by_keyboard(template, size, page, live_server):
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    with chat_server() as server:
        study = opened(template, server)
        page.goto(live_server.url + reverse("study_entrance", args=[study.slug]))
        walk = Walk(page, RIGHT.get(template, frozenset()), answer_questions, name=f"{template}-{size}")

        code = walk.to_the_end()

    assert walk.problems == []
    assert CODE.fullmatch(code)
    person = study.participations.get()
    assert (person.state, person.completion_code) == ("finished", code)
    judged = Judgement.objects.filter(lease__participation=person)
    assert judged.count() == walk.seen.count("trial") > 0
    keys = set(study.dimensions.values_list("key", flat=True))
    assert all(set(one.answers) == keys for one in judged)
