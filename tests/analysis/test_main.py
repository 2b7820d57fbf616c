"""The command line, as a reader of the paper would run it."""

import json
import os
import subprocess
import sys

import pytest

from analysis import schema
from analysis.__main__ import main
from analysis.declaration import canonical_json, parse_plan

BARE = ("--without", "agreement,diagnostics,sensitivity")


@pytest.fixture
def judgements(study, tmp_path):
    path = tmp_path / "judgements.csv"
    schema.write(study, path)
    return path


def test_command_writes_a_report_in_its_own_process(judgements, tmp_path):
    command = [sys.executable, "-W", "error", "-m", "analysis", str(judgements), "--out", str(tmp_path / "report")]

    done = subprocess.run(
        [*command, "--baseline", "baseline"], capture_output=True, text=True, check=False, env=os.environ
    )

    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.startswith("On originality, ")
    assert (tmp_path / "report" / "index.html").is_file()


def test_title_reaches_the_page(judgements, tmp_path):
    code = main([str(judgements), "--out", str(tmp_path / "report"), "--title", "My study", "--quiet", *BARE])

    assert code == 0
    assert "<h1>Significance report: My study</h1>" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_options_reach_the_analysis(judgements, tmp_path, capsys):
    arguments = ["--contrast", "steered vs baseline", "--dimensions", "surprise", "--random", "output,rater:system"]

    code = main([str(judgements), "--out", str(tmp_path / "report"), *arguments, "--confidence", "0.9", *BARE])

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert code == 0
    assert len(lines) == 4
    assert "90% CI" in lines[0]
    assert lines[2].startswith(
        "| **surprise (graded preference, 5 levels; log-odds; 16 raters, 9 prompts, 144 judgements)"
    )
    assert lines[3].startswith("| steered vs baseline |")


def test_bad_row_is_reported_with_file_row_and_column(judgements, tmp_path, capsys):
    text = judgements.read_text(encoding="utf-8").replace(",pairwise_choice,pairwise_choice,", ",,pairwise_guess,", 1)
    judgements.write_text(text, encoding="utf-8")

    code = main([str(judgements), "--out", str(tmp_path / "report")])

    assert code == 2
    error = capsys.readouterr().err
    assert error.startswith("judgements.csv is not a valid table")
    assert "row 2, column 'measure'" in error
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    "arguments", [["--baseline", "gpt"], ["--dimensions", "wit"], ["--random", "author"], ["--without", "plots"]]
)
def test_bad_option_is_reported(judgements, tmp_path, capsys, arguments):
    code = main([str(judgements), "--out", str(tmp_path / "report"), *arguments])

    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "report").exists()


def test_contrast_must_name_two_systems(judgements, capsys):
    with pytest.raises(SystemExit):
        main([str(judgements), "--contrast", "steered"])

    assert "write a contrast as 'steered vs baseline'" in capsys.readouterr().err


def test_plan_is_taken_and_what_differs_is_said(study, tmp_path):
    content = {
        "dimensions": [{"key": "surprise"}],
        "systems": [{"name": "baseline", "role": "baseline"}, {"name": "steered", "role": "treatment"}],
        "design": {},
        "analysis": {"alpha": 0.1},
    }
    (tmp_path / "plan.json").write_text(canonical_json(content), encoding="utf-8")
    design = parse_plan(canonical_json(content)).sha256
    schema.write(study.assign(design_hash=design), tmp_path / "judgements.parquet")
    command = [str(tmp_path / "judgements.parquet"), "--plan", str(tmp_path / "plan.json"), *BARE, "--quiet"]

    code = main([*command, "--out", str(tmp_path / "report"), "--thresholds", "flexible"])

    manifest = json.loads((tmp_path / "report" / "manifest.json").read_text(encoding="utf-8"))
    assert code == 0
    assert manifest["plan_sha256"] == design
    assert manifest["options"]["contrasts"] == [["steered", "baseline"]]
    assert manifest["options"]["confidence"] == 0.9
    assert manifest["changed"] == ["thresholds = flexible instead of symmetric"]
    assert (tmp_path / "report" / "plan.json").read_text(encoding="utf-8") == canonical_json(content)


def test_plan_of_another_study_writes_nothing(judgements, tmp_path, capsys):
    (tmp_path / "plan.json").write_text("{}", encoding="utf-8")

    code = main([str(judgements), "--out", str(tmp_path / "report"), "--plan", str(tmp_path / "plan.json")])

    assert code == 2
    assert "is no frozen plan of the platform" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()


def test_certificate_without_plan_is_refused(judgements, capsys):
    with pytest.raises(SystemExit):
        main([str(judgements), "--certificate", "certificate.json"])

    assert "--certificate belongs to a plan" in capsys.readouterr().err


def test_study_without_estimate_exits_with_one(study, tmp_path):
    frame = study[study["dimension"] == "originality"].assign(answer=1.0)
    schema.write(frame, tmp_path / "judgements.parquet")

    code = main([str(tmp_path / "judgements.parquet"), "--out", str(tmp_path / "report"), "--quiet"])

    assert code == 1
    assert "nothing was fitted" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_import_loads_nothing_heavy():
    heavy = ("numpy", "pandas", "scipy", "matplotlib", "django")
    code = f"import sys, analysis; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_analysis_never_loads_the_web():
    web = ("django", "celery", "rest_framework", "psycopg", "redis", "annotations")
    code = (
        "import sys, analysis.report, analysis.page, analysis.simulate, analysis.rankings, analysis.__main__;"
        f"print([m for m in {web} if m in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
