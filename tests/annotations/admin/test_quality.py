"""Quality: the page tells what was found, decisions need a reason and a role, rules are for drafts."""

import pytest

from annotations.domain import quality
from annotations.models import Examination
from tests.annotations.domain.test_quality import DESIGN, SPEEDER, one_side, rater, verdicts
from tests.annotations.factories import StudyFactory

from .conftest import address


@pytest.fixture
def judged(researcher):
    """A study with one careful rater, one speeder and one who always takes the left."""
    study = StudyFactory(open=True, prompts=12, design=DESIGN, quality={"reissue": False})
    raters = [rater(study), rater(study, timing=SPEEDER), rater(study, mind=one_side)]
    quality.examine_due()
    return study, raters


def numbers(response):
    return {key: response.context["summary"][key] for key in ("looked", "with_findings", "excluded", "by_hand")}


def test_the_page_counts_what_was_found_and_excluded(desk, judged):
    study, raters = judged

    response = desk.get(address(study, "quality"))

    assert numbers(response) == {"looked": 3, "with_findings": 2, "excluded": 2, "by_hand": 0}
    assert response.context["balance"]["lost"] == 2
    checks = {row["name"]: (row["found"], row["excluded"]) for row in response.context["summary"]["checks"]}
    assert checks["too_fast"] == (1, 1)
    shown = response.content.decode()
    assert raters[1].rater.pseudonym in shown
    assert raters[0].rater.pseudonym not in shown


@pytest.mark.parametrize(("which", "expected"), [("excluded", {1, 2}), ("clean", {0}), ("all", {0, 1, 2})])
def test_the_list_can_be_narrowed(desk, judged, which, expected):
    study, raters = judged

    response = desk.get(address(study, "quality"), {"show": which})

    assert {row["rater"].pk for row in response.context["rows"]} == {raters[at].pk for at in expected}


def test_a_raters_page_shows_texts_answers_times_and_findings_but_no_system(desk, judged):
    study, raters = judged

    response = desk.get(address(study, "quality_rater", raters[1].pk))

    assert len(response.context["trials"]) == 11
    main = next(trial for trial in response.context["trials"] if trial["kind"] == "main")
    assert len(main["texts"]) == 2
    assert len(main["answers"]) == 3
    assert any(words.startswith("Too fast to read: ") for words in main["found"])
    shown = response.content.decode()
    assert "0.3 s" in shown
    assert not any(system in shown for system in ("baseline", "steered", "reference"))


def test_excluding_and_taking_back_need_a_reason(desk, judged, researcher):
    study, raters = judged
    exclude = address(study, "quality_exclude", raters[0].pk)

    desk.post(exclude, {"reason": " "})
    assert verdicts(raters[0]) == []
    desk.post(exclude, {"reason": "Asked to be left out."})
    made = raters[0].exclusions.get()
    assert (made.reason, made.author) == ("Asked to be left out.", researcher)
    undo = address(study, "quality_undo", raters[0].pk, made.pk)
    desk.post(undo, {"reason": ""})
    assert verdicts(raters[0]) == [""]
    desk.post(undo, {"reason": "Changed his mind."})

    assert verdicts(raters[0]) == []


def test_another_studys_rater_is_not_found(desk, judged, researcher):
    study, _ = judged
    other = rater(StudyFactory(open=True, prompts=12, design=DESIGN))

    assert desk.get(address(study, "quality_rater", other.pk)).status_code == 404
    assert desk.post(address(study, "quality_exclude", other.pk), {"reason": "x"}).status_code == 404
    assert not other.exclusions.exists()


def test_whoever_may_only_look_decides_nothing(window, judged, share):
    study, raters = judged
    share(study, "observer")

    assert window.get(address(study, "quality")).status_code == 200
    assert "Look at all raters now" not in window.get(address(study, "quality")).content.decode()
    for name, more in (("quality_exclude", (raters[0].pk,)), ("quality_look", ()), ("quality_rules", ())):
        assert window.post(address(study, name, *more), {"reason": "x"}).status_code == 403
    assert not raters[0].exclusions.exists()


def form_of(response):
    form = response.context["form"]
    sent = {"stamp": response.context["stamp"]}
    for name, field in form.fields.items():
        value = form.get_initial_for_field(field, name)
        if value not in (None, False):
            sent[name] = "on" if value is True else value
    return sent


def test_rules_are_edited_while_the_study_is_a_draft(desk, researcher):
    draft = StudyFactory(prompts=12, design=DESIGN)
    sent = form_of(desk.get(address(draft, "quality")))
    sent |= {"too_fast.words_per_minute": 700, "side_bias.kind": "never", "points": 3}
    del sent["reissue"]

    response = desk.post(address(draft, "quality_rules"), sent)

    assert response.status_code == 302
    draft.refresh_from_db()
    checks = draft.quality["checks"]
    assert checks["too_fast"]["options"]["words_per_minute"] == 700
    assert checks["side_bias"]["rule"]["kind"] == "never"
    assert draft.quality["together"]["points"] == 3.0
    assert draft.quality["reissue"] is False


def test_an_impossible_number_is_shown_beside_its_field_and_nothing_is_saved(desk, researcher):
    draft = StudyFactory(prompts=12, design=DESIGN)
    sent = form_of(desk.get(address(draft, "quality"))) | {"too_fast.words_per_minute": 1}

    response = desk.post(address(draft, "quality_rules"), sent)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == ["too_fast.words_per_minute"]
    draft.refresh_from_db()
    assert draft.quality == {}


def test_frozen_rules_are_read_only(desk, judged):
    study, _ = judged

    response = desk.get(address(study, "quality"))
    refused = desk.post(address(study, "quality_rules"), form_of(response), follow=True)

    assert "Save the rules" not in response.content.decode()
    assert "frozen" in str(next(iter(refused.context["messages"])))
    study.refresh_from_db()
    assert study.quality == {"reissue": False}


def test_looking_at_all_raters_runs_in_the_background(desk, judged, celery_worker, wait_until):
    study, _ = judged
    Examination.objects.all().delete()

    desk.post(address(study, "quality_look"))

    wait_until(lambda: Examination.objects.count() == 3)
