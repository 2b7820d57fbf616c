"""Simulated raters in studies of single texts and of groups: every question type through the real pages."""

from collections import Counter, defaultdict
from io import StringIO
from statistics import mean

import pytest
from django.core.management import call_command

from annotations import design
from annotations.domain import attention, dataset, editing, frames, planning
from annotations.models import Judgement, Participation, PathAnswer, Study, Task, Trial
from annotations.registry import DimensionDraft
from tests.annotations.factories import StudyFactory
from tests.annotations.paths import FULL

pytestmark = pytest.mark.django_db(transaction=True)
SLIDERS = tuple(
    DimensionDraft(key, key, "What it means.", "slider") for key in ("originality", "surprise", "creativity")
)


@pytest.fixture
def make_open_set(make_draft, open_up):
    """`make_open_set(dimensions, **design)`: a study of other than pairs, open."""

    def make(dimensions, *, prompts=6, **wishes):
        study = make_draft(prompts=prompts, **wishes)
        editing.edit_dimensions(study=study, dimensions=dimensions)
        return open_up(study)

    return make


@pytest.fixture
def simulate(live_server):
    """`simulate(study, "--raters", 6, …)`: returns what was printed."""

    def run(study: Study, *arguments: object) -> str:
        printed = StringIO()
        command = ("simulate_raters", study.slug, "--base-url", live_server.url, *map(str, arguments))
        call_command(*command, stdout=printed)
        return printed.getvalue()

    return run


def test_single_sliders_recover_a_planted_effect_and_their_certificate(make_open_set, simulate):
    """6 prompts × 3 systems, k 6, 6 a rater: 3 squares of 18 booklets. A logit is ten points on the slider."""
    study = make_open_set(SLIDERS, comparisons="single", raters_per_task=6, dimension_order="shuffled")

    simulate(study, "--raters", 18, "--effect", "steered:originality=3", "--output-sd", 0, "--prompt-system-sd", 0)

    rows = list(dataset.rows(study=study))
    answers = defaultdict(list)
    for row in rows:
        answers[row["dimension"], row["system_a"]].append(row["answer"])
    lift = {key: mean(answers[key, "steered"]) - mean(answers[key, "baseline"]) for key in ("originality", "surprise")}
    assert lift["originality"] == pytest.approx(30, abs=9)  # 36 answers each, noise 12, taste 3: three s.e. are 9
    assert lift["surprise"] == pytest.approx(0, abs=9)
    assert {(row["slot"], row["system_b"], row["output_b"], row["measure"]) for row in rows} == {
        (1, "", "", "interval")
    }
    spec = planning.spec_of(study=study)
    worst = {one["name"]: one["worst"] for one in study.plan.certificate["guarantees"]}
    assert {one.name: one.worst for one in design.certify(dataset.trial_rows(study=study), spec).guarantees} == worst
    recounted = design.certify(rows, spec)
    assert recounted.holds
    assert {one.name: one.worst for one in recounted.guarantees} == {
        name: value for name, value in worst.items() if name != "dimension_order"
    }
    assert dataset.long_table(study=study)["answer"].between(0, 100).all()


def test_rankings_of_groups_put_the_better_system_first(make_open_set, simulate):
    questions = (
        DimensionDraft("creativity", "creative", "New and fitting.", "ranking"),
        DimensionDraft("why", "Why?", "In your own words.", "free_text"),
    )
    study = make_open_set(questions, comparisons="groups", outputs_per_task=3, raters_per_task=4, repeat_trials=1)

    simulate(study, "--raters", 4, "--effect", "steered:creativity=4")

    rows = list(dataset.rows(study=study))
    main = [row for row in rows if row["kind"] == "main"]
    firsts = Counter(row["system_a"] for row in main if row["answer"] == 1)
    assert firsts["steered"] / firsts.total() > 0.75  # e⁴ / (e⁴ + 2), 0.96 without any other spread
    assert {row["dimension"] for row in rows} == {"creativity"}
    assert {(row["levels"], row["measure"]) for row in rows} == {(3, "ranking")}
    assert Counter(row["slot"] for row in main) == {1: 24, 2: 24, 3: 24}
    assert design.certify(rows, planning.spec_of(study=study)).holds
    written = [answers["why"] for answers in Judgement.objects.values_list("answers", flat=True)]
    assert all(len(text) >= 20 for text in written)


@pytest.mark.parametrize(
    ("wishes", "question"),
    [
        ({"comparisons": "all_pairs"}, "graded_preference"),
        ({"comparisons": "single"}, "likert"),
        ({"comparisons": "groups", "outputs_per_task": 3}, "best_worst"),
        ({"comparisons": "groups", "outputs_per_task": 3}, "slider"),
    ],
)
def test_attentive_raters_pass_both_kinds_of_attention_trials(make_open_set, simulate, wishes, question):
    kind = DimensionDraft("originality", "original", "Few would come up with it.", question)
    study = make_open_set((kind,), raters_per_task=4, attention_trials=2, degraded_trials=1, **wishes)

    simulate(study, "--raters", 4)

    questions = frames.frame_of(study.plan_id).questionnaire.questions
    names = {pk: name.output for pk, name in dataset._names(study=study).items()}
    judged = Judgement.objects.filter(trial__kind="attention").select_related("trial__task")
    verdicts = Counter(
        attention.is_expected(
            one.trial.task.expected,
            one.answers,
            questions=questions,
            shown=[names[pk] for pk in one.trial.output_ids],
        )
        for one in judged
    )
    assert verdicts == {True: 8}
    shown = Trial.objects.filter(kind="attention").values_list("output_ids__len", flat=True)
    assert set(shown) == {planning.spec_of(study=study).outputs_per_task}
    assert {bool(task.expected) for task in Task.objects.filter(kind="attention")} == {True}


def test_bad_raters_fail_attention_and_are_in_the_log(make_open_set, simulate):
    study = make_open_set(SLIDERS, comparisons="single", raters_per_task=4, attention_trials=2)

    simulate(study, "--raters", 8, "--bad", 1.0)

    questions = frames.frame_of(study.plan_id).questionnaire.questions
    failed = [
        not attention.is_expected(one.trial.task.expected, one.answers, questions=questions, shown=["x"])
        for one in Judgement.objects.filter(trial__kind="attention").select_related("trial__task")
    ]
    assert sum(failed) >= 8  # of 16; half of the kinds click without reading
    assert study.events.get(name="simulated").data["bad"] == 1.0


def test_raters_walk_every_step_of_a_path(simulate):
    study = StudyFactory(open=True, path=FULL)

    printed = simulate(study, "--raters", 2)

    assert "2 raters: 2 finished, 0 dropped out, 0 errors" in printed
    done = Participation.objects.filter(study=study).values_list("state", "simulated")
    assert set(done) == {("finished", True)}
    steps = PathAnswer.objects.filter(participation__study=study).values_list("step", "passed")
    assert {"questionnaire", "quiz", "practice", "comments"} <= {step for step, _ in steps}
    assert ("quiz", False) not in set(steps)
