"""The long table: what was answered, by whom, on which outputs, as the analysis expects it."""

import io
import math

import pandas as pd
import pytest

from analysis import schema
from annotations import design
from annotations.blind import Timing
from annotations.domain import dataset, judging, participation, planning
from annotations.models import Exclusion, Judgement, Trial
from tests.annotations.factories import StudyFactory

from .conftest import ANSWERS, judge_all

SLIDER = {"question_type": "slider", "options": {}}


def test_long_table_has_one_row_per_judgement_and_dimension(make_open_study):
    study = make_open_study()
    judge_all(participation=participation.enter_study(slug=study.slug))

    frame = dataset.long_table(study=study)

    assert len(frame) == 3 * Judgement.objects.count() == 12
    assert list(frame.columns) == list(schema.NAMES)
    assert set(frame["dimension"]) == {"originality", "surprise", "creativity"}
    assert set(frame["design_hash"]) == {study.plan.sha256}
    assert frame.loc[frame["dimension"] == "originality", "answer"].unique().tolist() == [2.0]
    assert frame.loc[frame["dimension"] == "creativity", "answer"].unique().tolist() == [-2.0]


def test_sides_in_the_table_are_the_sides_that_were_shown(make_open_study):
    study = make_open_study()
    person = participation.enter_study(slug=study.slug)
    view = participation.begin(public_id=person.public_id)
    shown = {}
    while view.trials:
        shown[view.trials[0].number] = view.trials[0].texts
        view = judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    texts = {name: text for (_, text), (_, name) in dataset.text_index(study=study).items()}
    for row in dataset.rows(study=study):
        assert (texts[row["output_a"]], texts[row["output_b"]]) == shown[row["position"]]
        assert row["output_a"].split("/")[1] == row["system_a"]


def test_lengths_are_the_characters_of_the_texts_shown(make_open_study):
    study = make_open_study()
    judge_all(participation=participation.enter_study(slug=study.slug))

    texts = {name: text for (_, text), (_, name) in dataset.text_index(study=study).items()}
    frame = dataset.long_table(study=study)

    assert frame["length_a"].tolist() == [len(texts[name]) for name in frame["output_a"]]
    assert frame["length_b"].tolist() == [len(texts[name]) for name in frame["output_b"]]
    assert set(frame["slot"]) == {0}


def test_seconds_are_active_time(make_open_study):
    study = make_open_study()
    person = participation.enter_study(slug=study.slug)
    view = participation.begin(public_id=person.public_id)
    timing = Timing(first_answer_ms=1000, submit_ms=90_000, hidden_ms=20_000, idle_ms=30_000)
    judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS, timing=timing)
    view = judging.where_is(public_id=person.public_id)
    judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=ANSWERS)

    frame = dataset.long_table(study=study)

    assert frame["seconds"].iloc[0] == 40.0
    assert math.isnan(frame["seconds"].iloc[-1])


def test_partial_booklet_is_kept_and_marked_excluded(make_open_study):
    study = make_open_study()
    judge_all(participation=participation.enter_study(slug=study.slug))
    judge_all(participation=participation.enter_study(slug=study.slug), limit=2)

    frame = dataset.long_table(study=study)

    assert frame.groupby("excluded")["judgement"].nunique().to_dict() == {False: 4, True: 2}
    assert set(frame.loc[frame["excluded"], "exclusion_reason"]) == {"booklet not completed"}


def test_partial_booklets_count_when_the_analysis_plan_says_so(make_study):
    from annotations.domain import studies

    study = make_study()
    study.analysis["partial"] = "include"
    study.save()
    planning.freeze_study(study=study)
    studies.open_study(study=study)
    judge_all(participation=participation.enter_study(slug=study.slug), limit=2)

    assert not dataset.long_table(study=study)["excluded"].any()


def test_recorded_exclusion_carries_its_reason_until_it_is_undone(make_open_study):
    from django.utils import timezone

    study = make_open_study()
    person = participation.enter_study(slug=study.slug)
    judge_all(participation=person)
    exclusion = Exclusion.objects.create(participation=person, reason="clicked through")

    before = dataset.long_table(study=study)
    exclusion.undone_at = timezone.now()
    exclusion.save()
    after = dataset.long_table(study=study)

    assert set(before["exclusion_reason"]) == {"clicked through"}
    assert not after["excluded"].any()


@pytest.mark.parametrize("design_change", [{}, {"attention_trials": 1, "repeat_trials": 1, "repeat_gap": 2}])
def test_csv_is_the_table_and_row_count_equals_the_judgements(make_open_study, design_change):
    study = make_open_study(design=design_change)
    judge_all(participation=participation.enter_study(slug=study.slug))
    target = io.StringIO()

    count = dataset.write_csv(study=study, target=target)

    target.seek(0)
    read = schema.validate(pd.read_csv(target, keep_default_na=False, dtype=str))
    assert count == len(read) == 3 * Judgement.objects.count()
    pd.testing.assert_frame_equal(read, dataset.long_table(study=study))


def test_certificate_recounted_from_the_answered_trials_equals_the_one_before_launch(make_open_study):
    study = make_open_study(design={"attention_trials": 1, "repeat_trials": 1, "repeat_gap": 2})
    while judge_all(participation=participation.enter_study(slug=study.slug)):
        pass

    rows = list(dataset.rows(study=study))
    recount = design.certify(rows, planning.spec_of(study=study))

    assert Judgement.objects.count() == Trial.objects.count()
    assert recount.holds
    assert {item.name: item.worst for item in recount.guarantees} == {
        item["name"]: item["worst"] for item in study.plan.certificate["guarantees"]
    }


def test_empty_study_gives_an_empty_table_with_all_columns(make_study):
    frame = dataset.long_table(study=make_study())

    assert list(frame.columns) == list(schema.NAMES)
    assert len(frame) == 0


def exclude(person, **fields):
    return Exclusion.objects.create(participation=person, **fields)


def test_every_check_that_led_to_an_exclusion_is_named(make_open_study):
    study = make_open_study()
    person = participation.enter_study(slug=study.slug)
    judge_all(participation=person, limit=2)
    exclude(person, check_name="too_fast", reason="read too fast")
    exclude(person, check_name="side_bias", reason="always left")
    exclude(person, reason="seen in person")

    row = next(dataset.rows(study=study))

    assert row["exclusion_checks"] == "too_fast;side_bias;by hand"
    assert row["exclusion_reason"] == "read too fast; always left; seen in person; booklet not completed"


def test_exclusion_that_was_undone_names_no_check(make_open_study):
    from django.utils import timezone

    study = make_open_study()
    person = participation.enter_study(slug=study.slug)
    judge_all(participation=person)
    exclude(person, check_name="too_fast", reason="read too fast", undone_at=timezone.now())

    row = next(dataset.rows(study=study))

    assert (row["excluded"], row["exclusion_reason"], row["exclusion_checks"]) == (False, "", "")


QUESTIONS = {
    "forced_choice": ({"key": "choice", "question_type": "forced_choice", "options": {}}, "a"),
    "slider": ({"key": "rating", "question_type": "slider", "options": {}}, {"1": ("70",), "2": ("30",)}),
    "free_text": ({"key": "why", "question_type": "free_text", "options": {}}, "Because it turns the thing around."),
}


def test_a_pair_may_be_compared_and_each_of_its_texts_rated_in_one_study(db):
    study = StudyFactory(open=True, dimensions=[fields for fields, _ in QUESTIONS.values()])
    person = participation.enter_study(slug=study.slug)
    view = participation.begin(public_id=person.public_id)
    answers = {fields["key"]: answer for fields, answer in QUESTIONS.values()}
    judging.record_judgement(public_id=person.public_id, trial=view.trials[0].token, answers=answers)

    rows = list(dataset.rows(study=study))

    found = [(row["dimension"], row["slot"], row["answer"], row["levels"]) for row in rows]
    assert found == [("choice", 0, 1.0, 2), ("rating", 1, 70.0, 0), ("rating", 2, 30.0, 0)]
    choice, first, second = rows
    assert (first["output_a"], second["output_a"]) == (choice["output_a"], choice["output_b"])
    assert (first["output_b"], first["system_b"], second["output_b"]) == ("", "", "")
    assert (first["length_a"], second["length_a"]) == (choice["length_a"], choice["length_b"])
    assert math.isnan(second["length_b"])
    assert len(dataset.long_table(study=study)) == 3
    assert design.certify(rows, planning.spec_of(study=study))["task_constant"].holds


@pytest.mark.parametrize(
    "wishes",
    [
        {"comparisons": "single", "dimension_order": "shuffled", "repeat_trials": 1, "repeat_gap": 2},
        {"comparisons": "groups", "outputs_per_task": 3, "attention_trials": 1, "degraded_trials": 1},
    ],
)
def test_certificate_of_sets_recounted_from_the_exported_trials_equals_the_frozen_one(db, wishes):
    study = StudyFactory(frozen=True, design=wishes, dimensions=[{"key": "one", **SLIDER}, {"key": "two", **SLIDER}])

    recounted = design.certify(dataset.trial_rows(study=study), planning.spec_of(study=study))

    assert recounted.holds
    assert [(one.name, one.worst) for one in recounted.guarantees] == [
        (one["name"], one["worst"]) for one in study.plan.certificate["guarantees"]
    ]


def test_queries_do_not_grow_with_the_judgements(make_open_study, django_assert_num_queries):
    """Outputs, exclusions and questions are read once; the judgements come through one cursor of the server."""
    study = make_open_study()
    for _ in range(4):
        judge_all(participation=participation.enter_study(slug=study.slug))
        study.refresh_from_db()

        with django_assert_num_queries(7):
            count = sum(1 for _ in dataset.rows(study=study))

        assert count == 3 * Judgement.objects.count()
