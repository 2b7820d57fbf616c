"""Freeze: the hash, the canonical JSON, and the way back while nobody came."""

import hashlib
import json

from annotations.domain import studies
from annotations.enums import StudyState
from annotations.models import Event, Plan, Study
from tests.annotations.factories import ParticipationFactory, StudyFactory

from .conftest import address, said


def test_freezing_shows_the_hash(desk, draft):
    response = desk.post(address(draft, "freeze_do"), follow=True)

    plan = Plan.objects.get()
    assert said(response) == [f"Frozen as version 1, SHA-256 {plan.sha256[:12]}…"]
    assert f'data-testid="sha256">{plan.sha256}</code>' in response.content.decode()
    assert response.context["here"].state == "done"


def test_freezing_twice_freezes_once(desk, draft):
    desk.post(address(draft, "freeze_do"))

    response = desk.post(address(draft, "freeze_do"), follow=True)

    assert said(response)[-1] == "This study is frozen already; nothing was changed."
    assert Plan.objects.count() == 1
    assert Event.objects.filter(study=draft, name="frozen").count() == 1


def test_freezing_what_is_not_ready_says_why(desk):
    study = StudyFactory(prompts=0, systems=())

    response = desk.post(address(study, "freeze_do"), follow=True)

    assert said(response) == ["There are no outputs yet: bring the material first."]
    assert not Plan.objects.exists()


def test_freezing_an_infeasible_design_says_what_clashes(desk, draft):
    draft.design |= {"trials_per_rater": 20}
    draft.save()

    response = desk.post(address(draft, "freeze_do"), follow=True)

    assert "trials per rater 20 > 6 prompts" in said(response)[0]
    assert not Plan.objects.exists()


def test_download_has_the_hash_that_is_shown(desk, draft):
    desk.post(address(draft, "freeze_do"))

    response = desk.get(address(draft, "freeze_download"))

    plan = Plan.objects.get()
    assert hashlib.sha256(response.content).hexdigest() == plan.sha256
    assert json.loads(response.content)["design"]["raters_per_task"] == 2
    assert "attachment" in response.headers["Content-Disposition"]


def test_download_before_freezing_leads_back(desk, draft):
    response = desk.get(address(draft, "freeze_download"), follow=True)

    assert said(response) == ["There is nothing to download before the design is frozen."]


def test_thawing_makes_a_draft_and_keeps_the_earlier_hash(desk, draft):
    desk.post(address(draft, "freeze_do"))
    first = Plan.objects.get()

    response = desk.post(address(draft, "freeze_thaw"), follow=True)

    draft.refresh_from_db()
    assert draft.state == StudyState.DRAFT
    assert first.sha256 in response.content.decode()
    assert desk.post(address(draft, "freeze_thaw"), follow=True).status_code == 200


def test_refreezing_after_a_thaw_is_a_new_version(desk, draft):
    for action in ("freeze_do", "freeze_thaw", "freeze_do"):
        desk.post(address(draft, action))

    assert list(Plan.objects.values_list("version", flat=True)) == [1, 2]


def test_thawing_is_refused_once_somebody_came(desk):
    study = StudyFactory(open=True)
    ParticipationFactory(study=study)
    studies.pause_study(study=study)
    before = Study.objects.values().get(pk=study.pk)

    response = desk.post(address(study, "freeze_thaw"), follow=True)

    assert "Only a frozen study that nobody has entered" in said(response)[0]
    assert Study.objects.values().get(pk=study.pk) == before
    assert "Thaw</button>" not in response.content.decode()


def test_page_before_freezing_says_what_will_be_frozen(desk, draft):
    html = desk.get(address(draft, "freeze")).content.decode()

    assert "12 booklets, 36 trials" in html
    assert "original, surprising, creative" in html
    assert "Freeze the design" in html
