"""Variables of a formula: where they are found, typed and refused."""

import numpy as np
import pytest

from analysis.design.formula import FormulaError
from analysis.design.frame import levels_of, look_up


def test_sides_are_recognised_by_their_columns(pairs):
    found = look_up(pairs, ["system", "rater", "length"])

    assert found.pairs
    assert found.varying == {"system", "length"}
    assert list(found.frames[0]["system"]) == list(pairs["system_a"])
    assert list(found.frames[1]["system"]) == list(pairs["system_b"])
    assert found.frames[0]["rater"].equals(found.frames[1]["rater"])
    assert levels_of(found.frames[0]["system"]) == levels_of(found.frames[1]["system"]) == ("base", "ref", "steer")


def test_blank_or_absent_second_side_means_single_stimuli(pairs):
    for table in (pairs.assign(system_b=""), pairs.drop(columns="system_b")):
        found = look_up(table, ["system", "rater"])

        assert not found.pairs
        assert list(found.frames[0]["system"]) == list(pairs["system_a"])


def test_a_column_of_its_own_name_wins(pairs):
    found = look_up(pairs.assign(system="x"), ["system"])

    assert not found.pairs
    assert levels_of(found.frames[0]["system"]) == ("x",)


def test_categories_keep_their_order_and_lose_unused_ones(ratings):
    frame = look_up(ratings, ["f", "s", "flag", "h"]).frames[0]

    assert levels_of(frame["f"]) == ("z", "x")
    assert levels_of(frame["s"]) == ("a", "b", "c")
    assert levels_of(frame["flag"]) == (False, True)
    assert levels_of(frame["h"]) is None


def test_unknown_column_is_named_with_the_nearest(pairs):
    with pytest.raises(FormulaError, match="no column 'sistem': did you mean 'system'"):
        look_up(pairs, ["sistem"])
    with pytest.raises(FormulaError, match="no column 'zzz': the table has rater, prompt"):
        look_up(pairs, ["zzz"])


def test_mixture_of_pairs_and_single_stimuli_is_refused(pairs):
    table = pairs.copy()
    table.loc[3, "system_b"] = ""

    with pytest.raises(FormulaError, match=r"system_b is empty in 1 rows \(first: row 3\)"):
        look_up(table, ["system"])
    with pytest.raises(FormulaError, match="output_b is empty or absent"):
        look_up(pairs.assign(output_b=""), ["system", "output"])


def test_missing_values_are_counted_and_dropped_or_refused(ratings):
    table = ratings.copy()
    table.loc[[1, 4], "x"] = np.nan
    table.loc[4, "s"] = None

    found = look_up(table, ["x", "s"])

    assert found.notes == ("2 of 60 rows have a missing value in x (2), s (1); left out",)
    assert found.rows.size == 58
    assert not {1, 4} & set(found.rows)
    with pytest.raises(FormulaError, match=r"2 of 60 rows .* missing='drop'"):
        look_up(table, ["x", "s"], missing="refuse")
    with pytest.raises(FormulaError, match="no row is left"):
        look_up(table.assign(x=np.nan), ["x"])


def test_infinite_number_is_refused_with_its_row(ratings):
    table = ratings.copy()
    table.loc[7, "x"] = np.inf

    with pytest.raises(FormulaError, match=r"x is infinite in 1 rows \(first: row 7\)"):
        look_up(table, ["x"])


def test_nullable_types_are_read_as_their_plain_kind(ratings):
    table = ratings.assign(x=ratings["h"].astype("Int64"), flag=ratings["flag"].astype("boolean"))

    frame = look_up(table, ["x", "flag"]).frames[0]

    assert levels_of(frame["x"]) is None
    assert frame["x"].dtype == np.float64
    assert levels_of(frame["flag"]) == (False, True)


def test_column_of_mixed_kinds_is_refused(ratings):
    with pytest.raises(FormulaError, match="s mixes int and str"):
        look_up(ratings.assign(s=np.resize(np.array([1, "a"], dtype=object), len(ratings))), ["s"])


def test_sides_of_different_categories_share_the_union(pairs):
    table = pairs.assign(
        system_a=pairs["system_a"].astype("category"),
        system_b=pairs["system_b"].where(pairs["system_b"] != "ref", "new"),
    )

    found = look_up(table, ["system"])

    assert (
        levels_of(found.frames[0]["system"]) == levels_of(found.frames[1]["system"]) == ("base", "new", "ref", "steer")
    )
