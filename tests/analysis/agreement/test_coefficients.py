"""Alpha, kappa and raw agreement against published examples and against a count of every pair of ratings."""

import json
from itertools import combinations

import numpy as np
import pytest

from analysis.agreement import AgreementError, Ratings, fleiss_kappa, from_matrix, krippendorff_alpha, raw_agreement

# Fleiss (1971), table 1: 30 subjects, 6 raters, 5 diagnoses; the kappa printed there is .430.
FLEISS_1971 = """0 0 0 6 0|0 3 0 0 3|0 1 4 0 1|0 0 0 0 6|0 3 0 3 0|2 0 4 0 0|0 0 4 0 2|2 0 3 1 0|2 0 0 4 0|0 0 0 0 6|
1 0 0 5 0|1 1 0 4 0|0 3 3 0 0|1 0 0 5 0|0 2 0 3 1|0 0 5 0 1|3 0 0 1 2|5 1 0 0 0|0 2 0 4 0|1 0 2 0 3|0 0 0 0 6|0 1 0 5 0|
0 2 0 1 3|2 0 0 4 0|1 0 0 4 1|0 5 0 1 0|4 0 0 0 2|0 2 0 4 0|1 0 5 0 0|0 0 0 0 6"""


@pytest.fixture(scope="module")
def published(shared):
    return json.loads(shared("reference/agreement_reference.json").read_text(encoding="utf-8"))


def alpha_by_pairs(matrix, level):
    """Krippendorff's definition: mean disagreement within units over mean disagreement of all pairable ratings."""
    units = [row[~np.isnan(row)] for row in matrix]
    units = [row for row in units if row.size > 1]
    pooled = np.concatenate(units)
    values = np.unique(pooled)
    counts = {value: int((pooled == value).sum()) for value in values}

    def distance(a, b):
        if level == "nominal":
            return float(a != b)
        if level == "interval":
            return float((a - b) ** 2)
        low, high = min(a, b), max(a, b)
        between = sum(count for value, count in counts.items() if low <= value <= high)
        return float((between - (counts[low] + counts[high]) / 2.0) ** 2) if a != b else 0.0

    observed = sum(2.0 * sum(distance(a, b) for a, b in combinations(row, 2)) / (row.size - 1) for row in units)
    expected = 2.0 * sum(distance(a, b) for a, b in combinations(pooled, 2)) / (pooled.size - 1)
    return 1.0 - observed / expected


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_alpha_of_krippendorffs_example(published, level):
    matrix = np.array(published["krippendorff2011_data"], dtype=float).T
    found = krippendorff_alpha(from_matrix(matrix), level, resamples=200)
    assert found.value == pytest.approx(published["krippendorff_pkg"][level], abs=1e-12)  # the same sum, other order
    assert found.low < found.value < found.high
    assert (found.units, found.ratings) == (11, 40)  # unit 12 has one rating


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
@pytest.mark.parametrize("seed", range(4))
def test_alpha_equals_a_count_of_every_pair(level, seed):
    rng = np.random.default_rng(seed)
    matrix = np.clip(np.round(rng.normal(3, 1, (15, 1)) + rng.normal(0, 1, (15, 5))), 1, 6)
    matrix[rng.random(matrix.shape) < 0.3] = np.nan
    found = krippendorff_alpha(from_matrix(matrix), level, resamples=10)
    assert found.value == pytest.approx(alpha_by_pairs(matrix, level), abs=1e-12)


def test_alpha_of_agreement_chance_and_sameness():
    rng = np.random.default_rng(1)
    same = np.repeat(rng.integers(0, 5, (40, 1)).astype(float), 3, axis=1)
    assert krippendorff_alpha(from_matrix(same), "ordinal", resamples=50).value == 1.0
    noise = rng.integers(0, 2, (4000, 3)).astype(float)
    assert abs(krippendorff_alpha(from_matrix(noise), "nominal", resamples=50).value) < 0.03  # 3 standard errors
    assert np.isnan(krippendorff_alpha(from_matrix(np.ones((5, 3))), "nominal", resamples=50).value)


def test_interval_of_alpha_covers_over_many_studies():
    rng = np.random.default_rng(2)
    truth, inside = 0.5, 0  # variances 1 and 1: interval alpha is the intraclass correlation
    for study in range(120):
        matrix = rng.normal(size=(60, 1)) + rng.normal(size=(60, 3))
        found = krippendorff_alpha(from_matrix(matrix), "interval", resamples=200, seed=study)
        inside += found.low <= truth <= found.high
    assert 0.87 <= inside / 120 <= 0.99  # 95% within three binomial standard errors, the bootstrap being a little short


def test_bootstrap_is_seeded():
    matrix = np.random.default_rng(3).integers(0, 3, (20, 4)).astype(float)
    one, two, other = (
        krippendorff_alpha(from_matrix(matrix), "nominal", resamples=100, seed=seed) for seed in (1, 1, 2)
    )
    assert one == two
    assert (one.low, one.high) != (other.low, other.high)


def test_fleiss_kappa_of_his_own_example():
    rows = [[int(cell) for cell in row.split()] for row in FLEISS_1971.replace("\n", "").split("|")]
    matrix = np.array([np.repeat(np.arange(5.0), row) for row in rows])
    found = fleiss_kappa(from_matrix(matrix), resamples=200)
    assert found.value == pytest.approx(0.430, abs=5e-4)  # as printed
    assert found.low < found.value < found.high


def test_fleiss_kappa_refuses_unequal_numbers_of_raters():
    data = Ratings(np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 0, 1]), np.array([1.0, 1, 0, 1, 0]))
    with pytest.raises(AgreementError, match=r"2 to 3.*Krippendorff"):
        fleiss_kappa(data)


def test_raw_agreement_counts_pairs():
    matrix = np.array([[1, 1, 0], [1, 1, 1], [0, 1, np.nan], [1, np.nan, np.nan]])
    assert raw_agreement(from_matrix(matrix), resamples=20).value == pytest.approx((1 / 3 + 1 + 0) / 3)


def test_nothing_to_agree_on_is_said():
    once = Ratings(np.arange(3), np.zeros(3, dtype=np.int64), np.ones(3))
    for coefficient in (raw_agreement, fleiss_kappa):
        with pytest.raises(AgreementError, match="no unit was rated twice"):
            coefficient(once)


def test_ttcw_agreement_of_the_note(shared):
    rows = json.loads(shared("data/ttcw/ttcw_annotations.json").read_text(encoding="utf-8"))
    unit = np.unique([f"{row['story_id']}/{row['ttcw_idx']}" for row in rows], return_inverse=True)[1]
    rater = np.array([int(row["expert_idx"]) for row in rows])
    value = np.array([float(row["binary_verdict"] == "Yes") for row in rows])
    data = Ratings(unit.astype(np.int64), rater, value)
    assert krippendorff_alpha(data, "nominal", resamples=50).value == pytest.approx(0.4264, abs=5e-5)
    assert fleiss_kappa(data, resamples=50).value == pytest.approx(0.426, abs=5e-4)
