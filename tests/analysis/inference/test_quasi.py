"""Quasi-standard errors against R's qvcalc (make_strengths.R)."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.inference.quasi import Effects, effects_of, quasi_errors
from analysis.models.bradley_terry import comparisons_from_counts, fit_bradley_terry

R = json.loads((Path(__file__).resolve().parents[2] / "reference" / "strengths.json").read_text(encoding="utf-8"))


def fit_counts(frame, columns, *, side=False):
    one, two, wins, losses = columns
    names = tuple(sorted({*frame[one], *frame[two]}))
    data = comparisons_from_counts(
        frame[one].map(names.index).to_numpy(),
        frame[two].map(names.index).to_numpy(),
        wins=frame[wins],
        losses=frame[losses],
    )
    return fit_bradley_terry(data, names, side=side), names


@pytest.mark.parametrize(
    ("key", "file", "columns"),
    [
        ("citations", "bt_citations.csv", ("journal1", "journal2", "win1", "win2")),
        ("baseball_home", "bt_baseball.csv", ("home.team", "away.team", "home.wins", "away.wins")),
    ],
)
def test_quasi_errors_equal_qvcalc(shared, key, file, columns):
    fit, names = fit_counts(pd.read_csv(shared(f"reference/{file}")), columns, side=key.endswith("home"))

    found = quasi_errors(effects_of(fit, names))

    assert found.labels == tuple(R[key]["names"])
    # qvcalc's own search stops at 1e-6
    assert found.variance == pytest.approx(R[key]["quasi_variance"], rel=1e-5)
    assert found.se == pytest.approx(R[key]["quasi_se"], rel=1e-5)
    assert found.largest_error == pytest.approx(np.abs(R[key]["relative_errors"]).max(), rel=1e-3)
    assert found.message == ""


def test_three_levels_are_exact():
    covariance = np.array([[0.0, 0.0, 0.0], [0.0, 0.5, 0.2], [0.0, 0.2, 0.4]])

    found = quasi_errors(Effects(tuple("abc"), np.zeros(3), covariance))

    q = found.variance
    assert [q[0] + q[1], q[0] + q[2], q[1] + q[2]] == pytest.approx([0.5, 0.4, 0.5], rel=1e-10)
    assert found.largest_error == pytest.approx(0.0, abs=1e-9)


def test_reference_does_not_matter():
    rng = np.random.default_rng(2)
    root = rng.normal(size=(5, 5))
    covariance = root @ root.T
    shift = np.eye(5) - np.outer(np.ones(5), np.eye(5)[3])

    one = quasi_errors(Effects(tuple("abcde"), np.zeros(5), covariance))
    two = quasi_errors(Effects(tuple("abcde"), np.zeros(5), shift @ covariance @ shift.T))

    assert two.variance == pytest.approx(one.variance, rel=1e-6)


def test_independent_estimates_have_their_own_variances():
    found = quasi_errors(Effects(tuple("abcd"), np.zeros(4), np.diag([0.1, 0.2, 0.3, 0.4]) + 7.0))

    assert found.variance == pytest.approx([0.1, 0.2, 0.3, 0.4], rel=1e-6)


def test_negative_quasi_variance_is_said():
    covariance = np.diag([0.001, 1.0, 1.0]) + np.array([[0.0, 0.3, 0.3], [0.3, 0.0, 0.0], [0.3, 0.0, 0.0]]) * 0.2

    found = quasi_errors(Effects(tuple("abc"), np.zeros(3), covariance))

    assert found.variance[0] < 0.0
    assert np.isnan(found.se[0])
    assert found.message.startswith("the quasi-variance of a is negative")


def test_large_errors_are_said():
    """Six estimates whose comparisons differ in precision within and between two groups."""
    block = np.kron(np.eye(2), np.full((3, 3), 0.9)) + 0.1 * np.eye(6)

    found = quasi_errors(Effects(tuple("abcdef"), np.zeros(6), block))

    assert found.largest_error > 0.1
    assert "use the comparisons themselves" in found.message


def test_too_few_levels_and_missing_variances_are_refused():
    with pytest.raises(ValueError, match="at least three levels"):
        quasi_errors(Effects(tuple("ab"), np.zeros(2), np.eye(2)))
    with pytest.raises(ValueError, match="has no variance"):
        quasi_errors(Effects(tuple("abc"), np.zeros(3), np.full((3, 3), np.nan)))


def test_levels_are_found_by_their_names(shared):
    fit, names = fit_counts(pd.read_csv(shared("reference/bt_citations.csv")), ("journal1", "journal2", "win1", "win2"))

    effects = effects_of(fit, names)

    assert effects.estimate[0] == 0.0
    assert effects.estimate[1:] == pytest.approx(fit.estimate)
    with pytest.raises(ValueError, match="no effect of Biometrika, x, y"):
        effects_of(fit, (*names, "x", "y"))
