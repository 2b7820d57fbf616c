"""``python -m analysis.power``."""

import csv
import json

from analysis.power.__main__ import main
from tests.analysis.power import plans


def test_plan_as_json_gives_a_table(tmp_path, capsys):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps({"trials": plans.rows_of_pairs()}))

    options = ["--dimensions", "originality,surprise", "--simulate", "2", "--processes", "1", "--spread", "output=0.6"]
    assert main([str(path), *options]) == 0

    out = capsys.readouterr().out
    assert "480 trials, 24 raters, 20 prompts" in out
    assert out.count("s0 vs s1") == 3
    assert "given on the command line" in out


def test_plan_as_csv_gives_json(tmp_path, capsys):
    path, rows = tmp_path / "plan.csv", plans.rows_of_pairs(systems=3)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)

    assert main([str(path), "--baseline", "s0", "--json", "--effect", "0.7"]) == 0

    content = json.loads(capsys.readouterr().out)
    assert [(row["first"], row["effect"]) for row in content["rows"]] == [("s1", 0.7), ("s2", 0.7)]


def test_spreads_of_a_pilot_are_taken_and_named(study, tmp_path, capsys):
    path, pilot = tmp_path / "plan.json", tmp_path / "pilot.csv"
    path.write_text(json.dumps(plans.rows_of_pairs()))
    study.to_csv(pilot, index=False)

    assert main([str(path), "--pilot", str(pilot)]) == 0
    assert main([str(path), "--pilot", str(pilot), "--measure", "pairwise_graded", "--levels", "5"]) == 0
    assert main([str(path), "--pilot", str(pilot), "--measure", "ordinal", "--levels", "5"]) == 2

    said = capsys.readouterr()
    assert said.out.count("estimated from a pilot of") == 2
    assert "no dimension of measure ordinal: it has originality (pairwise_choice)" in said.err


def test_bad_input_is_said_with_exit_code_2(tmp_path, capsys):
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(plans.rows_of_pairs(raters=2)))

    assert main([str(tmp_path / "none.json")]) == 2
    assert main([str(path), "--spread", "mood=1"]) == 2
    assert main([str(path), "--measure", "interval"]) == 2

    err = capsys.readouterr().err
    assert "no spread 'mood'" in err
    assert "plan shows pairs of texts" in err
