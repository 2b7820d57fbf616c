"""Parquet: types that other tools write, damage, and cells that are too long."""

import datetime as dt
import gzip
import io
import resource
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotations.plugins.sources.columns import UNNUMBERED
from annotations.plugins.sources.parquet_file import BATCH
from annotations.registry import OutputRecord
from tests.annotations.plugins.sources.material_files import parquet_table, problems, read, three, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outputs.parquet"


def test_parquet_reads_rows_over_batches_and_row_groups(file: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": f"t{number}"} for number in range(2 * BATCH + 7)]
    pq.write_table(parquet_table(rows), file, row_group_size=150)

    found = read(file)

    assert [(record.row, record.text) for record in found] == [(at, row["text"]) for at, row in enumerate(rows, 1)]


def test_parquet_reads_what_pandas_writes(file: Path) -> None:
    frame = pd.DataFrame(three(task_family="AUT"))
    frame["sample"] = [0, None, 2]  # becomes a float with a hole
    frame["system"] = frame["system"].astype("category")
    frame.index = [5, 6, 9]
    frame.to_parquet(file)

    found = read(file)

    assert [record.system for record in found] == ["vanilla", "steered", "human"]
    assert [record.sample for record in found] == [0, UNNUMBERED, 2]
    assert [record.task_family for record in found] == ["", "AUT", ""]
    assert [record.metadata for record in found] == [{}, {}, {}]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_parquet_reads_every_kind_of_text(file: Path, kind: pa.DataType) -> None:
    table = parquet_table(three())
    pq.write_table(table.cast(pa.schema([(name, kind) for name in table.column_names])), file)

    found = read(file)

    assert [record.text for record in found] == [row["text"] for row in three()]


def test_parquet_keeps_dates_and_exact_numbers_and_names_the_column_it_cannot_keep(file: Path) -> None:
    at = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
    further = {"at": [at] * 3, "price": [Decimal("1.50")] * 3, "heat": [0.5, float("nan"), None], "raw": [b"a"] * 3}
    table = parquet_table(three())
    for name, cells in further.items():
        table = table.append_column(f"metadata.{name}", pa.array(cells))
    pq.write_table(table, file)

    found = read(file)

    kept = {"at": "2026-11-21T00:00:00+00:00", "price": "1.50", "raw": "a"}
    assert [record.metadata for record in found] == [{**kept, "heat": 0.5}, kept, kept]
    pq.write_table(table.append_column("metadata.blob", pa.array([b"\xff", None, b"ok"])), file)
    assert problems(file) == [(1, "metadata.blob", "holds bytes that are no text; leave the column out")]


def test_parquet_reads_metadata_from_structs_maps_and_text(file: Path) -> None:
    table = parquet_table(three())
    struct = pa.array([{"a": 1, "b": None}, {"a": None, "b": "x"}, None])
    mapped = pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64()))
    table = table.append_column("metadata", struct).append_column("metadata.map", mapped)
    pq.write_table(table, file)

    found = read(file)

    assert [record.metadata for record in found] == [{"a": 1, "map": {"k": 1}}, {"b": "x", "map": {}}, {}]


def test_parquet_refuses_columns_that_hold_no_text(file: Path) -> None:
    table = parquet_table(three())
    pq.write_table(table.set_column(2, "text", pa.array([b"a", b"b", b"c"])), file)

    found = problems(file)

    assert found == [(0, "text", "the column must hold text, it holds binary")]


def test_parquet_refuses_empty_cells(file: Path) -> None:
    write(file, three(text=None))

    found = problems(file)

    assert found == [(2, "text", "must be text, is missing (null)")]


def test_parquet_refuses_a_file_that_is_cut_off(file: Path) -> None:
    whole = io.BytesIO()
    pq.write_table(parquet_table(three()), whole)
    file.write_bytes(whole.getvalue()[:-40])

    found = problems(file)

    assert found == [(0, "", "the Parquet file is cut off: its end is missing; bring the whole file")]


def test_parquet_refuses_a_file_whose_footer_is_damaged(file: Path) -> None:
    whole = io.BytesIO()
    pq.write_table(parquet_table(three()), whole)
    file.write_bytes(b"PAR1" + whole.getvalue()[-60:])

    found = problems(file)

    assert len(found) == 1
    assert found[0][:2] == (0, "")
    assert found[0][2].startswith("is a damaged Parquet file: ")


def test_parquet_reports_a_damaged_page_at_its_row(file: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": f"text {number}"} for number in range(1000)]
    pq.write_table(parquet_table(rows), file, row_group_size=500, write_page_checksum=True, compression="none")
    content = bytearray(file.read_bytes())
    content[content.index(b"text 700")] ^= 0xFF
    file.write_bytes(content)

    found = problems(file)

    assert [(row, column) for row, column, _ in found] == [(401, "")]  # batches of 200: row 701 is on the page of 501
    assert found[0][2].startswith("the Parquet data cannot be read from about this row on: ")


@pytest.mark.parametrize("end", ["head", "tail"])
def test_parquet_refuses_an_encrypted_file(file: Path, end: str) -> None:
    file.write_bytes(b"PARE" + b"x" * 20 + b"PARE" if end == "head" else b"PAR1" + b"x" * 20 + b"PARE")

    found = problems(file)

    assert found == [(0, "", "is an encrypted Parquet file; bring it decrypted")]


def test_parquet_refuses_what_is_no_parquet(file: Path) -> None:
    file.write_bytes(gzip.compress(b"prompt,system,text"))

    found = problems(file)

    assert found == [(0, "", "is not a Parquet file")]


def test_parquet_names_row_and_byte_of_what_is_not_utf8(file: Path) -> None:
    texts = pa.array([b"fine", b"caf\xe9", b"fine"]).view(pa.string())
    pq.write_table(parquet_table(three()).set_column(2, "text", texts), file)

    found = problems(file)

    assert found == [(2, "text", "byte 0xe9 at offset 3 of the cell is not UTF-8")]


@pytest.mark.parametrize("kind", ["text", "category"])
def test_parquet_goes_on_behind_a_cell_of_50_megabytes(file: Path, kind: str) -> None:
    table = parquet_table(three(text="x" * 50_000_000))
    if kind == "category":
        table = table.set_column(2, "text", table["text"].dictionary_encode())
    pq.write_table(table, file)

    found = read(file)

    assert [item.row for item in found] == [1, 2, 3]
    assert problems(file) == [(2, "text", "the cell is longer than 4 MB")]
    assert isinstance(found[2], OutputRecord)


def test_parquet_spreads_no_large_dictionary_over_its_rows(file: Path) -> None:
    rows = 200
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 50_000_000]))
    table = pa.table({"prompt": ["p"] * rows, "system": ["s"] * rows, "text": text})
    pq.write_table(table, file, store_schema=False)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    found = problems(file)

    assert len(found) == rows
    assert set(found[0:1]) == {(1, "text", "the cell is longer than 4 MB")}
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # in units of 1,024 bytes on Linux
    assert grown < 1_000_000  # 10 GB when spread; measured: none beyond what writing the file took


def test_parquet_reads_texts_from_a_large_dictionary(file: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": f"{number % 3000} " * 250} for number in range(6000)]
    pq.write_table(parquet_table(rows), file, dictionary_pagesize_limit=100_000_000)

    found = read(file)

    assert [record.text for record in found] == [row["text"] for row in rows]
