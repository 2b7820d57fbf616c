"""The studies that researchers start from, simulated and analysed from the shell: each gives a complete report."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from analysis import schema
from analysis.__main__ import main
from analysis.simulate import PlantedTruth, simulate_answers

SYSTEMS = ("baseline", "reference", "steered")
EFFECT = {"steered": 2.0, "reference": 1.0}


def trials(raters, prompts):
    """Every rater meets each prompt once: (rater, prompt, place, common columns)."""
    rng = np.random.default_rng(0)
    for rater in range(raters):
        for place, prompt in enumerate(rng.permutation(prompts), start=1):
            shared = {"study": "template", "judgement": f"{rater}/{place}", "rater": f"r{rater:02d}"}
            yield rater, int(prompt), {**shared, "prompt": f"p{prompt:02d}", "position": place, "seconds": 20.0}


def pairs_with_sliders(raters=16, prompts=9):
    """A choice between two texts, and a slider under each of them."""
    for rater, prompt, trial in trials(raters, prompts):
        one, two = list(combinations(SYSTEMS, 2))[(rater + prompt) % 3][:: 1 if (rater + prompt) % 2 else -1]
        outputs = {system: f"p{prompt}/{system}/{rater % 2}" for system in (one, two)}
        yield {**trial, "dimension": "preference", "measure": "pairwise_choice", "levels": 2, "system_a": one,
               "output_a": outputs[one], "system_b": two, "output_b": outputs[two]}  # fmt: skip
        for slot, system in enumerate((one, two), start=1):
            yield {**trial, "dimension": "creativity", "measure": "interval", "levels": 101, "system_a": system,
                   "output_a": outputs[system], "slot": slot}  # fmt: skip


def verdicts(measure, dimensions, raters=20, prompts=9):
    """Yes or no on many dimensions of one story."""
    for rater, prompt, trial in trials(raters, prompts):
        system = SYSTEMS[(rater + prompt) % 3]
        for number in range(dimensions):
            yield {**trial, "dimension": f"v{number:02d}", "measure": measure, "levels": 2, "system_a": system,
                   "output_a": f"p{prompt}/{system}/0"}  # fmt: skip


def sliders(raters=12, prompts=9):
    """One text at a time on two sliders."""
    for rater, prompt, trial in trials(raters, prompts):
        system = SYSTEMS[(rater + prompt) % 3]
        for name in ("creativity", "novelty"):
            yield {**trial, "dimension": name, "measure": "interval", "levels": 101, "system_a": system,
                   "output_a": f"p{prompt}/{system}/0"}  # fmt: skip


def rankings(kind, raters=12, prompts=6):
    """Four texts at a time, ranked or best and worst."""
    for _, prompt, trial in trials(raters, prompts):
        for slot, (system, sample) in enumerate(
            [("steered", 0), ("baseline", 0), ("reference", 0), ("baseline", 1)], 1
        ):
            yield {**trial, "dimension": "creativity", "measure": "ranking", "question_type": kind, "levels": 4,
                   "system_a": system, "output_a": f"p{prompt}/{system}/{sample}", "slot": slot}  # fmt: skip


def panel(raters=1, rounds=6, outputs=12):
    """Experts who ask in rounds and rank all that comes back."""
    for rater in range(raters):
        for number in range(1, rounds + 1):
            key = f"r{rater}q{number}"
            for at in range(outputs):
                system = SYSTEMS[at % 3]
                for name in ("creativity", "insight"):
                    yield {"study": "template", "judgement": key, "rater": f"r{rater}", "prompt": key, "round": number,
                           "position": number, "dimension": name, "measure": "ranking", "levels": outputs,
                           "system_a": system, "output_a": f"{key}/{system}/{at // 3}", "slot": at + 1}  # fmt: skip


def report_on(rows, folder, *options, **truth):
    rows = list(rows)
    planted = PlantedTruth(effects={row["dimension"]: EFFECT for row in rows}, **truth)
    table = simulate_answers(rows, planted, seed=4)
    schema.write(table, folder / "judgements.csv")

    code = main(
        [str(folder / "judgements.csv"), "--out", str(folder / "report"), "--baseline", "baseline", "--quiet", *options]
    )

    assert code == 0
    found = pd.read_csv(folder / "report" / "significance.csv")
    assert found["converged"].all()
    assert set(found["dimension"]) == {row["dimension"] for row in rows}
    assert (found.loc[found["first"] == "steered", "estimate"] > 0).all()
    return found, (folder / "report" / "index.html").read_text(encoding="utf-8"), results_of(folder)


def results_of(folder):
    return json.loads((folder / "report" / "results.json").read_text(encoding="utf-8"))


def test_choice_and_sliders_on_the_same_trials(tmp_path):
    found, page, results = report_on(pairs_with_sliders(), tmp_path)

    assert dict(zip(found["dimension"], found["scale"], strict=True)) == {
        "creativity": "points",
        "preference": "log-odds",
    }
    assert "16 raters · 9 prompts · 3 systems · 144 judgements · 2 dimensions" in page
    # a pair is counted as shown once, whatever else was asked about its outputs
    assert sum(pair["judgements"] for pair in results["account"]["pairs"]) == 144
    assert sum(one["shown"] for one in results["account"]["systems"]) == 288
    assert any(row["alternative"] == "standardised per rater" for row in results["sensitivity"])


@pytest.mark.parametrize(("measure", "dimensions"), [("nominal", 14), ("ordinal", 3)])
def test_verdicts_of_yes_or_no(tmp_path, measure, dimensions):
    rows = verdicts(measure, dimensions)
    found, page, results = report_on(rows, tmp_path, "--without", "diagnostics,sensitivity")

    assert len(found) == 2 * dimensions
    assert set(found["scale"]) == {"log-odds"}
    assert f"over all {2 * dimensions} reported contrasts" in results["family"]
    assert ("yes or no, 2 levels" in page) == (measure == "nominal")


def test_sliders_standardised_as_declared_stand_beside_the_points(tmp_path):
    found, _, results = report_on(sliders(), tmp_path, "--standardise", "rater")

    assert set(found["scale"]) == {"rater SD"}
    raw = [row for row in results["sensitivity"] if row["alternative"] == "points as given"]
    assert {row["dimension"] for row in raw} == {"creativity", "novelty"}
    assert {row["scale"] for row in raw} == {"points"}


@pytest.mark.parametrize(
    ("kind", "width", "model"),
    [
        ("best_worst", 0.0, "Plackett–Luce model, best–worst"),
        ("ranking", 0.6, "Plackett–Luce model (ties by Breslow)"),
        ("ranking", 0.0, "Plackett–Luce model with"),
    ],
)
def test_rankings_with_ties_and_best_worst_answers(tmp_path, kind, width, model):
    found, page, results = report_on(rankings(kind), tmp_path, rank_tie_width=width)

    assert found["model"].str.startswith(model).all()
    assert ("some outputs share a rank" in page) == (width > 0.0)
    assert "P(a is chosen from the set S)" in (tmp_path / "report" / "methods.md").read_text(encoding="utf-8")
    others = {row["alternative"] for row in results["sensitivity"]}
    assert "taken apart into pairs" in others


def test_panel_of_one_expert_says_what_it_can_claim(tmp_path):
    slopes = {"round_slopes": {"creativity": {"steered": 0.3}}}
    found, page, results = report_on(panel(rounds=8), tmp_path, **slopes)

    assert set(found["n_raters"]) == {1}
    assert found["p"].notna().all()
    assert "one rater judged: estimates, intervals and p values say how this person would judge further prompts" in page
    assert '<section id="rounds"' in page
    assert (tmp_path / "report" / "figures" / "rounds.svg").is_file()
    assert len(pd.read_csv(tmp_path / "report" / "rounds.csv")) == 2 * 8 * 3
    trends = pd.read_csv(tmp_path / "report" / "trends.csv").set_index(["dimension", "first"])
    gain = trends.loc[("creativity", "steered")]
    # planted; three standard errors
    assert gain["estimate"] == pytest.approx(0.3, abs=3.0 * gain["se"])
    assert len(results["rounds"]["trends"]) == 4
    # an output stands in one ranking only: its pairs would never contradict one another
    assert "taken apart into pairs" not in {row["alternative"] for row in results["sensitivity"]}


def test_panel_of_few_with_ties_is_a_pilot(tmp_path):
    _, page, results = report_on(panel(raters=3, rounds=4), tmp_path, rank_tie_width=0.3)

    assert "only 3 raters: the small-sample correction is rough, treat as a pilot" in page
    assert any("some outputs share a rank" in note for note in results["notes"])


def test_one_expert_with_one_question_gets_an_order_and_no_test(tmp_path):
    rows = list(panel(rounds=1))
    table = simulate_answers(rows, PlantedTruth(effects=dict.fromkeys(("creativity", "insight"), EFFECT)), seed=4)
    schema.write(table, tmp_path / "judgements.csv")

    main([str(tmp_path / "judgements.csv"), "--out", str(tmp_path / "report"), "--quiet"])

    page = (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert "one rater judged one prompt: this is that person&#x27;s order of these texts" in page
    assert "no interval and no p value: one rater and one prompt" in page
    assert all(row["p"] is None for row in results_of(tmp_path)["contrasts"])
