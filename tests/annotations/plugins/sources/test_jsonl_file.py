"""JSON lines: every line stands alone; what is wrong with one is told without losing the others."""

import gzip
import json
from pathlib import Path

import pytest

from annotations.plugins.sources.columns import UNNUMBERED, ExtraColumnProblem
from annotations.registry import OutputRecord
from tests.annotations.plugins.sources.material_files import jsonl_bytes, problems, read, three, write

NAME = "property name enclosed in double quotes"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outputs.jsonl"


def test_jsonl_reads_rows_in_order_and_passes_over_blank_lines(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf\n" + jsonl_bytes(three()).replace(b"\n", b"\r\n\n"))

    found = read(file)

    assert [(record.row, record.system) for record in found] == [(1, "vanilla"), (2, "steered"), (3, "human")]
    assert found[0].sample == UNNUMBERED


def test_jsonl_keeps_nested_metadata_and_values_of_any_type(file: Path) -> None:
    rows = three(metadata={"a": {"b": [1, None, "x"]}}, sample=2, prompt_id=17, task_family=None)
    rows[1]["metadata.seed"] = 5
    write(file, rows)

    found = read(file)

    metadata = {"a": {"b": [1, None, "x"]}, "seed": 5}
    assert found[1] == OutputRecord(2, "A brick", "steered", "A use by steered", 2, "17", "", metadata)


def test_jsonl_unpacks_gzip(tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.jsonl.gz", three())

    found = read(path)

    assert len(found) == 3


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("[1, 2]", "must be a JSON object, is a list"),
        ('"text"', "must be a JSON object, is text"),
        ("17", "must be a JSON object, is a number"),
        ("null", "must be a JSON object, is missing (null)"),
        ('{"prompt": "p"', "is not JSON: Expecting ',' delimiter: line 2 column 1 (char 15)"),
        ("{", f"is not JSON: Expecting {NAME}: line 2 column 1 (char 2); write each object on one line of its own"),
        ('{"prompt": NaN}', "is not JSON: NaN is not JSON"),
        ('{"text": "a", "text": "b"}', "is not JSON: the key 'text' stands there twice"),
        (
            "[" * 100_000,
            "is not JSON: it is nested too deeply",
        ),
    ],
)
def test_jsonl_refuses_a_line_that_is_no_object_and_reads_on(file: Path, line: str, reason: str) -> None:
    rows = jsonl_bytes(three()).splitlines(keepends=True)
    file.write_bytes(rows[0] + line.encode() + b"\n" + rows[2])

    found = read(file)

    assert [item.row for item in found] == [1, 2, 3]
    assert problems(file) == [(2, "", reason)]


def test_jsonl_tells_an_array_from_lines(file: Path) -> None:
    file.write_bytes(json.dumps(three()).encode())

    found = problems(file)

    assert found == [(1, "", "must be a JSON object, is a list; write one object per line, not one array")]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "must be text, is missing (null)"),
        ({"a": 1}, "must be text, is an object"),
        (["a"], "must be text, is a list"),
        (5, "must be text, is a number"),
        (True, "must be text, is true or false"),
    ],
)
def test_jsonl_refuses_a_text_that_is_no_text(file: Path, value: object, reason: str) -> None:
    write(file, three(text=value))

    found = problems(file)

    assert found == [(2, "text", reason)]


def test_jsonl_lists_all_that_is_wrong_with_a_row(file: Path) -> None:
    write(file, three(prompt=1, system=None, sample=-1, metadata=[]))

    found = problems(file)

    assert found == [
        (2, "prompt", "must be text, is a number"),
        (2, "system", "must be text, is missing (null)"),
        (2, "sample", "must be a whole number, 0 or more, is '-1'"),
        (2, "metadata", "must be a JSON object, is a list"),
    ]


def test_jsonl_reports_a_missing_key_in_every_row_and_an_unknown_one_once(file: Path) -> None:
    rows = [{"prompt": "p", "sytem": f"s{number}", "text": "t"} for number in range(3)]
    write(file, rows)

    found = problems(file)

    missing = "the column is missing; there are: 'prompt', 'sytem', 'text'"
    unknown = "unknown column 'sytem'; did you mean 'system'? Else call it 'metadata.sytem' to keep it as metadata"
    assert found == [(1, "sytem", unknown), *((row, "system", missing) for row in (1, 2, 3))]


def test_jsonl_yields_the_records_behind_an_extra_key(file: Path) -> None:
    write(file, [{**row, "temperature": 0.5} for row in three()])

    found = read(file)

    assert isinstance(found[0], ExtraColumnProblem)
    assert (found[0].row, found[0].column) == (1, "temperature")
    assert [record.metadata for record in found[1:]] == [{"temperature": 0.5}] * 3


def test_jsonl_remembers_a_bounded_number_of_shapes(file: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": f"t{number}", f"metadata.k{number}": 1} for number in range(2500)]
    write(file, rows)

    found = read(file)

    assert [record.metadata for record in found] == [{f"k{number}": 1} for number in range(2500)]


def test_jsonl_names_row_key_and_byte_of_what_is_not_utf8(file: Path) -> None:
    content = jsonl_bytes(three(text="caf\N{LATIN SMALL LETTER E WITH ACUTE}")).replace(b"\xc3\xa9", b"\xe9")
    file.write_bytes(content)

    found = problems(file)

    offset = content.index(b"\xe9")
    assert found == [(2, "text", f"byte 0xe9 at offset {offset} is not UTF-8; save the file as UTF-8")]


def test_jsonl_goes_on_behind_a_cell_of_50_megabytes(file: Path) -> None:
    rows = jsonl_bytes(three()).splitlines(keepends=True)
    with file.open("wb") as opened:
        opened.write(rows[0] + b'{"prompt": "p", "system": "s", "text": "')
        for _ in range(50):
            opened.write(b"x" * 1_000_000)
        opened.write(b'"}\n' + rows[2] + b"\xff\n")

    found = problems(file)

    end = file.stat().st_size
    assert found == [
        (2, "text", "the line is longer than 4 MB"),
        (4, "", f"byte 0xff at offset {end - 2:,} is not UTF-8; save the file as UTF-8"),
    ]


def test_jsonl_reports_where_a_packed_file_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "outputs.jsonl.gz"
    rows = [{"prompt": f"p{number}", "system": "s", "text": str(hash(str(number))) * 5} for number in range(5000)]
    whole = gzip.compress(jsonl_bytes(rows))
    path.write_bytes(whole[: len(whole) // 2])

    found = read(path)

    assert found[-1].reason == "the file is cut off: the packed data end in the middle; bring the whole file"
    assert found[-1].row == len(found)
