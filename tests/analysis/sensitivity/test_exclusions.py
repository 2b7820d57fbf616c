"""With and without exclusions: who comes back, that the numbers are those of these rows, what is said."""

from dataclasses import replace

import numpy as np
import pytest

from analysis import schema, tables
from analysis.prepare import Options
from analysis.report import analyse, examine
from analysis.results.checks import DECLARED, EVERYONE
from analysis.sensitivity import check_exclusions
from analysis.sensitivity.exclusions import liftable, same_conclusion, variants
from analysis.simulate import PlantedTruth, simulate_answers
from analysis.wording import exclusions_verdict

CHECKS = {"r00": "attention", "r01": "attention;too_fast", "r02": "too_fast;attention", "r03": "too_fast"}
REASONS = {**CHECKS, "r04": "asked to be left out", "r05": schema.INCOMPLETE, "r06": "too fast; data withdrawn"}
WITHOUT = ("agreement", "diagnostics", "sensitivity")


@pytest.fixture(scope="module")
def table(make_plan):
    """Four raters excluded by checks, one by hand, two for good; those of the attention check hate what is steered."""
    questions = {"originality": ("pairwise_choice", 2), "surprise": ("pairwise_graded", 5)}
    truth = PlantedTruth(effects={name: {"steered": 1.4} for name in questions})
    found = simulate_answers(make_plan(raters=20, questions=questions), truth, seed=5)
    sign = np.where(found["system_a"] == "steered", -1.0, np.where(found["system_b"] == "steered", 1.0, 0.0))
    against = found["rater"].isin(["r00", "r05"]) & (sign != 0.0)
    extreme = np.where(found["measure"] == "pairwise_choice", (sign + 1.0) / 2.0, 2.0 * sign)
    return schema.validate(
        found.assign(
            answer=found["answer"].where(~against, extreme),
            excluded=found["rater"].isin(REASONS),
            exclusion_reason=found["rater"].map(REASONS).fillna(""),
            exclusion_checks=found["rater"].map(CHECKS).fillna(""),
        )
    )


@pytest.fixture(scope="module")
def analysed(table):
    return analyse(table, baseline="baseline")


@pytest.fixture(scope="module")
def checked(table, analysed):
    return check_exclusions(table, analysed, options=Options.of(**analysed.options))


def back(table, variant):
    return sorted(set(table.loc[variant.back, "rater"]))


def test_each_check_brings_back_those_whom_it_alone_excluded(table):
    found = {variant.label: back(table, variant) for variant in variants(table)}

    assert found == {
        "everyone": ["r00", "r01", "r02", "r03", "r04"],
        "without attention": ["r00"],
        "without decisions by hand": ["r04"],
        "without too fast": ["r03"],
    }


def test_a_decision_by_hand_keeps_out_whom_a_check_found_too(table):
    both = table.assign(exclusion_checks=table["exclusion_checks"].replace("attention", "attention; by hand"))

    found = {variant.label: back(both, variant) for variant in variants(both)}

    assert found["without attention"] == []
    assert found["without decisions by hand"] == ["r04"]


@pytest.mark.parametrize("reason", [schema.INCOMPLETE, schema.WITHDRAWN, f"too fast; {schema.WITHDRAWN}"])
def test_incomplete_and_withdrawn_stay_out_always(table, reason):
    firm = table.assign(exclusion_reason=table["exclusion_reason"].where(table["exclusion_reason"] == "", reason))

    assert not liftable(firm).any()
    assert variants(firm) == ()


def test_exclusions_of_other_trials_lift_nothing(table):
    assert variants(table.assign(kind=table["kind"].where(~table["excluded"], "attention"))) == ()


@pytest.mark.parametrize(
    ("variant", "raters"),
    [(EVERYONE, ["r05", "r06"]), ("without attention", ["r01", "r02", "r03", "r04", "r05", "r06"])],
)
def test_numbers_are_those_of_an_analysis_of_these_rows(table, checked, variant, raters):
    other = analyse(table.assign(excluded=table["rater"].isin(raters)), baseline="baseline")

    rows = [row for row in checked if row.variant == variant]

    expected = {(row.dimension, row.contrast): row for row in other.rows}
    for row in rows:
        same = expected[row.dimension, row.contrast]
        # two fits of one model end at most 1e-4 standard errors apart
        assert [row.estimate, row.se, row.low, row.high] == pytest.approx(
            [same.estimate, same.se, same.low, same.high], rel=1e-5, abs=1e-8
        )
        assert [row.p, row.p_corrected] == pytest.approx([same.p, same.p_holm], rel=1e-4)
        assert (row.raters, row.judgements) == (same.n_raters, same.n_judgements)


def test_lines_stand_by_contrast_the_declared_one_first(analysed, checked):
    labels = list(dict.fromkeys(row.variant for row in checked))

    assert labels == [DECLARED, EVERYONE, "without attention", "without decisions by hand", "without too fast"]
    assert [(row.dimension, row.contrast, row.variant) for row in checked] == [
        (row.dimension, row.contrast, label) for row in analysed.rows for label in labels
    ]
    declared = [row for row in checked if row.variant == DECLARED]
    assert [row.p_corrected for row in declared] == [row.p_holm for row in analysed.rows]
    assert all(row.same for row in declared)


@pytest.mark.parametrize("correction", ["holm", "bh", "single-step", "none"])
def test_correction_that_decides_is_the_declared_one(table, correction):
    found = analyse(table, baseline="baseline", correction=correction)
    other = analyse(
        table.assign(excluded=table["rater"].isin(["r05", "r06"])), baseline="baseline", correction=correction
    )

    rows = check_exclusions(table, found, options=Options.of(**found.options))

    everyone = [row.p_corrected for row in rows if row.variant == EVERYONE]
    assert everyone == pytest.approx([other.corrected(row) for row in other.rows], rel=1e-4)


def test_contrasts_within_families_are_followed_too(table):
    families = schema.validate(table.assign(task_family=np.where(table["prompt"] < "p05", "AUT", "Story")))
    found = analyse(families, baseline="baseline", within="task_family", dimensions=["originality"])

    rows = check_exclusions(families, found, options=Options.of(**found.options))

    assert {row.task_family for row in rows} == {"", "AUT", "Story"}
    assert len(rows) == 5 * len(found.rows)


def test_check_that_excluded_nobody_alone_repeats_the_declared_line(table, analysed):
    shared = table.assign(exclusion_checks=table["exclusion_checks"].replace("attention", "attention;too_fast"))

    rows = check_exclusions(shared, analysed, options=Options.of(**analysed.options))

    without = [row for row in rows if row.check == "attention"]
    assert [row.estimate for row in without] == [row.estimate for row in analysed.rows]
    assert all(row.same for row in without)


def test_dimension_that_only_exists_as_declared_is_said_and_not_dropped(table, analysed):
    broken = analyse(table, baseline="baseline")
    elsewhere = table.assign(dimension=table["dimension"].replace("surprise", "wit"))

    rows = check_exclusions(
        elsewhere, broken, options=replace(Options.of(**analysed.options), dimensions=("originality", "wit"))
    )

    lost = [row for row in rows if row.dimension == "surprise" and row.variant == EVERYONE]
    assert len(lost) == 2
    assert all(np.isnan(row.estimate) and not row.same and "no comparison" in row.message for row in lost)


@pytest.mark.parametrize(
    ("declared", "other", "expected"),
    [
        ((0.5, 0.01), (0.2, 0.04), True),
        ((0.5, 0.01), (0.4, 0.06), False),
        ((0.5, 0.01), (-0.4, 0.01), False),
        ((0.5, 0.40), (-0.4, 0.50), True),
        ((0.5, 0.40), (np.nan, np.nan), False),
        ((np.nan, np.nan), (np.nan, np.nan), True),
    ],
)
def test_conclusion_is_winner_or_no_difference(declared, other, expected):
    assert same_conclusion(declared, other, alpha=0.05) is expected


def one_contrast(make_plan, checks, *, hostile):
    """A study of one contrast in which some raters are excluded, who answer against the truth or like all others."""
    plan = make_plan(raters=16, questions={"wit": ("pairwise_choice", 2)}, systems=("baseline", "steered"))
    found = simulate_answers(plan, PlantedTruth(effects={"wit": {"steered": 1.6}}), seed=2)
    out = found["rater"].isin(checks)
    against = (found["system_b"] == "steered").astype(float)
    table = found.assign(
        answer=found["answer"].where(~(out & hostile), against),
        excluded=out,
        exclusion_reason=np.where(out, "failed", ""),
        exclusion_checks=found["rater"].map(checks).fillna(""),
    )
    return analyse(table, baseline="baseline")


def test_report_says_that_nothing_hangs_on_the_exclusions(make_plan):
    result = one_contrast(make_plan, {"r00": "attention", "r01": "too_fast", "r02": ""}, hostile=False)

    found = examine(result, without=WITHOUT)

    assert exclusions_verdict(found) == (
        "No conclusion changes. The one contrast keeps its conclusion with everyone in, and without the exclusions by "
        "the check “attention”, by hand or by the check “too fast”."
    )
    assert found.warnings == result.warnings


def test_report_warns_of_conclusions_that_hang_on_the_exclusions(make_plan):
    checks = {f"r0{number}": "attention" for number in range(6)}

    found = examine(one_contrast(make_plan, checks, hostile=True), without=WITHOUT)

    verdict = exclusions_verdict(found)
    assert verdict.startswith(
        "The conclusion depends on the exclusions: wit, steered vs baseline is significant as declared (p = .003), but "
        "the conclusion is another with everyone (p = "
    )
    assert " and without the exclusions by the check “attention” (p = " in verdict
    assert found.warnings[-1] == verdict


def test_table_marks_what_changes(table, analysed, checked):
    turned = tuple(replace(row, same=row.variant != EVERYONE) for row in checked)

    found = tables.quality_table(replace(analysed, exclusions=turned))

    assert found.header[0] == "Exclusions"
    assert [size for _, size in found.groups] == [5] * 4
    assert found.rows[0][0] == DECLARED
    assert [found.rows[at][7] for at in range(5)] == ["–", "another", "the same", "the same", "the same"]
    assert found.strong == {(at, 7) for at in range(1, 20, 5)}


def test_study_without_exclusions_has_no_such_section(study):
    found = examine(analyse(study, baseline="baseline"), without=WITHOUT)

    assert found.exclusions == ()
    assert exclusions_verdict(found) == ""
