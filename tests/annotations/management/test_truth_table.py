"""The table of the demo: planted truth beside the estimates, within the width of a terminal."""

import re
from pathlib import Path

from analysis.simulate import PlantedTruth
from annotations.management.truth_table import CHOSEN, WIDEST, truth_table

TRUTH = PlantedTruth(effects={"originality": {"weight-steered": 1.2, "activation-steered": 0.9}})


def row(first="weight-steered", second="baseline", **values):
    found = {"estimate": 1.1, "low": 0.8, "high": 1.4, "p_holm": 0.0004, "converged": True}
    return {"dimension": "originality", "first": first, "second": second, **found, **values}


def test_truth_table_puts_the_planted_value_beside_the_estimate():
    table = truth_table([row()], TRUTH, judgements=1080).splitlines()

    assert table[0].split() == ["Dimension", "Contrast", "Planted", "Estimate", "95%", "interval", "In", "p", "(Holm)"]
    cells = re.split(r"\s{2,}", table[2])
    assert cells == ["originality", "weight-steered vs baseline", "1.20", "1.10", "0.80 to", "1.40", "✓", "< .001"]
    assert table[-2] == "1 of 1 planted effects lie in their 95% intervals. Log-odds; 1,080 judgements."


def test_truth_table_says_that_its_seed_was_chosen_and_where_the_others_are():
    last = truth_table([row()], TRUTH, judgements=1).splitlines()[-1]

    assert last == CHOSEN
    assert "1 in 20 misses; this seed was chosen" in last
    assert (Path(__file__).parents[3] / last.split()[-1]).is_file()
    assert len(last) <= WIDEST


def test_truth_table_turns_the_sign_with_the_contrast():
    table = truth_table([row("baseline", "weight-steered", estimate=-1.1, low=-1.4, high=-0.8)], TRUTH, judgements=1)

    assert "-1.20     -1.10  -1.40 to -0.80  ✓" in table


def test_truth_table_marks_what_is_not_covered_not_converged_or_not_there():
    rows = [
        row(low=1.21, p_holm=0.0312),
        row(converged=False),
        row(estimate=None, low=None, high=None, p_holm=None),
        row(p_holm=1.0),
    ]

    lines = truth_table(rows, TRUTH, judgements=9).splitlines()[2:]

    assert "✗" in lines[0]
    assert lines[0].endswith(" .031")
    assert "1.10 (!)" in lines[1]
    assert "–" in lines[2]
    assert "✗" in lines[2]
    assert lines[3].endswith("1.000")
    assert lines[4].startswith("2 of 4 planted effects")


def test_truth_table_of_the_example_fits_into_a_terminal():
    names = ("originality", "surprise", "creativity")
    pairs = (
        ("weight-steered", "activation-steered"),
        ("activation-steered", "baseline"),
        ("weight-steered", "baseline"),
    )
    rows = [row(*pair, dimension=name, low=-10.25, high=-0.11) for name in names for pair in pairs]

    table = truth_table(rows, TRUTH, judgements=1200)

    assert max(map(len, table.splitlines())) <= WIDEST
