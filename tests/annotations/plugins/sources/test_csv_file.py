"""CSV: delimiters, quoting, encodings and packing; what breaks a file, and where."""

import gzip
from pathlib import Path

import pytest

from annotations.plugins.sources.columns import UNNUMBERED
from annotations.plugins.sources.csv_file import STOPPED, sniff
from annotations.plugins.sources.files import LONGEST_RECORD
from annotations.registry import OutputRecord
from tests.annotations.plugins.sources.material_files import csv_bytes, problems, read, three

HEADER = b"prompt,system,text\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "outputs.csv"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_reads_every_delimiter(file: Path, delimiter: str) -> None:
    file.write_bytes(csv_bytes(three(text="one, two; three\tfour"), delimiter=delimiter))

    found = read(file)

    assert found[1] == OutputRecord(2, "A brick", "steered", "one, two; three\tfour", sample=UNNUMBERED)
    assert [record.row for record in found] == [1, 2, 3]


def test_csv_sniffs_by_known_columns_not_by_frequency() -> None:
    header = "prompt;system;text;metadata.a,b,c,d,e\n"

    delimiter = sniff(header)

    assert delimiter == ";"


def test_csv_keeps_line_breaks_and_quotes_inside_cells(file: Path) -> None:
    text = 'first\r\nsecond\n\n"third", he said'
    file.write_bytes(csv_bytes(three(text=text)))

    found = read(file)

    assert found[1].text == text
    assert found[2].row == 3


def test_csv_reads_behind_a_byte_order_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + csv_bytes(three()))

    found = read(file)

    assert [record.system for record in found] == ["vanilla", "steered", "human"]


@pytest.mark.parametrize("name", ["outputs.csv.gz", "outputs.csv"])
def test_csv_unpacks_gzip_whatever_its_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(csv_bytes(three())))

    found = read(path)

    assert len(found) == 3


def test_csv_reads_all_columns(file: Path) -> None:
    row = {
        "Prompt": "A brick",
        " system ": "vanilla",
        "TEXT": "A door stop",
        "sample": "3",
        "prompt_id": "brick",
        "task_family": "AUT",
        "metadata": '{"model": "m"}',
        "metadata.Seed": "7",
        "metadata.empty": "",
    }
    file.write_bytes(csv_bytes([row]))

    found = read(file)

    assert found == [
        OutputRecord(1, "A brick", "vanilla", "A door stop", 3, "brick", "AUT", {"model": "m", "Seed": "7"})
    ]


def test_csv_passes_over_blank_lines(file: Path) -> None:
    file.write_bytes(HEADER + b"p,s,one\n\n\np,t,two\n\n")

    found = read(file)

    assert [(record.row, record.text) for record in found] == [(1, "one"), (2, "two")]


def test_csv_names_row_and_byte_of_what_is_not_utf8(file: Path) -> None:
    file.write_bytes(HEADER + b'p,s,fine\np,t,caf\xe9\np,u,"two\nlines \xff"\n')

    found = problems(file)

    reason = "byte 0x{} at offset {} is not UTF-8; save the file as UTF-8"
    assert found == [(2, "text", reason.format("e9", 35)), (3, "text", reason.format("ff", 52))]
    assert file.read_bytes()[35] == 0xE9
    assert file.read_bytes()[52] == 0xFF


def test_csv_counts_offsets_from_the_start_of_the_file_with_a_byte_order_mark(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + HEADER + b"p,s\xe9,fine\n")

    found = problems(file)

    assert found == [(1, "system", "byte 0xe9 at offset 25 is not UTF-8; save the file as UTF-8")]
    assert file.read_bytes()[25] == 0xE9


def test_csv_refuses_a_header_that_is_not_utf8(file: Path) -> None:
    file.write_bytes(b"prompt,system,text,caf\xe9\np,s,t,x\n")

    found = problems(file)

    reason = "the header cannot be read: byte 0xe9 at offset 22 is not UTF-8; save the file as UTF-8"
    assert found == [(0, "", reason)]


def test_csv_refuses_a_wrong_number_of_fields_and_reads_on(file: Path) -> None:
    file.write_bytes(HEADER + b"p,s,one,two\np,s\np,t,fine\n,,\n")

    found = problems(file)

    reason = "has {} fields, the header has 3 (line {}); quote cells that hold the delimiter"
    assert found == [
        (1, "", reason.format(4, 2)),
        (2, "", reason.format(2, 3)),
        (4, "", "the row is empty (line 5); leave it out"),
    ]


def test_csv_refuses_a_quotation_mark_that_is_never_closed(file: Path) -> None:
    file.write_bytes(HEADER + b'p,s,fine\np,t,"never closed\np,u,swallowed\n')

    found = problems(file)

    assert found == [(2, "", "a quotation mark is opened and never closed; the rest of the file was not read")]


def test_csv_refuses_a_quotation_mark_inside_a_quoted_cell(file: Path) -> None:
    file.write_bytes(HEADER + b'p,s,"he said "no" twice"\n')

    found = problems(file)

    assert [(row, column) for row, column, _ in found] == [(1, "")]
    assert "write a quotation mark inside a cell twice" in found[0][2]


def test_csv_refuses_bare_carriage_returns(file: Path) -> None:
    file.write_bytes(b"prompt,system,text\rp,s,one\r")

    found = problems(file)

    reason = "the lines end in a bare carriage return; save the file with the line ends of Windows or Unix"
    assert found == [(0, "", f"the header cannot be read: {reason}")]


@pytest.mark.parametrize("quote", [b"", b'"'])
@pytest.mark.parametrize("line", [b"x" * 1000, b"x" * 999 + b"\n"])
def test_csv_stops_at_a_cell_of_50_megabytes_and_names_its_column(file: Path, quote: bytes, line: bytes) -> None:
    if not quote and line.endswith(b"\n"):
        line = line.replace(b"\n", b"x")
    with file.open("wb") as opened:
        opened.write(HEADER + b"p,s,fine\np,t," + quote)
        for _ in range(50_000):
            opened.write(line)
        opened.write(quote + b"\n")

    found = problems(file)

    reason = "the row is longer than 4 MB; is a quotation mark not closed? the rest of the file was not read"
    assert file.stat().st_size > 50_000_000
    assert found == [(2, "text", reason)]


def test_csv_hands_a_long_cell_over_below_the_limit_of_a_record(file: Path) -> None:
    text = "x" * (LONGEST_RECORD - 100)
    file.write_bytes(csv_bytes(three(text=text)))

    found = read(file)

    assert found[1].text == text


def test_csv_refuses_one_endless_line_without_a_header(file: Path) -> None:
    file.write_bytes(b"x" * (LONGEST_RECORD + 1))

    found = problems(file)

    assert found == [(0, "", "the header is longer than 4 MB; this is no CSV file")]


def test_csv_reports_where_a_packed_file_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "outputs.csv.gz"
    lines = b"".join(b"p,s%d,%s\n" % (number, str(hash(str(number))).encode() * 5) for number in range(5000))
    whole = gzip.compress(HEADER + lines)
    path.write_bytes(whole[: len(whole) // 2])

    found = read(path)

    reason = "the file is cut off: the packed data end in the middle; bring the whole file; " + STOPPED
    assert (found[-1].row, found[-1].column, found[-1].reason) == (len(found), "", reason)
    assert all(isinstance(item, OutputRecord) for item in found[:-1])


def test_csv_reports_damaged_packing(tmp_path: Path) -> None:
    path = tmp_path / "outputs.csv.gz"
    whole = bytearray(gzip.compress(csv_bytes(three())))
    whole[-6] ^= 0xFF
    path.write_bytes(whole)

    found = problems(path)

    assert len(found) == 1
    assert found[0][2].startswith("the gzip data are damaged: CRC check failed")


def test_csv_hands_nul_characters_over_for_the_import_to_refuse(file: Path) -> None:
    file.write_bytes(csv_bytes(three(text="a\0b")))

    found = read(file)

    assert found[1].text == "a\0b"


def test_csv_reads_behind_excel_s_line_of_the_separator(file: Path) -> None:
    file.write_bytes(b"SEP=;\r\nprompt;system;text\r\np;s;a,b\r\n")

    assert [record.text for record in read(file)] == ["a,b"]


def test_csv_wants_the_names_in_the_first_line(file: Path) -> None:
    file.write_bytes(b"\n" + HEADER + b"p,s,t\n")

    assert problems(file) == [(0, "", "the first line is empty; it must hold the names of the columns")]
