"""Other choices: those that apply, what they change, and that they are what an analysis with the option gives."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis import schema
from analysis.prepare import Options
from analysis.report import analyse
from analysis.sensitivity import (
    agree,
    alternatives,
    as_choices,
    as_points,
    check_sensitivity,
    without_first,
    without_hasty,
)
from analysis.sensitivity.alternatives import with_incomplete
from analysis.simulate import PlantedTruth, simulate_answers

OPTIONS = Options.of(baseline="baseline")


@pytest.fixture(scope="module")
def mixed(make_plan):
    """Choices with ties and grades; some late, some excluded, some hasty."""
    questions = {"originality": ("pairwise_choice", 3), "surprise": ("pairwise_graded", 4)}
    truth = PlantedTruth(effects={name: {"steered": 0.8} for name in questions}, tie_width=0.4)
    table = simulate_answers(make_plan(questions=questions), truth, seed=8)
    return schema.validate(
        table.assign(
            late=table["rater"] == "r01",
            excluded=table["rater"] == "r02",
            exclusion_reason=np.where(table["rater"] == "r02", schema.INCOMPLETE, ""),
            seconds=np.where(table["rater"] == "r03", 2.0, 20.0),
        )
    )


@pytest.fixture(scope="module")
def analysed(mixed):
    return analyse(mixed, baseline="baseline")


@pytest.fixture(scope="module")
def checked(mixed, analysed):
    return check_sensitivity(mixed, analysed, options=OPTIONS)


def test_every_choice_that_matters_is_tried(mixed, analysed):
    found = [(item.choice, item.label, item.dimensions) for item in alternatives(mixed, analysed, OPTIONS)]

    both = ("originality", "surprise")
    effects = {
        part.factor: tuple(
            item.dimension
            for item in analysed.dimensions
            for p in item.fit.variances
            if p.factor == part.factor and p.sd > 0
        )
        for item in analysed.dimensions
        for part in item.fit.variances
    }
    assert found == [
        ("late answers kept", "left out", both),
        ("incomplete booklets left out", "kept", both),
        ("all trials", "without each rater's first trial", both),
        ("any time", "without judgements faster than a third of the median time", both),
        ("ties as a middle level", "ties dropped", ("originality",)),
        ("symmetric thresholds", "flexible", ("surprise",)),
        ("grades", "direction of the preference only", ("surprise",)),
        ("logit link", "probit", both),
        ("standard errors corrected for bias", "as lme4 prints them", both),
        *((f"random effect {name}", f"without {name}", where) for name, where in effects.items() if where),
        ("one side preference", "side preference varies by rater", both),
    ]


def test_choices_that_change_nothing_are_not_tried(study, result):
    labels = {item.label for item in alternatives(schema.validate(study), result, OPTIONS)}

    assert not labels & {"left out", "kept", "ties dropped"}


@pytest.mark.parametrize(
    "case",
    [
        ("left out", "surprise", {"late": False}),
        ("ties dropped", "originality", {"ties": "drop"}),
        ("flexible", "surprise", {"thresholds": "flexible"}),
        ("probit", "originality", {"link": "probit"}),
        ("without rater:system", "surprise", {"random": ("output", "prompt:system")}),
    ],
)
def test_alternative_equals_an_analysis_with_that_option(mixed, checked, case):
    label, dimension, options = case
    other = analyse(mixed, baseline="baseline", dimensions=[dimension], **options)

    rows = [row for row in checked if row.alternative == label and row.dimension == dimension]

    assert [row.estimate for row in rows] == pytest.approx([row.estimate for row in other.rows], rel=1e-6)
    assert [row.p for row in rows] == pytest.approx([row.p for row in other.rows], rel=1e-5)
    assert [row.judgements for row in rows] == [row.n_judgements for row in other.rows]
    assert {row.scale for row in rows} == {other.rows[0].scale}


def test_incomplete_booklets_come_back_and_other_exclusions_do_not(mixed):
    reasons = mixed["exclusion_reason"].where(mixed["rater"] != "r04", "too fast")
    table = mixed.assign(excluded=mixed["rater"].isin(["r02", "r04"]), exclusion_reason=reasons)

    found = with_incomplete(table)

    assert set(found.loc[found["excluded"], "rater"]) == {"r04"}


def slider(make_singles, raters, **changes):
    plan = make_singles(raters=raters, questions={"wit": ("interval", 101)})
    table = simulate_answers(plan, PlantedTruth(effects={"wit": {"steered": 0.5}}, rater_sd=2.0), seed=6)
    return schema.validate(table.assign(**changes))


def test_points_stand_beside_standard_scores_whichever_was_declared(make_singles):
    table = slider(make_singles, 8)
    raw, scaled = (analyse(table, baseline="baseline", standardise=way) for way in ("", "rater"))

    of_raw, of_scaled = (check_sensitivity(table, one, options=Options.of(**one.options)) for one in (raw, scaled))

    one = next(row for row in of_raw if row.alternative == "standardised per rater")
    two = next(row for row in of_scaled if row.alternative == "points as given")
    assert [row.scale for row in (one, two)] == ["rater SD", "points"]
    assert one.estimate == pytest.approx(scaled.rows[0].estimate, rel=1e-6)
    assert two.estimate == pytest.approx(raw.rows[0].estimate, rel=1e-6)


def test_one_answer_per_rater_cannot_be_standardised(make_singles):
    table = slider(make_singles, 40)
    table = table[table["position"] == 1]
    found = analyse(table, baseline="baseline")

    declared = analyse(table, baseline="baseline", standardise="rater")

    labels = {item.label for item in alternatives(table, found, OPTIONS)}
    assert "standardised per rater" not in labels
    assert declared.rows[0].scale == "points"
    assert any("not standardised per rater" in warning for warning in declared.warnings)


def test_rater_with_one_answer_is_left_out_of_standard_scores(make_singles):
    table = slider(make_singles, 8)
    table = table[(table["rater"] != "r03") | (table["position"] == 1)]

    found = analyse(table, baseline="baseline", standardise="rater")

    assert found.dimensions[0].n_raters == 7
    assert "wit: 1 raters with one answer have no standardised one: left out" in found.warnings


def test_rows_carry_the_declared_analysis_and_stand_by_dimension(analysed, checked):
    declared = {(row.dimension, row.contrast): row for row in analysed.rows}

    assert [row.dimension for row in checked] == sorted(row.dimension for row in checked)
    for row in checked:
        assert row.declared_estimate == declared[row.dimension, row.contrast].estimate
        assert row.declared_p == declared[row.dimension, row.contrast].p


def test_robust_test_stands_beside_the_mixed_model(analysed, checked):
    robust = [row for row in checked if row.choice == "mixed model"]

    assert [row.estimate for row in robust] == [row.robust_estimate for row in analysed.rows]
    assert all(row.low < row.estimate < row.high for row in robust)
    assert all("clustered by rater and prompt" in row.alternative for row in robust)


def test_family_rows_are_compared_pooled_only(study):
    table = schema.validate(study.assign(task_family=np.where(study["prompt"] < "p05", "AUT", "Story")))
    found = analyse(table, baseline="baseline", within="task_family", dimensions=["originality"])

    rows = check_sensitivity(table, found, options=Options.of(**found.options))

    assert rows
    assert {row.task_family for row in rows} == {""}


def test_with_one_sample_output_does_not_take_the_place_of_prompt_and_system(make_plan):
    questions = {"originality": ("pairwise_choice", 2)}
    truth = PlantedTruth(effects={"originality": {"steered": 0.5}}, prompt_system_sd=1.0)
    table = schema.validate(simulate_answers(make_plan(samples=1, questions=questions), truth, seed=1))
    found = analyse(table, baseline="baseline")

    rows = check_sensitivity(table, found, options=OPTIONS)

    without = next(row for row in rows if row.choice == "random effect prompt:system")
    other = analyse(table, baseline="baseline", random=["rater:system"])
    assert without.alternative == "without prompt:system and output"
    assert without.estimate == pytest.approx(other.rows[0].estimate, rel=1e-6)
    assert without.p < without.declared_p


def test_rankings_are_taken_apart_and_clustered(make_plan):
    rng = np.random.default_rng(2)
    rows = []
    for rater in range(12):
        for prompt in range(8):
            worth = {"baseline": 0.0, "reference": 0.5, "steered": 1.0}
            order = sorted(worth, key=lambda name: -worth[name] + rng.gumbel())
            rows += [
                {
                    "judgement": f"{rater}/{prompt}",
                    "rater": f"r{rater}",
                    "prompt": f"p{prompt}",
                    "dimension": "wit",
                    "measure": "ranking",
                    "system_a": name,
                    "output_a": f"{prompt}/{name}",
                    "answer": float(order.index(name) + 1),
                    "levels": 3,
                }
                for name in worth
            ]
    table = schema.validate(pd.DataFrame(rows))
    found = analyse(table, baseline="baseline")

    labels = {row.alternative for row in check_sensitivity(table, found, options=OPTIONS)}

    assert {"taken apart into pairs", "none, errors clustered by rater and prompt"} <= labels


def test_analysis_that_fails_is_said_and_not_dropped(mixed, analysed):
    """Where every answer but the ties is excluded, dropping ties leaves nothing."""
    nothing = mixed.assign(answer=np.where(mixed["measure"] == "pairwise_choice", 0.5, mixed["answer"]))

    rows = check_sensitivity(nothing, analysed, options=OPTIONS)

    dropped = [row for row in rows if row.alternative == "ties dropped"]
    assert len(dropped) == 2
    assert all(np.isnan(row.estimate) and "nothing but ties" in row.message and not row.agrees for row in dropped)


def test_progress_counts_the_alternatives(mixed, analysed):
    told = []

    check_sensitivity(mixed, analysed, options=OPTIONS, progress=lambda *step: told.append(step))

    total = len(alternatives(mixed, analysed, OPTIONS))
    assert [done for done, _, _ in told] == list(range(total))
    assert {of for _, of, _ in told} == {total}


@pytest.mark.parametrize(
    ("estimate", "p", "expected"),
    [(0.4, 0.01, True), (0.4, 0.2, False), (-0.4, 0.01, False), (np.nan, np.nan, False)],
)
def test_agreement_needs_sign_and_verdict(result, estimate, p, expected):
    row = replace(result.rows[0], estimate=0.5, p=0.02)

    assert agree(row, estimate, p, alpha=0.05) is expected


def test_two_missing_estimates_agree(result):
    assert agree(replace(result.rows[0], estimate=np.nan, p=np.nan), np.nan, np.nan, alpha=0.05)


def test_first_main_trial_goes_whatever_came_before():
    table = pd.DataFrame(
        {
            "rater": ["a", "a", "a", "b", "b"],
            "kind": ["practice", "main", "main", "main", "main"],
            "position": [1, 2, 3, 4, 5],
        }
    )

    assert without_first(table)["position"].tolist() == [1, 3, 5]


def test_hasty_judgements_go_and_unknown_times_stay():
    table = pd.DataFrame(
        {
            "kind": "main",
            "excluded": False,
            "seconds": [30.0, 30.0, 30.0, 9.9, 10.1, np.nan],
            "judgement": list("abcdef"),
        }
    )

    assert without_hasty(table)["judgement"].tolist() == ["a", "b", "c", "e", "f"]


def test_grades_become_directions_with_a_tie_where_there_is_a_middle():
    table = pd.DataFrame(
        {
            "measure": ["pairwise_graded"] * 5 + ["pairwise_choice"],
            "answer": [-2.0, 0.0, 1.0, -1.0, 2.0, 0.5],
            "levels": [5, 5, 5, 4, 4, 3],
        }
    )

    turned = as_choices(table)

    assert turned["answer"].tolist() == [0.0, 0.5, 1.0, 0.0, 1.0, 0.5]
    assert turned["levels"].tolist() == [3, 3, 3, 2, 2, 3]
    assert set(turned["measure"]) == {"pairwise_choice"}


def test_ordered_levels_become_points():
    table = pd.DataFrame({"measure": ["ordinal", "interval"], "answer": [3.0, 50.0]})

    assert as_points(table)["measure"].tolist() == ["interval", "interval"]
