"""Agreement rows of a long table: the units are pairs in one orientation, whatever the side."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.agreement import agreement_rows, krippendorff_alpha, ratings_of


def pairs(answers, *, measure="pairwise_choice", seed=0):
    """Rows of raters who judge each of several pairs, sides drawn by lot; answers (pairs, raters) for o1 over o2."""
    rng = np.random.default_rng(seed)
    rows = []
    for pair, row in enumerate(answers):
        for rater, answer in enumerate(row):
            one, two = (f"p{pair}/a", "A"), (f"p{pair}/b", "B" if pair % 2 else "C")
            value = float(answer)
            if rng.integers(2):
                one, two, value = two, one, (1.0 - value if measure == "pairwise_choice" else -value)
            rows.append(
                {
                    "dimension": "originality", "measure": measure, "rater": f"r{rater}", "answer": value,
                    "output_a": one[0], "system_a": one[1], "output_b": two[0], "system_b": two[1],
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def test_sides_never_look_like_agreement():
    answers = np.repeat(np.random.default_rng(1).integers(0, 2, (12, 1)), 3, axis=1)
    for seed in range(3):
        data = ratings_of(pairs(answers, seed=seed), "pairwise_choice")
        assert krippendorff_alpha(data, "nominal", resamples=10).value == 1.0
    graded = pairs(answers * 4 - 2, measure="pairwise_graded")
    assert krippendorff_alpha(ratings_of(graded, "pairwise_graded"), "ordinal", resamples=10).value == 1.0


def test_rows_of_a_study():
    rng = np.random.default_rng(2)
    merit = rng.normal(size=(40, 1))
    frame = pairs((merit + rng.normal(size=(40, 5)) > 0).astype(int))
    rows = {row.coefficient: row for row in agreement_rows(frame, resamples=100)}
    assert rows["Krippendorff's alpha (nominal)"].value == pytest.approx(rows["Fleiss' kappa"].value, abs=0.01)
    assert rows["raw agreement"].value > 0.5
    assert "40 pairs, 200 ratings" in rows["raw agreement"].note
    one = rows["reliability of one rater, ICC(1)"]
    needed = rows["raters per unit for a reliability of 0.8"]
    assert needed.value == math.ceil(4.0 * (1.0 - one.value) / one.value)
    assert needed.low <= needed.value <= needed.high
    assert 0.0 < rows["split-half reliability of outputs"].value < 1.0
    assert all(row.dimension == "originality" for row in rows.values())


def test_single_outputs_get_the_interval_scale():
    rng = np.random.default_rng(3)
    scores = 50.0 + 20.0 * rng.normal(size=(30, 1)) + 10.0 * rng.normal(size=(30, 4))
    frame = pd.DataFrame(
        [
            {
                "dimension": "creativity", "measure": "interval", "rater": f"r{rater}", "answer": value,
                "output_a": f"o{output}", "system_a": "ABC"[output % 3], "output_b": "", "system_b": "",
            }
            for output, row in enumerate(scores)
            for rater, value in enumerate(row)
        ]
    )  # fmt: skip
    rows = {row.coefficient: row for row in agreement_rows(frame, resamples=50)}
    assert rows["Krippendorff's alpha (interval)"].value == pytest.approx(0.8, abs=0.15)
    assert "raw agreement" not in rows
    assert "30 outputs" in rows["Krippendorff's alpha (interval)"].note


def test_what_cannot_be_computed_says_why():
    frame = pairs(np.array([[1], [0], [1]]))
    rows = {row.coefficient: row for row in agreement_rows(frame, resamples=10)}
    assert math.isnan(rows["Krippendorff's alpha (nominal)"].value)
    assert "no unit was rated twice" in rows["Krippendorff's alpha (nominal)"].note
    assert "at least two raters" in rows["split-half reliability of systems"].note
