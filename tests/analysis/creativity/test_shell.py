"""Both tests from the shell."""

import csv
import io
import os
import subprocess
import sys

import pytest

from analysis.creativity.__main__ import main

WORDS = ("arm", "bee", "cup", "dog", "elf", "fig", "gem")


@pytest.fixture
def glove(tmp_path):
    axes = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-1, 0, 0), (0, -1, 0), (0, 0, -1), (3, 0, 0)]
    path = tmp_path / "glove.txt"
    path.write_text("".join(f"{w} {x} {y} {z}\n" for w, (x, y, z) in zip(WORDS, axes, strict=True)))
    return path


def test_dat_of_whole_answers_in_its_own_process(glove, tmp_path):
    answers = tmp_path / "words.csv"
    answers.write_text(f'system,text\nsteered,"{", ".join(WORDS)}"\nbaseline,"arm, bee, nowhere"\n')
    command = [sys.executable, "-W", "error", "-m", "analysis.creativity", "dat", str(answers), "--vectors", str(glove)]

    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)

    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert (done.returncode, done.stderr) == (0, "")
    assert [row["system"] for row in rows] == ["steered", "baseline"]
    assert float(rows[0]["dat"]) == pytest.approx(2400 / 21)
    assert rows[1]["dat"] == ""
    assert rows[1]["dropped"] == "nowhere (not among the known words)"


def test_dat_of_words_in_columns_with_a_dictionary(glove, tmp_path):
    answers, out = tmp_path / "words.csv", tmp_path / "dat.csv"
    names = ",".join(f"word{i}" for i in range(1, 8))
    answers.write_text(f"person,{names}\np1,{','.join(WORDS)}\n")
    (tmp_path / "words.txt").write_text("\n".join(WORDS[:6]))

    code = main(
        ["dat", str(answers), "--vectors", str(glove), "--dictionary", str(tmp_path / "words.txt"), "--out", str(out)]
    )

    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert code == 0
    assert rows == [
        {
            "person": "p1",
            "dat": "",
            "valid_words": "6",
            "words": "arm bee cup dog elf fig",
            "dropped": "gem (not among the known words)",
        }
    ]


def test_aut_writes_scores_and_uses_and_names_its_embedder(tmp_path, capsys):
    answers, uses = tmp_path / "answers.csv", tmp_path / "uses.csv"
    answers.write_text('system,object,text\nsteered,brick,"1. wall\n2. anchor"\nbaseline,brick,wall\n')

    code = main(["aut", str(answers), "--uses", str(uses)])

    printed = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(printed.out)))
    assert code == 0
    assert [row["fluency"] for row in rows] == ["2", "1"]
    assert rows[0]["rarity"] == "0.5"
    assert rows[0]["embedder"] == "tfidf-svd"
    assert "words, not meaning" in printed.err
    assert [row["use"] for row in csv.DictReader(io.StringIO(uses.read_text()))] == ["wall", "anchor", "wall"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("object\nbrick\n", "answers.csv: the column 'text' is missing"),
        ("object,text\n,wall\n", "answers.csv, row 2, column 'object': is empty"),
        ("object,text\n", "answers.csv: there is no row"),
        ("object,text\nbrick,wall,stone\n", "answers.csv: row 2 has 3 cells and the header 2"),
    ],
)
def test_bad_answers_are_refused_by_file_row_and_column(tmp_path, capsys, text, message):
    answers = tmp_path / "answers.csv"
    answers.write_text(text)

    code = main(["aut", str(answers)])

    assert code == 2
    assert message in capsys.readouterr().err
