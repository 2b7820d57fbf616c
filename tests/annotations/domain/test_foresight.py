"""The power of a draft, its check by simulation, and looks that are declared before launch."""

import json

import pytest

from annotations.domain import editing, foresight, planning, studies
from annotations.domain.foresight import Assumed
from annotations.enums import JobState
from annotations.errors import NotReady, WrongState
from annotations.models import Dimension, PowerCheck
from annotations.tasks import check_power_task

LOOKS = {"method": "obrien_fleming", "times": [0.5, 1.0]}


@pytest.fixture
def draft(make_study):
    return make_study(prompts=8, systems=3, design={"raters_per_task": 4, "trials_per_rater": 6})


def power_of(study, **assumed):
    return foresight.forecast(study=study, made=planning.draft(study=study), assumed=Assumed(**assumed))


def test_forecast_has_a_row_for_every_dimension_and_contrast(draft):
    found = power_of(draft)

    rows = found.answer["rows"]
    assert len(rows) == 9
    assert {row["dimension"] for row in rows} == {"originality", "surprise", "creativity"}
    assert {row["family"] for row in rows} == {9}
    assert all(0.05 <= row["power_bonferroni"] + 0.05 <= row["power"] + 0.05 < 1.0 for row in rows)
    assert found.answer["raters"] == len(planning.draft(study=draft).plan.booklets)
    assert found.left_out == ()
    assert found.check is None


def test_forecast_follows_the_assumptions_and_says_whose_they_are(draft):
    default, large, wide = power_of(draft), power_of(draft, effect=1.5), power_of(draft, prompt_system=1.0)

    assert large.answer["rows"][0]["power"] > default.answer["rows"][0]["power"] > wide.answer["rows"][0]["power"]
    assert any("Spreads: yours (prompt_system)" in text for text in wide.answer["assumed"])
    assert foresight.defaults() == {"effect": 0.5, "output": 0.42, "prompt_system": 0.28, "rater_system": 0.35}


def test_forecast_costs_what_the_design_says(draft):
    made = planning.draft(study=draft)

    points = next(curve for curve in power_of(draft).answer["curves"] if curve["axis"] == "raters")["points"]

    here = next(point for point in points if point["times"] == 1.0)
    assert here["cost"] == pytest.approx(made.estimate.cost)


def test_nonsense_and_emptiness_are_refused_in_words(draft):
    with pytest.raises(NotReady, match="spread output must be a number from 0 up"):
        power_of(draft, output=-1.0)
    draft.dimensions.all().delete()
    with pytest.raises(NotReady, match="needs a dimension that compares two texts"):
        power_of(draft)


def test_curves_of_a_huge_plan_are_left_to_the_shell(draft, monkeypatch):
    monkeypatch.setattr(foresight, "MOST_CURVED", 10)

    assert power_of(draft, effect=0.77).answer["curves"] == []


def test_check_is_queued_once_and_stored_beside_what_it_checked(draft):
    check = foresight.request_check(study=draft, assumed=Assumed(effect=0.9))

    assert foresight.request_check(study=draft, assumed=Assumed(effect=0.9)) == check
    assert draft.events.filter(name="power_check_requested").count() == 1

    done = foresight.run_check(check_id=check.pk, simulations=6)

    assert (done.state, done.progress, done.message) == (JobState.DONE, 100, "")
    group = done.result["groups"][0]
    assert group["dimensions"] == ["originality", "surprise", "creativity"]
    assert group["family"] == 9
    assert [one["studies"] for one in group["contrasts"]] == [2, 2, 2]
    assert power_of(draft, effect=0.9).check == check
    assert power_of(draft, effect=0.8).check is None
    json.dumps(done.result, allow_nan=False)


def test_check_done_twice_is_done_once(draft):
    check = foresight.request_check(study=draft)
    first = foresight.run_check(check_id=check.pk, simulations=3)

    second = foresight.run_check(check_id=check.pk, simulations=6)

    assert second.result == first.result
    assert second.finished_at == first.finished_at


def test_task_makes_the_check(draft, monkeypatch):
    monkeypatch.setattr(foresight, "SIMULATIONS", 3)
    check = foresight.request_check(study=draft)

    check_power_task(check.pk)

    check.refresh_from_db()
    assert (check.state, check.result["simulations"]) == (JobState.DONE, 3)


def test_check_of_a_design_that_changed_meanwhile_fails_in_words(draft):
    check = foresight.request_check(study=draft)
    draft.design |= {"seed": 99}
    draft.save()

    failed = foresight.run_check(check_id=check.pk, simulations=3)

    assert failed.state == JobState.FAILED
    assert "Ask for it again" in failed.message
    assert PowerCheck.objects.get().state == JobState.FAILED


def test_declared_looks_are_frozen_with_what_the_design_expects(draft):
    foresight.declare_looks(study=draft, declared=LOOKS)

    plan = planning.freeze_study(study=draft)

    frozen = json.loads(plan.canonical)["analysis"]["looks"]
    assert (frozen["method"], frozen["times"]) == ("obrien_fleming", [0.5, 1.0])
    assert 0.5 < frozen["information"][0] < 1.0  # with few prompts the first half of the raters tells most
    assert frozen["information"][1] == 1.0
    draft.refresh_from_db()
    assert draft.analysis["looks"] == frozen


def test_confidence_sequence_is_tuned_at_freezing(draft):
    foresight.declare_looks(study=draft, declared={"method": "confidence_sequence"})

    plan = planning.freeze_study(study=draft)

    assert 0.05 < json.loads(plan.canonical)["analysis"]["looks"]["planned_se"] < 1.0


def test_looks_can_be_declared_anew_after_a_thaw(draft):
    foresight.declare_looks(study=draft, declared=LOOKS)
    first = planning.freeze_study(study=draft).sha256
    planning.freezing.thaw_study(study=draft)

    second = planning.freeze_study(study=draft)

    assert json.loads(second.canonical)["analysis"] == json.loads(draft.plans.get(sha256=first).canonical)["analysis"]


def test_study_without_declared_looks_is_frozen_as_before(draft):
    plan = planning.freeze_study(study=draft)

    assert "looks" not in json.loads(plan.canonical)["analysis"]


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ({"method": "peeking"}, "There is no way of looking 'peeking'"),
        ({"method": "pocock", "times": [0.5]}, "Looks must ascend from above 0 to 1"),
    ],
)
def test_looks_that_cannot_be_followed_are_refused(draft, declared, words):
    with pytest.raises(NotReady, match=words):
        foresight.declare_looks(study=draft, declared=declared)

    draft.refresh_from_db()
    assert "looks" not in draft.analysis


def test_looks_are_declared_before_launch_only(make_open_study):
    with pytest.raises(WrongState, match="frozen"):
        foresight.declare_looks(study=make_open_study(), declared=LOOKS)


def test_looks_of_a_stale_page_are_refused(draft):
    seen = editing.stamp(study=draft)
    foresight.declare_looks(study=draft, declared=LOOKS, seen=seen)

    with pytest.raises(WrongState, match="another window"):
        foresight.declare_looks(study=draft, declared={"method": "none"}, seen=seen)


def test_boundaries_divide_the_level_among_all_tests(draft):
    assert foresight.boundaries_of(study=draft) == []
    foresight.declare_looks(study=draft, declared={"method": "pocock", "times": [0.5, 1.0]})

    found = foresight.boundaries_of(study=draft)

    assert [look["time"] for look in found] == [0.5, 1.0]
    assert 0.05 / 9 / 2 < found[0]["p"] < 0.05 / 9
    Dimension.objects.filter(study=draft).exclude(key="surprise").delete()
    assert foresight.boundaries_of(study=draft)[0]["p"] > 2 * found[0]["p"]


def test_running_study_can_still_be_forecast(make_open_study):
    study = make_open_study(prompts=8)

    assert power_of(study).answer["rows"]
    studies.close_study(study=study)
    assert power_of(study).answer["rows"]
