"""Judges in the report and from the shell: section, files, figures, words, faults."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from html import escape

import pytest

from analysis import figures, schema, tables
from analysis.__main__ import main as report_main
from analysis.judges.__main__ import main
from analysis.page.judges import judge_files
from analysis.page.judges import judges as section_of
from analysis.page.parts import Drawings
from analysis.report import analyse, with_judges
from analysis.results.judges import JudgeComparison, JudgeRow
from analysis.wording import judges_methods, judges_notes, judges_verdict

BARE = ("agreement", "diagnostics", "quality", "sensitivity")


@pytest.fixture(scope="module")
def files(study, scores, tmp_path_factory):
    folder = tmp_path_factory.mktemp("judges")
    schema.write(study, folder / "judgements.csv")
    scores.to_csv(folder / "scores.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def result(study, scores):
    return with_judges(analyse(study, baseline="baseline", dimensions=("wit",)), scores)


@pytest.fixture(scope="module")
def folder(files):
    """A report with scores, from the shell."""
    given = [str(files / "judgements.csv"), "--scores", str(files / "scores.csv"), "--dimensions", "wit"]
    choices = ["--baseline", "baseline", "--without", ",".join(BARE), "--quiet"]
    assert report_main([*given, *choices, "--out", str(files / "report")]) == 0
    return files / "report"


def test_report_has_a_section_with_verdict_figures_tables_and_methods(folder, result):
    page = (folder / "index.html").read_text(encoding="utf-8")

    section = page[page.index('<section id="judges"') :]
    section = section[: section.index("</section>")]
    assert "Automatic judges</h2>" in section
    assert escape(judges_verdict(result.judges)[0]) in section
    assert section.count("<figure>") == 2
    assert section.count("<table") == 4
    assert "Hesterberg 2015" in section
    names = {str(path.relative_to(folder)) for path in folder.rglob("*")}
    assert {"judges.csv", "judges.tex", "judges.md", "judge-subsets.md", "judge-differences.csv"} <= names
    assert {"figures/judges.svg", "figures/judge-accuracy.pdf"} <= names
    assert (folder / "judges.csv").read_text().count("\n") == 13  # 3 judges × 4 subsets and the header
    assert "cluster bootstrap" in (folder / "methods.md").read_text(encoding="utf-8")
    numbers = json.loads((folder / "results.json").read_text())["judges"]["rows"]
    assert numbers[0]["spearman"] == pytest.approx(result.judges.rows[0].spearman, rel=1e-11)  # 12 digits are written
    assert json.loads((folder / "manifest.json").read_text())["scores_sha256"] == result.judges.scores_hash


def test_scores_in_another_order_give_the_same_section_and_files(folder, scores, result):
    again = with_judges(replace(result, judges=None), scores.sample(frac=1, random_state=1))

    for name, text in judge_files(again).items():
        assert (folder / name).read_text(encoding="utf-8") == text
    assert section_of(again, Drawings({}, {})) == section_of(result, Drawings({}, {}))


def test_without_scores_there_is_neither_section_nor_file(result):
    bare = replace(result, judges=None)

    assert section_of(bare, Drawings({}, {})) == ""
    assert judge_files(bare) == {}
    assert [item.name for item in figures.DRAWINGS if "judge" in item.name and item.draw(bare) is not None] == []


def test_bad_scores_are_told_and_no_report_is_left(files, tmp_path, capsys):
    text = (files / "scores.csv").read_text().splitlines()
    text[3] = text[3].rsplit(",", 1)[0] + ",much"
    (tmp_path / "bad.csv").write_text("\n".join(text))

    code = report_main(
        [str(files / "judgements.csv"), "--scores", str(tmp_path / "bad.csv"), "--out", str(tmp_path / "o"), "--quiet"]
    )

    assert code == 2
    assert "bad.csv, row 4, column 'value': 'much' is not a finite number" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()


def test_command_writes_a_folder_in_its_own_process(files, tmp_path):
    command = [sys.executable, "-W", "error", "-m", "analysis.judges", "judgements.csv", "scores.csv"]
    command += ["--out", str(tmp_path / "out"), "--resamples", "200", "--dimensions", "wit"]
    places = os.environ | {"PYTHONPATH": os.getcwd()}  # noqa: PTH109

    done = subprocess.run(command, cwd=files, capture_output=True, text=True, check=False, env=places)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("On wit, of 3 judges knowing comes nearest to people (ρ = ")
    assert "| **wit: random** |" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"judges.csv", "judges.tex", "summary.md", "figures"}
    json.loads((tmp_path / "out" / "results.json").read_text(), parse_constant=pytest.fail)  # no NaN


def test_command_refuses_bad_options_and_files(files, tmp_path, capsys):
    arguments = [str(files / "judgements.csv"), str(files / "scores.csv")]

    assert main([*arguments, "--resamples", "3", "--out", str(tmp_path / "o")]) == 2
    assert main([*arguments, "--dimensions", "wits"]) == 2
    assert main([arguments[0], str(files / "absent.csv")]) == 2
    printed = capsys.readouterr().err
    assert "resamples = 3" in printed
    assert "there is no dimension 'wits'" in printed
    assert "absent.csv, column '-': no such file" in printed
    assert not (tmp_path / "o").exists()


def test_the_table_sets_corrected_findings_in_bold(result):
    found = tables.judge_table(result.judges)

    names = [row[0] for row in found.rows]
    sure = {names[at] for at, column in found.strong if column == 4}
    assert names == ["coarse", "knowing", "random"]
    assert sure == {row.judge for row in result.judges.rows if row.p_holm < 0.05}
    assert "knowing" in sure
    assert tables.to_latex(found).isascii()


def test_the_verdict_names_the_nearest_judge_and_what_one_rater_reaches(result):
    said = judges_verdict(result.judges)

    assert len(said) == 1
    assert said[0].startswith("On wit, of 3 judges knowing comes nearest to people (ρ = 0.")
    assert "against the majority of the others a single rater reaches" in said[0]


def test_words_of_one_judge_of_one_prompt_do_not_invent_an_interval():
    row = JudgeRow(
        "j", "wit", "ordinal", scope="all outputs", spearman=0.5, unscored=2, message="no interval: few prompts"
    )
    found = JudgeComparison(
        (row,), (), ("j",), {"wit": "mean answer"}, 0.95, {"clusters": "prompts"}, left_out={"taste": "no order"}
    )

    assert judges_verdict(found) == ("On wit, j has ρ = 0.50, without an interval.",)
    assert judges_notes(found) == (
        "j on wit: 2 judged outputs without a score, left out",
        "j on wit: no interval: few prompts",
        "taste: left out, no order",
    )
    assert figures.judge_accuracy(found) is None
    assert figures.judge_forest(found) is not None


def test_a_dimension_without_any_number_is_said_so():
    row = JudgeRow("j", "wit", "ordinal", message="fewer than 3 outputs have both scores")
    found = JudgeComparison((row,), (), ("j",), {"wit": "mean answer"}, 0.95, {})

    assert judges_verdict(found) == (
        "On wit no judge can be compared with people: fewer than 3 outputs have both scores.",
    )


def test_methods_tell_every_choice(result):
    changed = dict(result.judges.options) | {
        "clusters": "raters and prompts",
        "majority_ties": "half",
        "split": "tertiles",
    }

    text = judges_methods(replace(result.judges, options=changed))

    for words in ("whole raters were drawn", "counts ½, equal scores count ½", "into tertiles", "1.5 interquartile"):
        assert words in text
