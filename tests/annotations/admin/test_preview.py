"""Preview: the rater's own page, and nothing of it is stored."""

import re

import pytest

from annotations.domain import planning
from annotations.models import Booklet, Judgement, Participation, Trial
from tests.annotations.factories import StudyFactory

from .conftest import address


def trial_page(client, study, **query):
    return client.get(address(study, "preview_trial"), query)


def test_preview_shows_the_texts_around_the_trials(desk, draft):
    html = desk.get(address(draft, "preview")).content.decode()

    assert "Thank you for coming" in html
    assert "<strong>What you do.</strong>" in html
    assert "An example." in html


def test_preview_says_which_text_is_empty(desk, draft):
    draft.consent = " "
    draft.save()

    response = desk.get(address(draft, "preview"))

    assert response.context["here"].missing == ("The text 'consent' is empty.",)
    assert response.context["here"].state == "todo"


def test_trial_is_the_raters_page_with_the_planned_sides(desk, draft):
    shown = planning.preview_trial(study=draft, number=2).trials[0]

    response = trial_page(desk, draft, number=2)

    html = response.content.decode()
    assert "annotations/trial.html" in [template.name for template in response.templates]
    assert html.index(shown.texts[0]) < html.index(shown.texts[1])
    assert shown.prompt in html
    assert "2 of 3" in html


def test_trial_of_a_draft_equals_the_one_that_is_frozen(desk, draft):
    before = [planning.preview_trial(study=draft, number=at).trials[0].texts for at in (1, 2, 3)]

    planning.freeze_study(study=draft)

    first = Booklet.objects.get(number=1, plan=draft.plan)
    texts = {output.pk: output.text for system in draft.systems.all() for output in system.outputs.all()}
    frozen = [tuple(texts[key] for key in trial.output_ids) for trial in Trial.objects.filter(booklet=first)]
    assert frozen == before


def test_trial_names_no_system(desk, draft):
    html = trial_page(desk, draft).content.decode()

    for system in draft.systems.all():
        assert system.name not in html


@pytest.mark.parametrize(
    ("number", "ways"), [(1, [("next", 2)]), (2, [("prev", 1), ("next", 3)]), (3, [("prev", 2)]), (99, [("prev", 2)])]
)
def test_trial_leads_to_its_neighbours(desk, draft, number, ways):
    html = trial_page(desk, draft, number=number).content.decode()

    assert re.findall(r'rel="(\w+)" href="\?number=(\d+)', html) == [(way, str(at)) for way, at in ways]


@pytest.mark.parametrize("number", ["", "-1", "two", "9" * 50, "½"])
def test_trial_with_a_strange_number_is_some_trial(desk, draft, number):
    assert trial_page(desk, draft, number=number, booklet=number).status_code == 200


def test_trial_stores_nothing(desk, draft):
    trial_page(desk, draft)

    response = desk.post(address(draft, "preview_trial"), {"answer-originality": "1"})

    assert response.status_code == 405
    assert (Judgement.objects.count(), Participation.objects.count()) == (0, 0)


def test_trial_without_a_design_leads_back_to_the_reason(desk):
    study = StudyFactory(prompts=0, systems=())

    response = desk.get(address(study, "preview_trial"), follow=True)

    assert response.redirect_chain[-1][0] == address(study, "preview")
    assert "There is no design to preview yet" in response.content.decode()
