"""What is selected, how it is coded, and what is said about it."""

import numpy as np
import pytest

from analysis.inference.contrasts import degrees_of_freedom
from analysis.prepare import ONE_SAMPLE, OptionError, Options, contrasts_of, prepare, select
from analysis.prepare.coding import ONE_OF_EACH, ONE_RATER
from analysis.simulate import PlantedTruth, simulate_answers

EXTRA = {"measure": "nominal", "dimension": "genre", "answer": 3.0, "levels": 4}


def model(frame, dimension="originality", **options):
    chosen = Options(**options)
    rows, _ = select(frame, chosen)
    return prepare(rows, dimension, chosen)


def test_only_main_trials_that_are_not_excluded_count(study):
    frame = study.copy()
    frame.loc[frame["judgement"] == "00/01", "kind"] = "attention"
    frame.loc[frame["judgement"] == "01/01", ["excluded", "exclusion_reason"]] = [True, "too fast"]
    frame.loc[frame["judgement"] == "02/01", "excluded"] = True
    frame.loc[frame["judgement"] == "03/01", "late"] = True

    rows, data = select(frame, Options())

    assert data.total == 144
    assert data.used == rows["judgement"].nunique() == 141
    assert data.by_kind == {"attention": 1, "main": 143}
    assert data.excluded == {"no reason given": 1, "too fast": 1}
    assert data.late == 1
    assert data.studies == ("test",)
    assert data.design_hashes == ("abc",)


def test_late_answers_can_be_left_out(study):
    rows, _ = select(study.assign(late=study["rater"] == "r00"), Options(late=False))

    assert "r00" not in set(rows["rater"])


def test_measures_without_a_model_are_named_not_lost(study):
    frame = study.copy()
    for name, value in EXTRA.items():
        frame.loc[frame["dimension"] == "surprise", name] = value

    rows, data = select(frame, Options())

    assert set(rows["dimension"]) == {"originality"}
    assert data.ignored_dimensions == {"genre": "measure 'nominal' has no model yet"}


def test_systems_restrict_both_sides(study):
    rows, _ = select(study, Options(systems=("steered", "baseline")))

    assert set(rows["system_a"]) | set(rows["system_b"]) == {"steered", "baseline"}


@pytest.mark.parametrize(
    "options",
    [{"baseline": "gpt"}, {"systems": ("steered", "gpt")}, {"contrasts": (("gpt", "steered"),)}],
)
def test_unknown_system_is_refused_with_the_known_ones(study, options):
    with pytest.raises(OptionError, match=r"no system 'gpt': the data have baseline, reference, steered"):
        select(study, Options(**options))


def test_unknown_dimension_is_refused(study):
    with pytest.raises(OptionError, match="no dimension 'wit': the data have originality, surprise"):
        select(study, Options(dimensions=("wit",)))


def test_nothing_left_is_refused(study):
    with pytest.raises(OptionError, match="no judgement is left"):
        select(study.assign(kind="practice"), Options())


@pytest.mark.parametrize("options", [{"random": ("author",)}, {"confidence": 95}])
def test_senseless_options_are_refused(options):
    with pytest.raises(OptionError):
        Options(**options)


def test_contrasts_are_declared_by_baseline_list_or_all_pairs(study):
    rows, _ = select(study, Options())

    assert contrasts_of(rows, Options()) == (
        ("baseline", "reference"),
        ("baseline", "steered"),
        ("reference", "steered"),
    )
    assert contrasts_of(rows, Options(baseline="reference")) == (("baseline", "reference"), ("steered", "reference"))
    assert contrasts_of(rows, Options(contrasts=(("steered", "baseline"),))) == (("steered", "baseline"),)


def test_systems_are_coded_plus_left_minus_right_beside_the_side(study):
    data = model(study)

    first = data.frame.iloc[0]
    expected = [1.0] + [float(first.system_a == s) - float(first.system_b == s) for s in ("reference", "steered")]
    assert data.names == ("side (left)", "system[reference]", "system[steered]")
    assert data.fixed[0].tolist() == expected
    assert data.contrast("steered", "baseline").tolist() == [0.0, 0.0, 1.0]
    assert data.contrast("reference", "steered").tolist() == [0.0, 1.0, -1.0]


def test_random_effects_enter_with_opposite_signs(study):
    data = model(study)

    assert [(f.name, f.signs) for f in data.factors] == [
        ("output", (1.0, -1.0)),
        ("prompt:system", (1.0, -1.0)),
        ("rater:system", (1.0, -1.0)),
    ]
    assert [f.levels for f in data.factors] == [data.outputs, 27, 48]


def test_one_sample_makes_output_and_prompt_by_system_one_effect(make_plan):
    frame = simulate_answers(make_plan(samples=1), PlantedTruth(effects={}), seed=1)

    data = model(frame)

    assert [f.name for f in data.factors] == ["prompt:system", "rater:system"]
    assert data.notes[0].startswith("one sample per prompt and system: output and prompt:system are one random effect")


def test_side_preferences_of_raters_are_an_option(study):
    data = model(study, random=("output", "rater"))

    assert [(f.name, f.signs, f.levels) for f in data.factors][1] == ("rater", (1.0,), 16)


def test_single_rater_is_said(make_plan):
    frame = simulate_answers(make_plan(raters=1), PlantedTruth(effects={}), seed=1)

    data = model(frame)

    assert data.notes == (ONE_SAMPLE, ONE_RATER)
    assert "rater:system" not in {factor.name for factor in data.factors}


def test_single_rater_of_a_single_prompt_is_said(make_plan):
    frame = simulate_answers(make_plan(raters=1), PlantedTruth(effects={}), seed=1)

    data = model(frame[frame["prompt"] == "p00"])

    assert ONE_OF_EACH in data.notes
    assert np.isnan(degrees_of_freedom(data))


def test_forced_choice_without_ties_has_two_levels(study):
    data = model(study)

    assert data.labels == ("-1", "+1")
    assert data.category.tolist() == data.frame["answer"].astype(int).tolist()


def test_ties_are_a_middle_level_or_dropped(study):
    frame = study[study["dimension"] == "originality"].assign(levels=3)
    frame.loc[frame["position"] == 1, "answer"] = 0.5

    assert model(frame).labels == ("-1", "0", "+1")
    assert model(frame, ties="drop").labels == ("-1", "+1")
    assert len(model(frame, ties="drop").frame) == 128


def test_levels_that_nobody_used_are_left_out_in_mirror_pairs(study):
    frame = study[study["dimension"] == "surprise"].copy()
    frame["answer"] = np.sign(frame["answer"])

    data = model(frame, "surprise")

    assert data.labels == ("-1", "0", "+1")
    assert data.notes[0] == "nobody used the answer level(s) ±2; left out of the scale"


def test_one_used_side_keeps_the_mirror_level(study):
    frame = study[study["dimension"] == "surprise"].copy()
    frame.loc[frame["answer"] == -2, "answer"] = -1

    assert model(frame, "surprise").labels == ("-2", "-1", "0", "+1", "+2")


def test_comparisons_within_one_system_say_nothing_about_systems(study):
    frame = study.copy()
    index = frame.index[frame["judgement"] == "00/01"]
    prompt = frame.loc[index[0], "prompt"]
    frame.loc[index, ["system_a", "output_a", "system_b", "output_b"]] = [
        "steered",
        f"{prompt}/steered/0",
        "steered",
        f"{prompt}/steered/1",
    ]

    assert len(model(frame).frame) == 143


def test_flexible_thresholds_hold_the_side(study):
    data = model(study, "surprise", thresholds="flexible")

    assert data.names == ("system[reference]", "system[steered]")
    assert model(study, "originality", thresholds="flexible").names[0] == "side (left)"


def test_nothing_but_ties_is_refused_if_ties_are_dropped(study):
    frame = study[study["dimension"] == "originality"].assign(levels=3, answer=0.5)

    with pytest.raises(OptionError, match="nothing but ties"):
        model(frame, ties="drop")


def test_nothing_but_mid_points_keeps_a_scale_of_three(study):
    data = model(study[study["dimension"] == "surprise"].assign(answer=0.0), "surprise")

    assert data.labels == ("-1", "0", "+1")
    assert set(data.category) == {1}
