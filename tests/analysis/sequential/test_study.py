"""A study looked at as its frozen plan declares, and what the report says of it."""

from dataclasses import replace

import numpy as np
import pytest

from analysis import tables
from analysis.declaration import Declaration
from analysis.page.sections import Drawings, body
from analysis.report import analyse
from analysis.sequential import SequentialError, look_at_study


@pytest.fixture(scope="module")
def result(study):
    return analyse(study)


def declared(result, looks, *, booklets=24):
    plan = Declaration(
        sha256="abc",
        title="",
        version=1,
        lead="",
        systems=(),
        dimensions=(),
        contrasts=(),
        analysis={"looks": looks},
        design={},
        plan={"booklets": booklets},
        material={},
    )
    return replace(result, declaration=plan)


def test_study_without_declared_looks_is_not_looked_at(result):
    assert look_at_study(result) is None
    assert look_at_study(declared(result, {"method": "none"})) is None
    assert tables.looks_csv(None) == ""


def test_confidence_sequence_stands_beside_each_row(result):
    found = look_at_study(declared(result, {"method": "confidence_sequence", "planned_se": 0.3}))

    assert [row for row, _ in found.rows] == list(result.rows)
    for row, look in found.rows:
        assert look.alpha == pytest.approx(0.05 / len(result.rows))
        assert look.low < row.low < row.high < look.high
        assert look.decided == (look.e_value >= 1.0 / look.alpha)


def test_share_of_raters_decides_which_look_it_is(result):
    looks = {"method": "obrien_fleming", "times": [0.5, 1.0]}
    raters = max(item.n_raters for item in result.dimensions)

    half = look_at_study(declared(result, looks, booklets=2 * raters))
    early = look_at_study(declared(result, looks, booklets=4 * raters))
    full = look_at_study(declared(result, looks, booklets=raters))

    assert (half.time, half.raters, half.planned) == (0.5, raters, 2 * raters)
    assert {look.number for _, look in half.rows} == {1}
    assert {look.number for _, look in full.rows} == {2}
    assert all("too early" in look.message and np.isnan(look.low) for _, look in early.rows)
    assert half.rows[0][1].high > full.rows[0][1].high


def test_report_shows_the_looks(result):
    looked = declared(result, {"method": "pocock", "times": [0.5, 1.0]}, booklets=2 * 24)

    page = body(looked, Drawings({}, {}), versions={})

    section = page[page.index('<section id="looks"') :]
    assert "Pocock spending (Lan &amp; DeMets 1983)" in section
    assert "p at most" in section
    assert 'id="looks"' not in body(result, Drawings({}, {}), versions={})


def test_table_and_csv_hold_every_row(result):
    found = look_at_study(declared(result, {"method": "confidence_sequence", "planned_se": 0.3}))

    table, text = tables.looks_table(found), tables.looks_csv(found)

    assert len(table.rows) == len(result.rows)
    assert table.header[3:5] == ("e-value", "p at any time")
    assert sum(size for _, size in table.groups) == len(result.rows)
    assert text.splitlines()[0].startswith("dimension,contrast,estimate,low,high,e_value")
    assert len(text.splitlines()) == 1 + len(result.rows)


def test_plan_that_cannot_be_followed_is_refused(result):
    with pytest.raises(SequentialError, match="must ascend"):
        look_at_study(declared(result, {"method": "pocock", "times": [0.5]}))
