"""Scores of automatic judges from a file: what they are matched with, what is refused, what is counted."""

import csv
import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotations.domain import exporting, masking, scores
from annotations.errors import MaterialRefused
from annotations.models import Judge, Output, OutputScore
from tests.annotations.factories import StudyFactory

pytestmark = pytest.mark.django_db
CELLS = [("p0", "baseline"), ("p0", "steered"), ("p1", "baseline"), ("p1", "steered")]


@pytest.fixture
def study(db):
    return StudyFactory(prompts=2, systems=("baseline", "steered"))


def wide(**changes):
    """One row per output with two judges; `changes` go to the third row."""
    rows = [
        {"prompt_key": prompt, "system": system, "sample": 0, "reward": at + 0.5, "surprise": 10.0 * at}
        for at, (prompt, system) in enumerate(CELLS)
    ]
    rows[2] |= changes
    return rows


def written(path, rows):
    """Write rows in the format that the ending of the name says."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    else:
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, names, delimiter="\t" if ".tsv" in path.name else ",")
        writer.writeheader()
        writer.writerows(rows)
        data = text.getvalue().encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def bring(study, path, rows, **options):
    return scores.import_scores(study=study, path=written(path, rows), filename=path.name, **options)


def refused(study, path, rows, **options):
    with pytest.raises(MaterialRefused) as caught:
        bring(study, path, rows, **options)
    assert OutputScore.objects.count() == 0 or options
    return [(problem.row, problem.column, problem.reason) for problem in caught.value.problems]


def kept(study):
    found = OutputScore.objects.filter(judge__study=study)
    names = ("judge__name", "output__prompt__key", "output__system__name", "value")
    return {tuple(row[:3]): row[3] for row in found.values_list(*names)}


@pytest.mark.parametrize("name", ["s.csv", "s.tsv", "s.csv.gz", "s.jsonl", "s.parquet"])
def test_every_format_brings_a_judge_for_each_column(study, tmp_path, name):
    said = bring(study, tmp_path / name, wide())

    assert said == "8 scores by 2 judges added."
    assert kept(study) == {
        (judge, *cell): value
        for at, cell in enumerate(CELLS)
        for judge, value in (("reward", at + 0.5), ("surprise", 10.0 * at))
    }
    event = study.events.get(name="scores_imported")
    assert event.data["judges"]["reward"] == {"added": 4, "unchanged": 0}


def test_long_rows_name_the_judge(study, tmp_path):
    rows = [{"prompt": p, "system": s, "judge": "rm", "value": 1.5} for p, s in CELLS]

    bring(study, tmp_path / "s.csv", rows)

    assert list(study.judges.values_list("name", "scorer")) == [("rm", "")]
    assert len(kept(study)) == 4


@pytest.mark.parametrize("column", ["content_hash", "output", "prompt"])
def test_outputs_are_known_by_hash_by_name_and_by_the_text_of_the_prompt(study, tmp_path, column):
    rows = []
    for output in Output.objects.filter(prompt__study=study).select_related("prompt", "system"):
        name = f"{output.prompt.key}/{output.system.name}/{output.sample}"
        about = {"content_hash": output.content_hash, "output": name, "prompt": output.prompt.text}[column]
        rows.append({column: about, "system": output.system.name, "rm": output.pk})

    bring(study, tmp_path / "s.csv", rows)

    assert {score.output_id: score.value for score in OutputScore.objects.all()} == {
        pk: float(pk) for pk in Output.objects.values_list("pk", flat=True)
    }


@pytest.mark.parametrize(
    ("changes", "column", "words"),
    [
        ({"system": "steerd"}, "system", "the study has no system 'steerd'; did you mean 'steered'?"),
        ({"system": ""}, "system", "is empty"),
        ({"prompt_key": "p9"}, "prompt_key", "the study has no prompt with the key 'p9'"),
        ({"sample": 3}, "sample", "there is no sample 3; there are: 0"),
        ({"sample": "x"}, "sample", "must be a whole number, 0 or more, is 'x'"),
        ({"reward": "great"}, "reward", "is not a number: 'great'"),
        ({"reward": "1,5"}, "reward", "is not a number: '1,5'; write a decimal point"),
        ({"reward": "NaN"}, "reward", "is not a finite number; leave the cell empty where there is no score"),
        ({"reward": "-inf"}, "reward", "is not a finite number; leave the cell empty where there is no score"),
        ({"prompt_key": "p0"}, "reward", "the same output as in row 1; give each output one score by 'reward'"),
    ],
)
def test_problems_name_row_column_and_reason_and_nothing_is_kept(study, tmp_path, changes, column, words):  # noqa: PLR0917
    found = refused(study, tmp_path / "s.csv", wide(**changes))

    assert found[0] == (3, column, words)
    assert not Judge.objects.exists()


def test_a_number_that_is_none_is_refused_in_typed_files_too(study, tmp_path):
    assert refused(study, tmp_path / "s.parquet", wide(reward=float("nan")))[0][:2] == (3, "reward")
    assert refused(study, tmp_path / "s.jsonl", wide(reward=True))[0] == (
        *(3, "reward"),
        "is true or false, not a number; leave the cell empty where there is no score",
    )
    assert "NaN is not JSON" in refused(study, tmp_path / "n.jsonl", wide(reward=float("nan")))[0][2]


def test_empty_cells_are_counted_as_missing(study, tmp_path):
    path = written(tmp_path / "s.csv", wide(reward="", surprise="NA"))

    seen = scores.preview(study=study, path=path, filename="s.csv")

    assert [(one["name"], one["scores"], one["empty"]) for one in seen.judges] == [
        ("reward", 3, 1),
        ("surprise", 3, 1),
    ]
    assert seen.problems == ()
    assert (seen.sheet.rows, seen.sheet.outputs) == (4, 4)
    assert not Judge.objects.exists()


def test_preview_says_what_the_import_would_refuse(study, tmp_path):
    path = written(tmp_path / "s.csv", wide(system="nobody"))

    seen = scores.preview(study=study, path=path, filename="s.csv")

    assert [(one.row, one.column) for one in seen.problems] == [(3, "system")]


def test_a_second_time_adds_nothing_and_another_value_must_be_meant(study, tmp_path):
    bring(study, tmp_path / "s.csv", wide())

    again = bring(study, tmp_path / "s.csv", wide())
    changed = refused(study, tmp_path / "s.csv", wide(reward=9), replace=False)
    replaced = bring(study, tmp_path / "s.csv", wide(reward=9), replace=True)

    assert again == "Nothing new: 8 scores were there already."
    assert changed == [
        (3, "reward", "the study has 2.5 for this output already; replace earlier scores, or take the row out")
    ]
    assert replaced == "1 score by 2 judges added. 7 scores were there already."
    assert kept(study)["reward", "p1", "baseline"] == 9


def test_samples_must_be_named_where_there_are_several(db, tmp_path):
    study = StudyFactory(prompts=1, systems=("baseline",), samples=2)
    rows = [{"prompt_key": "p0", "system": "baseline", "rm": 1}]

    assert refused(study, tmp_path / "s.csv", rows) == [
        (1, "sample", "there are 2 samples of this cell; say which is scored")
    ]


def test_scores_of_another_text_are_refused(study, tmp_path):
    texts = dict(Output.objects.values_list("prompt__key", "text").filter(system__name="baseline"))
    rows = [{"prompt_key": "p0", "system": "baseline", "text": texts["p0"], "rm": 1}]

    assert bring(study, tmp_path / "s.csv", rows) == "1 score by 1 judge added."
    rows[0]["text"] = "something else"
    assert "is not the text that the study has" in refused(study, tmp_path / "s.csv", rows, replace=True)[0][2]


@pytest.mark.parametrize(
    ("rows", "column", "words"),
    [
        ([{"system": "baseline", "rm": 1}], "prompt", "the column is missing"),
        ([{"prompt_key": "p0", "rm": 1}], "system", "the column is missing"),
        ([{"prompt_key": "p0", "system": "baseline", "judge": "rm"}], "value", "the column is missing"),
        ([{"prompt_key": "p0", "system": "baseline"}], "", "there is no column with scores"),
        ([{"prompt_key": "p0", "system": "baseline", "=cmd": 1}], "judge", "begins as a formula"),
    ],
)
def test_files_without_what_is_needed_say_what(study, tmp_path, rows, column, words):  # noqa: PLR0917
    found = refused(study, tmp_path / "s.csv", rows)

    assert found[0][1] == column
    assert words in found[0][2]


@pytest.mark.parametrize("name", ["s.xlsx", "s.csv", "s.parquet"])
def test_what_is_no_file_of_scores_is_refused_in_words(study, tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"PK\x03\x04 a workbook")

    with pytest.raises(MaterialRefused):
        scores.import_scores(study=study, path=path, filename=name)


def test_a_judge_that_is_computed_here_keeps_its_scores(study, tmp_path):
    Judge.objects.create(study=study, name="reward", scorer="length")

    found = refused(study, tmp_path / "s.csv", wide())

    assert found == [(0, "reward", found[0][2])]
    assert "is computed here" in found[0][2]


def exported(study, *, masked):
    target = io.BytesIO()
    exporting.export(study=study, name="scores", target=target, masked=masked, actor=None)
    return list(csv.DictReader(io.StringIO(target.getvalue().decode())))


def test_export_can_be_brought_again(study, tmp_path):
    bring(study, tmp_path / "s.csv", wide())

    rows = exported(study, masked=False)

    assert list(rows[0]) == ["prompt", "system", "sample", "judge", "value"]
    assert bring(study, tmp_path / "again.csv", rows) == "Nothing new: 8 scores were there already."


def test_masked_export_has_letters_in_their_own_order(study, tmp_path):
    bring(study, tmp_path / "s.csv", wide())

    rows = exported(study, masked=True)

    letters = masking.mask_of(study=study).letters
    assert [row["system"] for row in rows] == ["A", "B"] * 4
    values = {(row["prompt"], row["system"]): float(row["value"]) for row in rows if row["judge"] == "reward"}
    assert values == {(prompt, letters[system]): at + 0.5 for at, (prompt, system) in enumerate(CELLS)}


def test_deleting_a_judge_takes_its_scores_and_is_logged(study, tmp_path):
    bring(study, tmp_path / "s.csv", wide())

    assert scores.delete_judge(judge=study.judges.get(name="reward")) == 4

    assert set(study.judges.values_list("name", flat=True)) == {"surprise"}
    assert study.events.get(name="judge_removed").data == {"judge": "reward", "scorer": "", "scores": 4}
