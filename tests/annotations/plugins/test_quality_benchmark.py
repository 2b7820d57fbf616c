"""The table of plugins/quality/README.md: it meets what was promised, and a rerun of few seeds agrees with it."""

import re

import pytest
from scipy import stats

from tests.benchmarks import bad_raters

CELL = re.compile(r"\((\d+)/(\d+)\)")
PROMISED = {"random_clicker", "straight_liner", "speeder", "side_preferrer", "copy"}


@pytest.fixture(scope="module")
def stored():
    """(form, checks, kind) → (excluded, all), read back from the README."""
    designs = [(form, checks) for form in bad_raters.FORMS for checks in bad_raters.CHECKS]
    lines = bad_raters.stored().splitlines()[2:]
    found = {}
    for (kind, label), line in zip(bad_raters.ROWS, lines, strict=True):
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[0] == label
        for design, cell in zip(designs, cells[1:], strict=True):
            if cell != "–":
                out, total = map(int, CELL.search(cell).groups())
                found[*design, kind] = (out, total)
    return found


def test_every_kind_of_bad_rater_is_found_in_every_design(stored):
    assert {kind for _, _, kind in stored} >= PROMISED
    for (form, checks, kind), (out, total) in stored.items():
        if kind in PROMISED:
            assert out / total >= 0.9, (form, checks, kind)


def test_good_raters_are_left_alone(stored):
    good = [cell for (*_, kind), cell in stored.items() if kind == "good"]

    assert len(good) == 6
    assert {total for _, total in good} == {bad_raters.SEEDS * bad_raters.RATERS * 4 // 5}
    assert all(out / total <= 0.02 for out, total in good)


@pytest.mark.parametrize("form", bad_raters.FORMS)
def test_a_rerun_of_a_few_seeds_is_part_of_the_stored_table(stored, form):
    """The same seed is part of the table, so that no count can be lower than now."""
    again = bad_raters.measured([0], forms=[form])

    cells = {cell for cell, _ in again}
    assert cells == {key for key in stored if key[0] == form}
    for cell in cells:
        out, total = again[cell, True], again[cell, True] + again[cell, False]
        all_out, all_total = stored[cell]
        assert out <= all_out
        assert total - out <= all_total - all_out
        rest = stats.hypergeom(all_total, all_out, total)
        assert min(rest.cdf(out), rest.sf(out - 1)) > 1e-4, cell
