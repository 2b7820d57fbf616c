"""The page Prepare and audit: preview, apply, audit in the background, decide, take back; and who may."""

from __future__ import annotations

import pytest
from django.test import Client

from annotations.domain import auditing, planning, preparing
from annotations.models import Output, Study
from tests.annotations.admin.conftest import address, said
from tests.annotations.domain.audited import leaky, study_of

OFF = {name: {"on": False} for name in ("classifier", "habits", "formatting", "duplicates", "language")}
TOKENS = "artefacts:tokens"


@pytest.fixture
def study(researcher) -> Study:
    return auditing.declare_audits(study=study_of(leaky("chat token"), author=researcher), declared=OFF)


@pytest.fixture
def audited(study: Study) -> Study:
    auditing.run_audit(run_id=auditing.request_audit(study=study).pk)
    return study


def test_page_of_a_new_study_proposes_the_harmless_rules(desk: Client, study: Study):
    page = desk.get(address(study, "preparation")).content.decode()

    assert "Not audited yet" in page
    assert 'value="trim" checked' in page
    assert 'value="markdown">' in page


def test_preview_shows_counts_and_differences_and_writes_nothing(desk: Client, study: Study):
    page = desk.post(address(study, "preparation_preview"), {"rule": ["tokens", "nonsense"]}).content.decode()

    assert "Preview: 3 of 144 outputs would change" in page
    assert "<del>&lt;|eot_id|&gt;</del>" in page
    assert not Output.objects.filter(raw_text__isnull=False).exists()


def test_rules_are_applied_and_taken_back(desk: Client, study: Study):
    applied = desk.post(address(study, "preparation_apply"), {"rule": ["tokens", "trim"]}, follow=True)
    back = desk.post(address(study, "preparation_raw"), follow=True)

    assert said(applied) == ["Prepared: 3 of 144 outputs are changed. The raw texts are kept."]
    assert said(back) == ["All 144 texts are as they were brought."]
    assert not Output.objects.filter(raw_text__isnull=False).exists()


def test_audit_runs_here_and_its_findings_stand_with_their_words(desk: Client, study: Study):
    answer = desk.post(address(study, "preparation_here"), follow=True)

    assert said(answer) == ["The texts are audited."]
    page = answer.content.decode()
    assert "Tokens of a chat template" in page
    assert "<mark>&lt;|eot_id|&gt;</mark>" in page
    assert "Exclude 3 outputs" in page
    assert desk.get(address(study, "preparation_live")).json()["reload"]


def test_finding_is_excluded_with_its_gaps_named_and_taken_back(desk: Client, audited: Study):
    made = desk.post(address(audited, "preparation_exclude"), {"key": TOKENS, "reason": "broken"}, follow=True)
    back = desk.post(address(audited, "preparation_undo"), {"number": "1"}, follow=True)

    assert said(made)[0].startswith("3 outputs left out of the design. For 3 prompts the systems have unequal numbers")
    assert "“broken”" in made.content.decode()
    assert said(back) == ["Taken back: 3 outputs back in the design."]


def test_note_is_kept_and_what_makes_no_sense_is_said(desk: Client, audited: Study):
    noted = desk.post(address(audited, "preparation_note"), {"key": TOKENS, "text": "seen"}, follow=True)
    empty = desk.post(address(audited, "preparation_note"), {"key": TOKENS, "text": ""}, follow=True)
    wrong = desk.post(address(audited, "preparation_match"), {"within": "x"}, follow=True)
    nothing = desk.post(address(audited, "preparation_undo"), {"number": "x"}, follow=True)

    assert said(noted) == ["Noted: it is frozen with the design."]
    assert "few words" in said(empty)[0]
    assert "whole number of per cent" in said(wrong)[0]
    assert said(nothing) == ["Taken back."]


def test_matching_shows_what_it_costs_before_it_is_done(desk: Client, audited: Study):
    shown = desk.post(address(audited, "preparation_match"), {"within": "25"}).content.decode()
    before = Output.objects.exclude(left_out="").count()
    done = desk.post(address(audited, "preparation_match"), {"within": "25", "do": "1"}, follow=True)

    assert "nothing is done yet" in shown
    assert before == 0
    assert said(done)[0].startswith("Matched on length:")


def test_settings_are_saved_and_a_wrong_one_is_marked_at_its_field(desk: Client, study: Study):
    page = desk.get(address(study, "preparation"))
    form = page.context["form"]
    fields = {name: form[name].initial for name in form.fields}
    fields = {name: value for name, value in fields.items() if value is not False} | {
        "toxicity.words": "ugh\n\nbah*\nugh"
    }

    saved = desk.post(address(study, "preparation_settings"), fields, follow=True)
    wrong = desk.post(address(study, "preparation_settings"), fields | {"duplicates.threshold": "3"})

    assert said(saved) == ["The settings are saved. Run the audit again for them to count."]
    study.refresh_from_db()
    assert study.preparation["audits"]["toxicity"]["words"] == ["ugh", "bah*"]
    assert study.preparation["audits"]["classifier"]["on"] is False
    assert wrong.status_code == 422
    assert "duplicates.threshold" in wrong.context["form"].errors


def test_freeze_page_warns_of_what_is_undecided_and_does_not_block(desk: Client, audited: Study):
    audited.design |= {"raters_per_task": 2, "trials_per_rater": 4}
    audited.save()

    before = desk.get(address(audited, "freeze")).content.decode()
    desk.post(address(audited, "freeze_do"))
    after = desk.get(address(audited, "freeze")).content.decode()

    assert "1 finding of the audit is not decided yet" in before
    assert "1 undecided" in after


def test_viewer_looks_and_changes_nothing(window: Client, share, audited: Study):
    share(audited, "observer")
    assert window.post(address(audited, "preparation_apply"), {"rule": ["trim"]}).status_code == 403
    assert preparing.rules_of(audited) == ()


def test_frozen_study_shows_what_was_done_without_buttons(desk: Client, audited: Study):
    audited.design |= {"raters_per_task": 2, "trials_per_rater": 4}
    audited.save()
    planning.freeze_study(study=audited)

    page = desk.get(address(audited, "preparation")).content.decode()

    assert "Tokens of a chat template" in page
    assert "Exclude 3 outputs" not in page
    assert "Apply the ticked rules" not in page
