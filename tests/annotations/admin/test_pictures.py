"""Geometry of the small pictures, and the formats of numbers."""

import math

import pytest

from annotations.templatetags import annotations_admin, pictures

ROW = {"dimension": "originality", "first": "a", "second": "b", "p_holm": 0.01}


def ratio(estimate, low, high, **more):
    return {**ROW, "odds_ratio": estimate, "odds_ratio_low": low, "odds_ratio_high": high, **more}


def test_segments_lie_side_by_side_and_fill_the_whole():
    found = pictures.segments([(1, "good"), (0, "bad"), (3, "soft")], 4)

    assert [(part.start, part.width, part.kind) for part in found] == [(0.0, 25.0, "good"), (25.0, 75.0, "soft")]


@pytest.mark.parametrize(("parts", "total", "widths"), [([(5, "")], 0, []), ([(5, "")], 4, [100.0]), ([], 4, [])])
def test_segments_never_leave_the_whole(parts, total, widths):
    assert [part.width for part in pictures.segments(parts, total)] == widths


def test_bars_are_as_high_as_their_share_of_the_tallest():
    found = pictures.bars([("0", 2, ""), ("1", 4, "good"), ("2", 0, "")])["bars"]

    assert [bar.height for bar in found] == [45.0, 90.0, 0.0]
    assert [bar.value for bar in found] == ["2", "4", ""]
    assert all(bar.y + bar.height == pictures.LABEL_HEIGHT + pictures.BAR_HEIGHT for bar in found)


def test_narrow_bars_label_only_the_tallest():
    found = pictures.bars([("", count, "") for count in range(24)])["bars"]

    assert [bar.value for bar in found if bar.value] == ["23"]


def test_bars_of_nothing_are_flat():
    assert [bar.height for bar in pictures.bars([("0", 0, "")])["bars"]] == [0.0]
    assert pictures.bars([])["bars"] == []


def test_matrix_is_symmetric_with_itself_left_out():
    found = pictures.matrix({("b", "a"): 3, ("a", "c"): 1})

    assert found["names"] == ["a", "b", "c"]
    assert found["rows"] == [("a", [None, 3, 1]), ("b", [3, None, 0]), ("c", [1, 0, None])]


def test_forest_is_symmetric_about_no_difference():
    found = pictures.forest([ratio(2.0, 1.0, 4.0), ratio(0.5, 0.25, 1.0)])

    above, below = found["lines"]
    assert above["dot"] - found["null"] == pytest.approx(found["null"] - below["dot"], abs=0.11)  # rounded to 0.1
    assert above["from"] == found["null"] == below["to"]
    assert above["text"] == "2.00 [1.00, 4.00]"


def test_forest_marks_significance_by_the_corrected_p():
    found = pictures.forest([ratio(2, 1.5, 3), ratio(1.1, 0.9, 1.3, p_holm=0.3), ratio(2, 1, 3, p_holm=None)])

    assert [line["significant"] for line in found["lines"]] == [True, False, False]


@pytest.mark.parametrize("low", [None, math.nan, 0.0, -1.0])
def test_forest_leaves_out_what_has_no_interval(low):
    assert pictures.forest([ratio(2.0, low, 3.0)]) is None


def test_forest_begins_behind_its_longest_label():
    short, long = ({**ratio(2.0, 1.0, 3.0), "first": "s" * letters} for letters in (10, 30))

    starts = [pictures.forest(rows)["left"] for rows in ([short], [short, long], [{**long, "first": "s" * 300}])]

    assert pictures.FOREST_LEFT[0] <= starts[0] < starts[1] < starts[2] <= pictures.FOREST_LEFT[1]


def test_forest_shortens_endless_labels():
    found = pictures.forest([{**ratio(2.0, 1.0, 3.0), "first": "s" * 300}])

    label = found["lines"][0]["label"]
    assert len(label) == pictures.FOREST_LABEL
    assert label.endswith("…")


def test_forest_keeps_huge_intervals_on_the_page():
    found = pictures.forest([ratio(1e6, 1e-6, 1e12)])

    line = found["lines"][0]
    assert found["left"] <= line["from"] < line["dot"] <= line["to"] <= found["width"] - pictures.FOREST_RIGHT
    assert len(found["ticks"]) <= pictures.MOST_TICKS


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "1.23"), (-0.5, "−0.50"), (None, "–"), (math.nan, "–"), (math.inf, "–")]
)
def test_number_is_formatted(value, text):
    assert annotations_admin.number(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0004, "< .001"), (0.0312, ".031"), (1.0, "1.000"), (None, "–")])
def test_p_value_is_formatted_as_in_a_paper(value, text):
    assert annotations_admin.p_value(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(True, "yes"), (["main", "all_pairs"], "main, all pairs"), (0.05, "0.05"), (False, "no")]
)
def test_setting_is_put_in_words(value, text):
    assert annotations_admin.words(value) == text
