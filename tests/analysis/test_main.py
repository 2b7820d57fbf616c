"""The command line, as a reader of the paper would run it."""

import os
import subprocess
import sys

import pytest

from analysis import schema
from analysis.__main__ import main


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
    code = main([str(judgements), "--out", str(tmp_path / "report"), "--title", "My study", "--quiet"])

    assert code == 0
    assert "<h1>Significance report: My study</h1>" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_options_reach_the_analysis(judgements, tmp_path, capsys):
    arguments = ["--contrast", "steered vs baseline", "--dimensions", "surprise", "--random", "output,rater:system"]

    code = main([str(judgements), "--out", str(tmp_path / "report"), *arguments, "--confidence", "0.9"])

    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert code == 0
    assert len(lines) == 3
    assert "90% CI" in lines[0]
    assert lines[2].startswith("| surprise | steered vs baseline |")


def test_bad_row_is_reported_with_file_row_and_column(judgements, tmp_path, capsys):
    text = judgements.read_text(encoding="utf-8").replace(",pairwise_choice,pairwise_choice,", ",,pairwise_guess,", 1)
    judgements.write_text(text, encoding="utf-8")

    code = main([str(judgements), "--out", str(tmp_path / "report")])

    assert code == 2
    error = capsys.readouterr().err
    assert error.startswith("judgements.csv is not a valid table")
    assert "row 2, column 'measure'" in error
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize("arguments", [["--baseline", "gpt"], ["--dimensions", "wit"], ["--random", "author"]])
def test_bad_option_is_reported(judgements, tmp_path, capsys, arguments):
    code = main([str(judgements), "--out", str(tmp_path / "report"), *arguments])

    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "report").exists()


def test_contrast_must_name_two_systems(judgements, capsys):
    with pytest.raises(SystemExit):
        main([str(judgements), "--contrast", "steered"])

    assert "write a contrast as 'steered vs baseline'" in capsys.readouterr().err


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
