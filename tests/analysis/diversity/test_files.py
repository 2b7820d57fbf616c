"""What is written: tables, figures, a page that loads nothing, all or nothing; and the shell."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from analysis.diversity import DiversityError, measure
from analysis.diversity.__main__ import main
from analysis.diversity.figures import clustered, colour, differences, heat_map, histograms
from analysis.diversity.files import draw
from analysis.diversity.page import page
from analysis.figures.canvas import to_svg

NAMES = {
    "between.csv", "cells.csv", "classes.csv", "contrasts.csv", "histogram.csv", "index.html", "manifest.json",
    "methods.md", "projection.csv", "summary.json", "systems.csv",
    *(f"figures/{name}.{kind}" for name in ("between", "differences", "outputs-1", "within")
      for kind in ("pdf", "png", "svg")),
}  # fmt: skip


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def written(found, tmp_path_factory):
    folder = tmp_path_factory.mktemp("diversity") / "out"
    found.write(folder, title="Wit & <steering>")
    return folder


@pytest.fixture(scope="module")
def few(planted):
    return planted(prompts=3, samples=3, stock={"baseline": 0.7, "steered": 0.1})


@pytest.fixture(scope="module")
def small(few):
    return measure(few, baseline="baseline", measures=["similarity"])


@pytest.fixture(scope="module")
def small_written(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("small") / "out"
    small.write(folder, title="Small")
    return folder


def test_every_file_is_there_and_the_manifest_has_its_hash(written):
    content = files(written)
    manifest = json.loads(content["manifest.json"])

    assert set(content) == NAMES
    assert manifest["files"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in content.items() if name != "manifest.json"
    }


def test_page_loads_nothing_and_escapes_what_people_wrote(written):
    page = (written / "index.html").read_text(encoding="utf-8")

    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:)", page)
    assert "Diversity: Wit &amp; &lt;steering&gt;" in page
    assert page.count("<figure>") == 4
    for heading in (
        "Differences",
        "Each system",
        "Likeness between systems",
        "At equal length",
        "Methods",
        "Provenance",
    ):
        assert heading in page


def test_names_of_systems_that_look_like_markup_stay_text(planted):
    frame = planted(prompts=3, samples=3, stock={"<b>x</b>": 0.5, r"$\y_1$ & co": 0.5})
    result = measure(frame, baseline="<b>x</b>", measures=["similarity"])

    drawn = {name: to_svg(figure) for name, figure in draw(result).items()}

    assert len(drawn) == 4
    assert "<b>x</b>" not in page(result, drawn)
    assert "&lt;b&gt;x&lt;/b&gt;" in page(result, drawn)


def test_tables_read_back_as_they_were(found, written):
    for name, table in found.tables.items():
        back = pd.read_csv(written / f"{name}.csv", keep_default_na=False, na_values=[""], dtype={"sample": str})
        assert list(back.columns) == list(table.columns)
        assert len(back) == len(table)
    back = pd.read_csv(written / "contrasts.csv")
    assert back["difference"].to_numpy() == pytest.approx(found.tables["contrasts"]["difference"].to_numpy(), rel=1e-9)


def test_second_run_replaces_the_first_and_leaves_other_files(small, small_written, tmp_path):
    folder = tmp_path / "out"
    replace(small, projections=small.projections * 2).write(folder)
    (folder / "notes.txt").write_text("mine")
    assert (folder / "figures" / "outputs-2.png").exists()

    small.write(folder, title="Small")

    content = files(folder)
    assert content.pop("notes.txt") == b"mine"
    assert content == files(small_written)  # byte for byte


def test_file_in_the_way_is_refused(small, tmp_path):
    (tmp_path / "out").write_text("x")

    with pytest.raises(DiversityError, match="is a file: give a folder"):
        small.write(tmp_path / "out")


def test_failure_while_writing_leaves_nothing(small, tmp_path, monkeypatch):
    def fail(*_arguments):
        raise OSError("no space left")

    monkeypatch.setattr("analysis.diversity.files.publish", fail)
    with pytest.raises(DiversityError, match=r"no space left.*nothing was left there"):
        small.write(tmp_path / "out")

    assert list(tmp_path.iterdir()) == []


def texts_of(figure):
    shown = [text.get_text() for axes in figure.axes for text in axes.texts]
    return [*shown, *(text.get_text() for text in figure.texts)]


def test_heat_map_prints_every_value_up_to_twelve_systems(found):
    figure = heat_map(found)

    shown = [text for text in texts_of(figure) if re.fullmatch(r"−?\d\.\d\d", text)]
    order = [found.outputs.systems.index(name) for name in found.order]
    assert shown == [f"{value:.2f}" for value in found.likeness.between[np.ix_(order, order)].ravel()]


@pytest.fixture(scope="module")
def many(planted):
    frame = planted(prompts=3, samples=3, stock={f"system {at:02d}": 0.3 for at in range(14)})
    return measure(frame, baseline="system 00", measures=["similarity"])


def test_heat_map_of_many_systems_is_clustered_and_prints_no_numbers(many):
    figure = heat_map(many)

    assert not [text for text in texts_of(figure) if re.fullmatch(r"−?\d\.\d\d", text)]
    assert sorted(clustered(many)) == list(range(14))
    assert len(figure.axes[0].get_xticklabels()) == 14


def test_no_two_systems_of_the_first_seventy_look_the_same():
    assert len({colour(at) for at in range(70)}) == 70


def test_dot_plot_has_a_panel_per_measure_and_says_where_diversity_lies(found):
    figure = differences(found)

    assert len(figure.axes) == 11
    sides = {axes.get_title(loc="left"): axes.get_xlabel() for axes in figure.axes}
    assert sides["Mean similarity"] == "← more diverse"
    assert sides["Vendi score"] == "more diverse →"


def test_histogram_has_a_panel_per_system_and_the_share_above(found):
    figure = histograms(found)

    assert [axes.get_title(loc="left") for axes in figure.axes] == ["baseline", "other", "steered"]
    mean = next(row.mean for row in found.systems if (row.system, row.measure) == ("steered", "share_above"))
    assert f"{100 * mean:.1f}% above 0.8" in texts_of(figure)


def test_shell_writes_what_the_notebook_writes(few, small_written, tmp_path, capsys):
    few.to_csv(tmp_path / "outputs.csv", index=False)
    options = ["--baseline", "baseline", "--measures", "similarity", "--title", "Small"]

    code = main([str(tmp_path / "outputs.csv"), "--out", str(tmp_path / "out"), *options])

    assert code == 0
    assert "steered against baseline: mean similarity" in capsys.readouterr().out
    assert files(tmp_path / "out") == files(small_written)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--baseline", "nobody"], "there is no system 'nobody'"),
        (["--embedder", "glove"], "names no embedder"),
        (["--embedder", "vectors:gone.npy"], "there is no file of vectors"),
        (["--threshold", "3"], "threshold is a cosine"),
    ],
)
def test_shell_refuses_in_one_line_and_writes_nothing(outputs, tmp_path, capsys, *, arguments, reason):
    outputs.to_csv(tmp_path / "outputs.csv", index=False)

    code = main([str(tmp_path / "outputs.csv"), "--out", str(tmp_path / "out"), *arguments])

    error = capsys.readouterr().err
    assert code == 2
    assert reason in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_shell_takes_every_option(few, tmp_path, capsys):
    few.to_parquet(tmp_path / "outputs.parquet")

    code = main(
        [
            str(tmp_path / "outputs.parquet"), "--out", str(tmp_path / "out"), "--measures", "similarity,classes",
            "--threshold", "0.7", "--class-threshold", "0.6", "--classes", "components", "--show", "Write of 02",
            "--confidence", "0.9", "--seed", "4", "--uneven", "--cache", str(tmp_path / "cache.sqlite"), "--quiet",
            "--primary", "classes",
        ]
    )  # fmt: skip

    settings = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))["settings"]
    assert code == 0
    assert capsys.readouterr().out == ""
    assert settings == {
        "baseline": None, "threshold": 0.7, "class_threshold": 0.6, "classes": "components",
        "measures": ["similarity", "classes"], "confidence": 0.9, "seed": 4, "even": False, "shown": ["Write of 02"],
        "primary": "classes",
    }  # fmt: skip
