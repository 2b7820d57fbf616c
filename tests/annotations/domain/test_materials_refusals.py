"""Refusals: each names file, row, column and reason, and leaves the study exactly as it was."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from annotations.domain import attention
from annotations.domain.materials import import_material
from annotations.models import Output, Prompt, Study, System
from tests.annotations.domain.material_refusals import Refuse
from tests.annotations.plugins.sources.material_files import FORMATS, csv_bytes, parquet_table, three, write

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_a_wrong_column_suggests_the_right_one(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    rows = [{"prompt": "p", "sytem": "s", "text": "t"}]

    found = refuse(write(tmp_path / f"outputs.{kind}", rows))

    row = int(kind == "jsonl")  # a JSON object has keys of its own, a table one header
    unknown = "unknown column 'sytem'; did you mean 'system'? Else call it 'metadata.sytem' to keep it as metadata"
    missing = "the column is missing; there are: 'prompt', 'sytem', 'text'"
    assert sorted(found) == [(row, "system", missing), (row, "sytem", unknown)]


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_an_extra_column(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    rows = [row | {"temperature": "0.7"} for row in three()]

    found = refuse(write(tmp_path / f"outputs.{kind}", rows))

    assert [(row, column) for row, column, _ in found] == [(int(kind == "jsonl"), "temperature")]
    assert found[0][2].endswith("or allow extra columns")


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("blank", ["", " \n\t", "\N{NO-BREAK SPACE}"])
def test_refusal_of_empty_cells(tmp_path: Path, refuse: Refuse, kind: str, blank: str) -> None:
    rows = [row | {column: blank} for row, column in zip(three(), ("prompt", "system", "text"), strict=True)]

    found = refuse(write(tmp_path / f"outputs.{kind}", rows))

    assert found == [(row, column, "is empty") for row, column in enumerate(("prompt", "system", "text"), start=1)]


def test_refusal_of_a_text_that_cannot_be_seen(tmp_path: Path, refuse: Refuse) -> None:
    found = refuse(write(tmp_path / "outputs.jsonl", three(text="\N{ZERO WIDTH SPACE}\n\N{ZERO WIDTH NO-BREAK SPACE}")))

    assert found == [(2, "text", "is empty: it holds only characters that cannot be seen")]


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_a_text_that_is_too_long(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    found = refuse(write(tmp_path / f"outputs.{kind}", three(text="x" * 200_001)))

    assert found == [(2, "text", "has 200,001 characters; at most 200,000 are taken")]


@pytest.mark.parametrize(
    ("column", "most"), [("system", 120), ("prompt_key", 200), ("task_family", 80), ("prompt", 200_000)]
)
def test_refusal_of_a_name_that_is_too_long(tmp_path: Path, refuse: Refuse, column: str, most: int) -> None:
    found = refuse(write(tmp_path / "outputs.csv", three(**{column: "x" * (most + 1)})))

    assert (2, column, f"has {most + 1:,} characters; at most {most:,} are taken") in found


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_a_cell_of_50_megabytes(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    found = refuse(write(tmp_path / f"outputs.{kind}", three(text="x" * 50_000_000)))

    assert [(row, column) for row, column, _ in found] == [(2, "text")]
    assert "longer than 4 MB" in found[0][2]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("column", ["prompt", "system", "text"])
def test_refusal_of_a_nul_character(tmp_path: Path, refuse: Refuse, kind: str, column: str) -> None:
    found = refuse(write(tmp_path / f"outputs.{kind}", three(**{column: "ab\0c"})))

    assert found == [(2, column, "holds a NUL character (at character 3)")]


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({"a": ["\0"]}, "hold a NUL character"),
        ({"\0": 1}, "hold a NUL character"),
        ({"a": "\ud800"}, "hold half of a surrogate pair, which is no character"),
        ({"a": "x" * 100_000}, "have 100,009 characters as JSON; at most 100,000 are taken"),
        ({"a": 1e999}, "is inf, which JSON cannot keep; empty the cell or leave the column out"),
    ],
)
def test_refusal_of_metadata_that_cannot_be_kept(
    tmp_path: Path, refuse: Refuse, metadata: dict[str, Any], reason: str
) -> None:
    path = tmp_path / "outputs.jsonl"
    line = json.dumps({"prompt": "p", "system": "s", "text": "t", "metadata": metadata})
    path.write_text(line.replace("Infinity", "1e999"))

    found = refuse(path)

    assert found == [(1, "metadata", reason)]


def test_metadata_may_speak_of_a_nul_character(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.jsonl", three(metadata={"a": "write \\u0000 like this"}))

    import_material(study=study, path=path, filename=path.name)

    assert Output.objects.get(metadata__a="write \\u0000 like this").system.name == "steered"


def test_refusal_of_half_a_surrogate_pair(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "outputs.jsonl"
    path.write_text(json.dumps({"prompt": "p", "system": "s", "text": "\ud83d cut"}))

    found = refuse(path)

    assert found == [(1, "text", "holds half of a surrogate pair, which is no character")]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_refusal_of_invalid_utf8_names_row_and_byte(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    path = write(tmp_path / f"outputs.{kind}", three(text="caf\N{LATIN SMALL LETTER E WITH ACUTE}"))
    content = path.read_bytes().replace(b"\xc3\xa9", b"\xe9")
    path.write_bytes(content)

    found = refuse(path)

    offset = content.index(b"\xe9")
    assert found == [(2, "text", f"byte 0xe9 at offset {offset} is not UTF-8; save the file as UTF-8")]


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("value", ["one", "-1", "1.5"])
def test_refusal_of_a_sample_that_is_no_number(tmp_path: Path, refuse: Refuse, kind: str, value: str) -> None:
    found = refuse(write(tmp_path / f"outputs.{kind}", three(sample=value)))

    assert found == [(2, "sample", f"must be a whole number, 0 or more, is '{value}'")]


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_a_duplicate_text_names_both_rows(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    found = refuse(write(tmp_path / f"outputs.{kind}", [*three(), three()[0]]))

    assert [(row, column) for row, column, _ in found] == [(4, "text")]
    assert found[0][2].startswith("duplicate: prompt, system and text are those of row 1; leave one out")


@pytest.mark.parametrize("text", ["the same", "another"])
def test_refusal_of_a_duplicate_sample_names_both_rows(tmp_path: Path, refuse: Refuse, text: str) -> None:
    row = {"prompt": "p", "system": "s", "sample": "3"}

    found = refuse(write(tmp_path / "outputs.csv", [row | {"text": "the same"}, row | {"text": text}]))

    reason = "duplicate: prompt, system and sample 3 are those of row 1; give each output a number of its own"
    assert found == [(2, "sample", reason)]


def test_refusal_of_samples_of_which_only_some_are_numbered(tmp_path: Path, refuse: Refuse) -> None:
    row = {"prompt": "p", "system": "s"}

    found = refuse(
        write(tmp_path / "outputs.csv", [row | {"text": "a", "sample": ""}, row | {"text": "b", "sample": "1"}])
    )

    reason = "other rows of this prompt and system have a sample number (row 2); number all of them or none"
    assert found == [(1, "sample", reason)]


@pytest.mark.parametrize("sample", [{}, {"sample": 0}])
def test_refusal_of_a_changed_text(study: Study, tmp_path: Path, refuse: Refuse, sample: dict[str, int]) -> None:
    first = write(tmp_path / "first.jsonl", [row | sample for row in three()])
    import_material(study=study, path=first, filename=first.name)

    found = refuse(write(tmp_path / "second.jsonl", [row | sample for row in three(text="Another use")]))

    assert [(row, column) for row, column, _ in found] == [(2, "text")]
    assert found[0][2].startswith("the study has another text for this prompt, system and sample (0); texts are never")
    assert "give it a free number in a column 'sample'" in found[0][2]


def test_refusal_of_one_key_for_two_prompts(tmp_path: Path, refuse: Refuse) -> None:
    rows = [{"prompt": prompt, "prompt_key": "k", "system": "s", "text": prompt} for prompt in ("p", "q")]

    found = refuse(write(tmp_path / "outputs.csv", rows))

    reason = "the key 'k' stands for another prompt in row 1; give each prompt a key of its own"
    assert found == [(2, "prompt_key", reason)]


def test_refusal_of_another_prompt_under_a_key_of_the_study(study: Study, tmp_path: Path, refuse: Refuse) -> None:
    Prompt.objects.create(study=study, key="k", text="p")

    found = refuse(write(tmp_path / "outputs.csv", three(prompt_key="k")[1:2]))

    assert [(row, column) for row, column, _ in found] == [(1, "prompt")]
    assert found[0][2].startswith(
        "the study has another text for the prompt with the key 'k'; texts are never overwritten"
    )


def test_refusal_of_a_prompt_with_a_key_in_some_rows_only(tmp_path: Path, refuse: Refuse) -> None:
    found = refuse(write(tmp_path / "outputs.csv", three(prompt_key="k")))

    reason = "this row has no key, but row 2 gives the same prompt the key 'k'; give it to both or to none"
    assert found == [(1, "prompt_key", reason)]


@pytest.mark.parametrize("keys", [("k", ""), ("", "k")])
def test_refusal_of_a_prompt_that_the_study_has_under_another_key(
    study: Study, tmp_path: Path, refuse: Refuse, keys: tuple[str, str]
) -> None:
    first, second = keys
    path = write(tmp_path / "first.jsonl", [three()[0] | {"prompt_key": first}])
    import_material(study=study, path=path, filename=path.name)

    found = refuse(write(tmp_path / "second.jsonl", [three()[1] | {"prompt_key": second}]))

    known = study.prompts.get().key
    reason = f"the study has this prompt with the key '{known}'; give that key in a column 'prompt_key'"
    assert found == [(1, "prompt_key", reason)]


def test_refusal_of_a_key_that_would_blur_the_names_of_outputs(tmp_path: Path, refuse: Refuse) -> None:
    found = refuse(write(tmp_path / "outputs.csv", three(prompt_key="a/b")))

    reason = "must not hold '/', which separates prompt, system and sample in the names of outputs: 'a/b'"
    assert found == [(2, "prompt_key", reason)]


def test_refusal_of_two_families_of_one_prompt(tmp_path: Path, refuse: Refuse) -> None:
    rows = [row | {"task_family": family} for row, family in zip(three(), ("AUT", "", "story"), strict=True)]

    found = refuse(write(tmp_path / "outputs.csv", rows))

    assert found == [(3, "task_family", "the prompt is of the family 'AUT' in row 1, here of 'story'")]


def test_refusal_of_another_family_than_the_study_has(study: Study, tmp_path: Path, refuse: Refuse) -> None:
    path = write(tmp_path / "first.jsonl", [three()[0] | {"task_family": "AUT"}])
    import_material(study=study, path=path, filename=path.name)

    found = refuse(write(tmp_path / "second.jsonl", [three()[1] | {"task_family": "story"}]))

    assert found == [(1, "task_family", "the prompt is of the family 'AUT' in the study, here of 'story'")]


def test_refusal_of_a_system_that_is_not_listed(tmp_path: Path, refuse: Refuse) -> None:
    path = write(tmp_path / "outputs.csv", [*three(system="Vanila"), {"prompt": "q", "system": "Vanila", "text": "t"}])

    found = refuse(path, known_systems=["vanilla", "human"])

    assert found == [(2, "system", "unknown system 'Vanila' (in 2 rows); did you mean 'vanilla'?")]


def test_refusal_of_a_system_that_the_study_lacks(study: Study, tmp_path: Path, refuse: Refuse) -> None:
    System.objects.bulk_create(System(study=study, name=name) for name in ("vanilla", "human"))

    found = refuse(write(tmp_path / "outputs.csv", three(system="zebra")), only_known_systems=True)

    assert found == [(2, "system", "unknown system 'zebra' (in this row only); there are: 'human', 'vanilla'")]


def test_refusal_of_more_systems_than_can_be_compared(tmp_path: Path, refuse: Refuse) -> None:
    rows = [{"prompt": "p", "system": f"Once upon a time, {number}", "text": "s"} for number in range(3000)]

    found = refuse(write(tmp_path / "outputs.csv", rows))

    assert found == [(0, "system", "names 3,000 systems, at most 50 are taken; is it the right column?")]


def test_refusal_of_names_that_are_kept_for_attention_checks(tmp_path: Path, refuse: Refuse) -> None:
    found = refuse(write(tmp_path / "outputs.csv", three(system=attention.SYSTEM, prompt="q", prompt_key="check-1")))

    assert found == [
        (2, "prompt_key", "the key 'check-1' is kept for attention checks; use another"),
        (2, "system", "the name 'attention-check' is kept for attention checks; use another"),
    ]


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ({"vanila": "baseline"}, "a role is given for 'vanila', but there is no such system; did you mean 'vanilla'?"),
        ({"vanilla": "boss"}, "'vanilla' cannot have the role 'boss'; there are: baseline, treatment, reference"),
        ({"vanilla": "check"}, "'vanilla' cannot have the role 'check'; there are: baseline, treatment, reference"),
        (
            {"vanilla": "baseline", "human": "baseline"},
            "there can be one baseline, not 2: 'human', 'vanilla'",
        ),
    ],
)
def test_refusal_of_roles(tmp_path: Path, refuse: Refuse, roles: dict[str, str], reason: str) -> None:
    found = refuse(write(tmp_path / "outputs.csv", three()), roles=roles)

    assert found == [(0, "system", reason)]


def test_refusal_of_a_truncated_parquet_file(tmp_path: Path, refuse: Refuse) -> None:
    path = write(tmp_path / "outputs.parquet", three())
    path.write_bytes(path.read_bytes()[:-30])

    found = refuse(path)

    assert found == [(0, "", "the Parquet file is cut off: its end is missing; bring the whole file")]


def test_refusal_of_damage_behind_rows_that_are_already_copied(tmp_path: Path, refuse: Refuse) -> None:
    rows = [{"prompt": f"p{number}", "system": "s", "text": f"text {number}"} for number in range(2000)]
    path = tmp_path / "outputs.parquet"
    pq.write_table(parquet_table(rows), path, row_group_size=1000, write_page_checksum=True, compression="none")
    content = bytearray(path.read_bytes())
    content[content.index(b"text 1500")] ^= 0xFF
    path.write_bytes(content)

    found = refuse(path)

    assert [(row, column) for row, column, _ in found] == [(1001, "")]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_refusal_of_a_truncated_gzip_file(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    path = write(tmp_path / f"outputs.{kind}.gz", three())
    path.write_bytes(path.read_bytes()[:-10])

    found = refuse(path)

    assert len(found) == 1
    assert "the packed data end in the middle" in found[0][2]


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_an_empty_file(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    path = tmp_path / f"outputs.{kind}"
    path.touch()

    found = refuse(path)

    assert found == [(0, "", "the file is empty")]


@pytest.mark.parametrize("kind", FORMATS)
def test_refusal_of_a_file_without_rows(tmp_path: Path, refuse: Refuse, kind: str) -> None:
    path = tmp_path / f"outputs.{kind}"
    if kind == "parquet":
        pq.write_table(parquet_table(three()).slice(0, 0), path)
    else:
        path.write_bytes({"csv": b"prompt,system,text\n", "jsonl": b"\n\n"}[kind])

    found = refuse(path)

    assert found == [(0, "", "there are no rows in the file")]


def test_refusal_of_a_wrong_number_of_fields(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "outputs.csv"
    path.write_bytes(b"prompt,system,text\np,s,one, two\n")

    found = refuse(path)

    reason = "has 4 fields, the header has 3 (line 2); quote cells that hold the delimiter"
    assert found == [(1, "", reason)]


def test_refusal_of_a_json_line_that_is_no_object(tmp_path: Path, refuse: Refuse) -> None:
    path = write(tmp_path / "outputs.jsonl", three())
    path.write_bytes(path.read_bytes() + b"[]\n")

    found = refuse(path)

    assert found == [(4, "", "must be a JSON object, is a list")]


@pytest.mark.parametrize("value", [None, ["a"], {"a": "b"}])
def test_refusal_of_a_text_that_is_no_text(tmp_path: Path, refuse: Refuse, value: object) -> None:
    found = refuse(write(tmp_path / "outputs.jsonl", three(text=value)))

    assert [(row, column) for row, column, _ in found] == [(2, "text")]
    assert found[0][2].startswith("must be text, is ")


def test_refusal_of_a_directory(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "outputs.csv"
    path.mkdir()

    assert refuse(path) == [(0, "", "is a directory, not a file")]


def test_refusal_of_a_missing_file(tmp_path: Path, refuse: Refuse) -> None:
    assert refuse(tmp_path / "outputs.csv") == [(0, "", "there is no such file")]


@pytest.mark.parametrize("name", ["outputs.xlsx", "outputs", "outputs.csv.zip"])
def test_refusal_of_an_unknown_ending(tmp_path: Path, refuse: Refuse, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(csv_bytes(three()))

    found = refuse(path)

    endings = ".csv, .csv.gz, .tsv, .tsv.gz, .eval, .jsonl, .jsonl.gz, .ndjson, .ndjson.gz, .parquet, .pq"
    known = f".json, .json.gz, {endings}"
    assert found == [(0, "", f"the ending of the file's name is not known; bring one of {known}")]


def test_refusal_of_a_log_that_several_tools_could_have_written(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "outputs.json"
    path.write_text("[]")

    assert refuse(path) == [(0, "", "a .json file may be a log of several tools; say which format it has")]


def test_refusal_of_a_source_that_does_not_exist(tmp_path: Path, refuse: Refuse) -> None:
    found = refuse(write(tmp_path / "outputs.csv", three()), source="xml")

    assert found[0][2].startswith("there is no source 'xml'; bring one of .json")


@pytest.mark.parametrize("content", [bytes(range(256)) * 16, gzip.compress(b"\0" * 100), b"Salted__" + b"\1" * 100])
def test_refusal_of_content_that_is_no_text(tmp_path: Path, refuse: Refuse, content: bytes) -> None:
    path = tmp_path / "outputs.csv"
    path.write_bytes(content)

    found = refuse(path)

    assert [(row, column) for row, column, _ in found] == [(0, "")]
    assert found[0][2].startswith("the content is not text")
