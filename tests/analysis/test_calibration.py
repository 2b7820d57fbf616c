"""Type-I error and coverage of the whole analysis: the stored table, a short run of its harness, and the long suite.

``pytest -m calibration`` runs all nine cells anew (hours; EVALPLATFORM_CALIBRATION_STUDIES sets the number of studies).
"""

import math
import os
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.calibration import KINDS, PLANTED, PROMPTS, Cell, analyse_one, run_cell, study, to_markdown

TABLE = Path(__file__).resolve().parents[1] / "benchmarks" / "calibration.md"
CELLS = [Cell(kind, raters) for raters in PROMPTS for kind in KINDS]
NOMINAL, COVERAGE = (0.04, 0.06), (0.93, 0.97)


def stored():
    """Rows of the stored table by cell: studies, type-I error, coverages, clustered and naive rates."""
    rows = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if match := re.fullmatch(r"(\w+), (\d+) raters", cells[0]):
            rows[f"{match[1]}:{match[2]}"] = cells[1:]
    return rows


def rate(cell):
    value, error = re.fullmatch(r"([\d.]+) ± ([\d.]+)%", cell).groups()
    return float(value) / 100.0, float(error) / 100.0


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_stored_table_keeps_the_promise(cell):
    row = stored()[cell.name]
    null, planted = (int(number) for number in row[0].split(" + "))
    assert min(null, planted) >= 1000
    for text, (low, high) in ((row[1], NOMINAL), (row[2], COVERAGE), (row[3], COVERAGE)):
        value, error = rate(text)
        assert low - 2.0 * error <= value <= high + 2.0 * error
    assert rate(row[8])[0] > 0.15  # the naive test, for which the platform exists
    assert int(row[10]) <= 0.01 * (null + planted)


@pytest.mark.parametrize("kind", KINDS)
def test_studies_are_seeded_and_hold_the_planted_effect(kind):
    cell = Cell(kind, 200)
    table = study(cell, PLANTED[kind], 1)
    assert table.equals(study(cell, PLANTED[kind], 1))
    assert not table.equals(study(cell, PLANTED[kind], 2))
    for side in ("a", "b") if kind != "sliders" else ("a",):
        assert table.groupby("rater")[f"system_{side}"].value_counts().eq(10).all()
    if kind == "sliders":
        means = table.groupby("system_a")["answer"].mean()
        assert means["steered"] - means["baseline"] == pytest.approx(PLANTED[kind], abs=5.0)  # 3 SE of such a study
    else:
        first = np.where(table["system_a"] == "steered", table["answer"], -table["answer"])
        assert first.mean() > 0.0


def test_short_run_of_the_harness():
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        result = run_cell(Cell("pairs", 24), studies=12, first=1, pool=pool)
    assert result["null"]["usable"] == result["planted"]["usable"] == 12
    assert result["planted"]["rejected"] > result["null"]["rejected"] - 0.2
    assert result["null"]["covered"] >= 0.7  # 95% leaves 12 studies below this once in 10,000 runs
    assert "pairs, 24 raters | 12 + 12 |" in to_markdown([result])


@pytest.mark.slow
def test_grouping_by_rater_and_prompt_is_not_ignored():
    """Row 9 of what peers get wrong. In 24 studies nothing is true; a test that takes answers for independent errs."""
    cell = Cell("pairs", 60)

    found = [analyse_one(cell, 0.0, seed) for seed in range(1, 25)]

    assert all(row["usable"] for row in found)
    assert sum(row["naive_p"] < 0.05 for row in found) >= 6  # these very studies do fool it
    assert sum(row["p"] < 0.05 for row in found) <= 4  # a true 5% leaves more than 4 of 24 once in 160 draws


@pytest.mark.calibration
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_calibration(cell):
    studies = int(os.environ.get("EVALPLATFORM_CALIBRATION_STUDIES", "1000"))
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        result = run_cell(cell, studies=studies, first=10**7, pool=pool)
    for truth, name, (low, high) in (
        ("null", "rejected", NOMINAL),
        ("null", "covered", COVERAGE),
        ("planted", "covered", COVERAGE),
    ):
        value = result[truth][name]
        error = math.sqrt(value * (1.0 - value) / result[truth]["usable"])
        assert low - 2.0 * error <= value <= high + 2.0 * error, (truth, name)
