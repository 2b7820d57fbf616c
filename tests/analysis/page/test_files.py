"""The files of a report: all there, the same bytes every time, readable by whom they are for."""

import hashlib
import json
import math
import re
import shutil
import subprocess
from dataclasses import fields
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from analysis.page.provenance import plain, versions
from analysis.report import write_report

FIGURES = ("effects", "forest", "influence", "prompts", "raters", "residuals", "variance-shares", "win-rates")
FILES = {
    "agreement.csv",
    "effects.csv",
    "index.html",
    "influence.csv",
    "manifest.json",
    "methods.md",
    "residuals.csv",
    "results.json",
    "sensitivity.csv",
    "significance.csv",
    "significance.docx",
    "significance.html",
    "significance.md",
    "significance.tex",
    "systems.csv",
    "variances.csv",
    "win-rates.csv",
    *(f"figures/{name}.{suffix}" for name in FIGURES for suffix in ("svg", "pdf", "png")),
}


def read(report, name):
    return report.files[name].read_text(encoding="utf-8")


def test_every_file_is_there(written):
    on_disk = {path.relative_to(written.folder).as_posix() for path in written.folder.rglob("*") if path.is_file()}

    assert on_disk == FILES
    assert set(written.files) == FILES


def test_page_holds_no_script_and_loads_nothing(written):
    page = read(written, "index.html")

    assert not re.findall(r'(?:src|href)="(?!#)', page)
    assert "<script" not in page
    assert not re.findall(r"url\((?!#)", page)


def test_page_opens_with_the_answer(written, examined):
    page = read(written, "index.html")

    order = ['class="facts"', 'class="lead"', "<svg", "<nav", "Significance table</h2>", "Methods</h2>"]
    assert [page.index(part) for part in order] == sorted(page.index(part) for part in order)
    assert examined.sentence.replace("<", "&lt;") in page
    assert examined.input_hash in page


def test_ids_of_the_page_are_unique_and_links_lead_somewhere(written):
    page = read(written, "index.html")

    ids = re.findall(r'\bid="([^"]+)"', page)
    targets = re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', page)
    assert len(ids) == len(set(ids))
    assert {one or two for one, two in targets} <= set(ids)


def test_title_of_the_study_heads_every_page(written):
    assert "<title>Significance report: Wit &amp; steering</title>" in read(written, "index.html")
    assert "<h1>Significance table: Wit &amp; steering</h1>" in read(written, "significance.html")
    assert json.loads(read(written, "manifest.json"))["title"] == "Wit & steering"


def test_report_is_the_same_bytes_again_whatever_the_order_of_rows(study, written, tmp_path):
    shuffled = study.sample(frac=1.0, random_state=1)

    again = write_report(shuffled, tmp_path / "two", baseline="baseline", title="Wit & steering")

    different = [name for name, path in written.files.items() if path.read_bytes() != again.files[name].read_bytes()]
    assert different == []


def test_manifest_hashes_every_other_file(written, examined):
    manifest = json.loads(read(written, "manifest.json"))

    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in written.files.items()}
    hashes.pop("manifest.json")
    assert manifest["files"] == hashes
    assert manifest["input_sha256"] == examined.input_hash
    assert (manifest["design_hashes"], manifest["plan_sha256"], manifest["seed"]) == (["abc"], None, 0)
    assert manifest["options"]["baseline"] == "baseline"
    assert manifest["versions"] == versions()
    assert {"analysis", "python", "numpy", "scipy", "pandas", "matplotlib"} <= set(manifest["versions"])


def test_csv_holds_every_number_of_the_rows(written, examined):
    table = pd.read_csv(written.files["significance.csv"])

    assert list(table.columns) == [field.name for field in fields(examined.rows[0])]
    assert table["estimate"].tolist() == pytest.approx([row.estimate for row in examined.rows], rel=1e-9)


def test_csv_files_agree_with_the_result(written, examined):
    influence = pd.read_csv(written.files["influence.csv"])
    residuals = pd.read_csv(written.files["residuals.csv"])
    variances = pd.read_csv(written.files["variances.csv"])
    wins = pd.read_csv(written.files["win-rates.csv"])

    assert len(influence) == 2 * 2 * 9
    assert len(residuals) == sum(item.n_judgements for item in examined.dimensions)
    assert residuals.groupby("dimension")["residual"].std(ddof=0).tolist() == pytest.approx(
        [check.residuals.sd for check in examined.checks], abs=1e-4
    )
    shares = variances.groupby("dimension")["share"].sum()
    assert shares.tolist() == pytest.approx([1.0, 1.0], abs=1e-8)
    pairs = wins.set_index(["dimension", "first", "second"])["win_rate"]
    assert pairs["originality", "steered", "baseline"] + pairs["originality", "baseline", "steered"] == pytest.approx(1)


def test_exclusions_and_rounds_have_files_where_there_are_any(study, tmp_path):
    table = study[study["dimension"] == "surprise"].assign(
        excluded=study["rater"] == "r01", exclusion_checks="speed", round=study["position"]
    )

    report = write_report(
        table, tmp_path / "report", baseline="baseline", without=("agreement", "diagnostics", "sensitivity")
    )

    quality, means, trends = (pd.read_csv(report.files[name]) for name in ("quality.csv", "rounds.csv", "trends.csv"))
    assert quality["variant"].tolist() == ["declared exclusions", "everyone", "without speed"] * 2
    assert (quality["p_corrected"] >= quality["p"]).all()
    assert len(means) == 9 * 3
    assert trends["first"].tolist() == ["reference", "steered"]
    assert read(report, "quality.md").startswith(
        "| Exclusions | Raters | Judgements | Estimate | 95% CI | p | p (Holm)"
    )
    assert r"\caption{With and without exclusions}" in read(report, "quality.tex")
    assert ET.fromstring(read(report, "figures/rounds.svg")).tag.endswith("svg")
    found = json.loads(read(report, "results.json"))
    assert [row["estimate"] for row in found["exclusions"]] == pytest.approx(quality["estimate"].tolist(), rel=1e-8)
    assert len(found["rounds"]["means"]) == len(means)


def test_machine_readable_results_are_strict_json(written, examined):
    def refuse(name):
        raise AssertionError(name)

    found = json.loads(read(written, "results.json"), parse_constant=refuse)

    assert found["sentences"] == list(examined.sentences)
    assert found["contrasts"][0]["estimate"] == pytest.approx(examined.rows[0].estimate, rel=1e-11)
    fit = found["dimensions"][0]["fit"]
    assert len(fit["covariance"]) == len(fit["estimate"])
    assert fit["convergence"]["converged"] is True
    assert found["diagnostics"][0]["residuals"]["sd"] == pytest.approx(examined.checks[0].residuals.sd)


def test_plain_values_of_anything():
    assert plain({"a": np.array([1.0, math.nan]), 2: (np.float64(1 / 3), True, None)}) == {
        "a": [1.0, None],
        "2": [0.333333333333, True, None],
    }


def test_figures_parse_and_open(written):
    for name in FIGURES:
        assert ET.fromstring(read(written, f"figures/{name}.svg")).tag.endswith("svg")
        assert written.files[f"figures/{name}.png"].read_bytes().startswith(b"\x89PNG")
        pdf = written.files[f"figures/{name}.pdf"].read_bytes()
        assert pdf.startswith(b"%PDF")
        assert b"CreationDate" not in pdf


def test_word_file_holds_sentence_table_and_methods(written, examined):
    import docx

    paper = docx.Document(str(written.files["significance.docx"]))

    texts = [paragraph.text for paragraph in paper.paragraphs]
    assert examined.sentence in texts
    assert examined.methods in texts
    cells = [cell.text for row in paper.tables[0].rows for cell in row.cells]
    assert "steered vs baseline" in cells
    assert paper.core_properties.created.year == 2020
    assert paper.core_properties.author == ""


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_table_compiles(written, tmp_path):
    shutil.copy(written.files["significance.tex"], tmp_path / "significance.tex")
    text = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}\input{significance}\end{document}"
    (tmp_path / "paper.tex").write_text(text, encoding="utf-8")

    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"],
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-2000:]
