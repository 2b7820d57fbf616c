"""The audit as a job, decisions on what it found, and their place in the frozen plan."""

from __future__ import annotations

import json

import pytest

from annotations.domain import auditing, deciding, freezing, matching, planning, preparing, reporting
from annotations.domain.material_overview import missing_cells
from annotations.domain.preparation_record import undecided
from annotations.enums import JobState
from annotations.errors import NotReady, WrongState
from annotations.models import AuditRun, Event, Output, Study, Writer
from annotations.tasks import audit_texts_task
from tests.annotations.domain.audited import leaky, study_of
from tests.annotations.factories import StudyFactory, the_researcher
from tests.annotations.plugins.audits.clean import clean

TOKENS = "artefacts:tokens"
LENGTH = "classifier:length:quagga-7:north"


def audited(study: Study) -> AuditRun:
    return auditing.run_audit(run_id=auditing.request_audit(study=study).pk)


@pytest.fixture
def study(db) -> Study:
    """With a chat token in three outputs; the costly audits are off."""
    made = study_of(leaky("chat token"))
    off = {name: {"on": False} for name in ("classifier", "habits", "formatting")}
    return auditing.declare_audits(study=made, declared=off)


def keys(run: AuditRun) -> dict[str, str]:
    return {one["key"]: one["severity"] for one in run.findings}


def test_audit_keeps_findings_and_profile_and_is_current_until_texts_change(study):
    run = audited(study)

    assert keys(run) == {TOKENS: "leak"}
    assert (run.state, run.progress, run.outputs) == (JobState.DONE, 100, 144)
    assert run.profile["systems"]["north"]["means"]["words"]["q1"] > 5
    assert set(run.profile["systems"]) == {"north", "quagga-7"}
    assert auditing.is_current(study=study, run=run)
    preparing.apply_rules(study=study, rules=["tokens"])
    assert not auditing.is_current(study=study, run=run)
    assert keys(audited(study)) == {}


def test_audit_is_asked_for_and_done_once(study):
    first, second = auditing.request_audit(study=study), auditing.request_audit(study=study)
    audit_texts_task(first.pk)
    before = AuditRun.objects.get(pk=first.pk).finished_at
    audit_texts_task(first.pk)

    assert first == second
    assert AuditRun.objects.get(pk=first.pk).finished_at == before
    assert Event.objects.filter(study=study, name="texts_audited").count() == 1


def test_failure_is_kept_in_words_without_a_text(study, monkeypatch):
    run = auditing.request_audit(study=study)
    Output.objects.filter(prompt__study=study).update(metadata=[])
    monkeypatch.setattr(auditing.profiling, "profile", lambda texts: 1 // 0)

    with pytest.raises(ZeroDivisionError):
        auditing.run_audit(run_id=run.pk)

    run.refresh_from_db()
    assert run.state == JobState.FAILED
    assert run.message.startswith("The audit failed (ZeroDivisionError in <lambda>)")


def test_excluded_outputs_leave_design_and_digest_and_come_back(study):
    run, digest = audited(study), freezing.material_digest(study=study)
    concerned = set(run.findings[0]["outputs"])

    made = deciding.exclude(study=study, key=TOKENS, actor=the_researcher())

    left = set(Output.objects.exclude(left_out="").values_list("pk", flat=True))
    assert left == concerned
    assert made.outputs == 3
    assert any("unequal" in words for words in made.gaps)
    assert len(planning.outputs_of(study=study)) == 141
    assert freezing.material_digest(study=study) != digest
    assert not auditing.is_current(study=study, run=run)
    assert undecided(study=study) == []
    assert deciding.undo(study=study, number=made.number) == 3
    assert freezing.material_digest(study=study) == digest
    assert deciding.undo(study=study, number=made.number) == 0
    names = list(Event.objects.filter(study=study).order_by("pk").values_list("name", flat=True))
    assert names[-2:] == ["decided", "decision_undone"]


def test_output_of_two_decisions_comes_back_with_the_second(study):
    audited(study)
    first = deciding.exclude(study=study, key=TOKENS)
    second = deciding.exclude(study=study, key=TOKENS, reason="looked at by two of us")

    back = deciding.undo(study=study, number=first.number)

    assert back == 0
    assert set(Output.objects.exclude(left_out="").values_list("left_out", flat=True)) == {
        "d2: Tokens of a chat template"
    }
    assert deciding.undo(study=study, number=second.number) == 3


def test_whole_prompt_left_out_is_no_gap_but_one_side_is(study):
    audited(study)
    p0 = Output.objects.filter(prompt__study=study, prompt__key="p0")

    p0.filter(system__name="north").update(left_out="d9: by hand")
    one_side = missing_cells(study=study)
    p0.update(left_out="d9: by hand")
    both = missing_cells(study=study)

    assert (one_side.missing_count, one_side.missing[0].prompt) == (1, "p0")
    assert (both.missing_count, both.prompts) == (0, 11)


def test_notes_need_words_and_findings_have_to_exist(study):
    audited(study)

    with pytest.raises(NotReady, match="few words"):
        deciding.note(study=study, key=TOKENS, text="  ")
    with pytest.raises(NotReady, match="no such finding"):
        deciding.exclude(study=study, key="names:model:openai")
    with pytest.raises(NotReady, match="whole number of per cent"):
        deciding.preview_match(study=study, within=3)


def test_length_is_matched_and_what_it_costs_is_told(db):
    made = study_of(leaky("length"))

    preview = deciding.preview_match(study=made, within=25)
    decided = deciding.match_length(study=made, within=25)

    assert preview.before > 1
    assert preview.after < matching.SMALL
    assert len(set(preview.kept_by_system.values())) == 1
    assert decided.outputs == len(preview.dropped) == Output.objects.exclude(left_out="").count()
    assert matching.imbalance(deciding.measured(study=made)) == preview.after
    assert missing_cells(study=made).unequal_count == 0


def test_matching_keeps_as_many_sets_as_there_are():
    lengths = {"a": (10, 20, 40), "b": (11, 39, 100), "c": (12, 41, 44)}
    outputs = [
        matching.Measured(at * 10 + place, system, "p", words)
        for at, (system, found) in enumerate(lengths.items())
        for place, words in enumerate(found)
    ]

    made = matching.match(outputs, within=20)

    kept = sorted((one.system, one.words) for one in outputs if one.output in made.kept)
    assert ("a", 20) not in kept
    assert ("b", 100) not in kept
    assert set(made.kept_by_system.values()) <= {1, 2}
    assert made.lost_prompts == ()


def test_frozen_plan_holds_decisions_and_says_what_was_not_decided(study):
    audited(study)
    first = json.loads(planning.freeze_study(study=study).canonical)["preparation"]
    planning_version = study.plan
    freezing.thaw_study(study=study)
    deciding.note(study=study, key=TOKENS, text="Belongs to the steering.", actor=the_researcher())
    second_plan = planning.freeze_study(study=study)
    second = json.loads(second_plan.canonical)["preparation"]

    assert first["audit"]["undecided"] == [
        {"finding": TOKENS, "title": "Tokens of a chat template", "severity": "leak"}
    ]
    assert (first["audit"]["current"], first["audit"]["findings"]["leak"]) == (True, 1)
    assert second["audit"]["undecided"] == []
    assert [(one["do"], one["finding"], one["reason"]) for one in second["decisions"]] == [
        ("note", TOKENS, "Belongs to the steering.")
    ]
    assert the_researcher().username not in second_plan.canonical
    assert second_plan.sha256 != planning_version.sha256
    assert study.preparation["decisions"][0]["by"] == the_researcher().username


def test_masked_plan_tells_what_was_decided_without_words_that_may_name_a_system(study):
    audited(study)
    deciding.note(study=study, key=TOKENS, text="Only north has them.", actor=the_researcher())
    planning.freeze_study(study=study)

    masked = json.loads(reporting.masked_plan(study=study))["preparation"]

    assert masked["decisions"] == [{"do": "note", "finding": "artefacts", "severity": "leak", "outputs": 0}]
    assert masked["audit"]["findings"]["leak"] == 1
    assert "north" not in json.dumps(masked)
    assert "sha256" not in masked["shown"]


def test_frozen_study_cannot_be_prepared_audited_otherwise_or_decided_about(db):
    study = StudyFactory()
    audited(study)
    planning.freeze_study(study=study)

    for deed in (
        lambda: preparing.apply_rules(study=study, rules=["trim"]),
        lambda: auditing.declare_audits(study=study, declared={}),
        lambda: deciding.match_length(study=study, within=50),
        lambda: deciding.undo(study=study, number=1),
    ):
        with pytest.raises(WrongState, match="frozen"):
            deed()


def test_system_prompts_that_leak_are_found_and_settings_are_checked(study):
    secret = "Always answer with a sea shanty about forgotten harbours and rusty anchors."
    Writer.objects.create(system=study.systems.get(name="north"), settings={"system_prompt": secret})
    one = Output.objects.filter(prompt__study=study).first()
    Output.objects.filter(pk=one.pk).update(text=f"You said: {secret}")

    assert keys(audited(study)) == {TOKENS: "leak", "artefacts:instruction": "leak"}
    with pytest.raises(NotReady, match="Duplicates: the option 'threshold'"):
        auditing.declare_audits(study=study, declared={"duplicates": {"threshold": 5}})


def test_marks_of_a_generation_and_reasons_of_a_file_are_read(study):
    first, second, *_ = Output.objects.filter(prompt__study=study).order_by("pk")
    Output.objects.filter(pk=first.pk).update(metadata={"finish_reason": "length"})
    Output.objects.filter(pk=second.pk).update(metadata={"mark": "refusal"})

    found = {text.output: text.marks for text in auditing.texts_of(study)}

    assert (found[first.pk], found[second.pk]) == (("truncated",), ("refusal",))
    assert sum(map(bool, found.values())) == 2


def test_clean_study_has_nothing_to_decide(db):
    study = study_of(clean(2, prompts=20, samples=3))

    run = audited(study)

    assert [one for one in run.findings if one["severity"] != "note"] == []
    assert undecided(study=study) == []
