"""What is not a file of outputs at all: each mistake is told with what to do."""

import os
import zipfile
from pathlib import Path

import pytest

from tests.annotations.plugins.sources.material_files import FORMATS, problems

TEXT_FORMATS = ("csv", "jsonl")
SAVE = "save the sheet as “CSV UTF-8” and bring that"


@pytest.mark.parametrize("kind", FORMATS)
def test_source_refuses_a_directory(tmp_path: Path, kind: str) -> None:
    assert problems(tmp_path, source=kind) == [(0, "", "is a directory, not a file")]


@pytest.mark.parametrize("kind", FORMATS)
def test_source_refuses_a_missing_file(tmp_path: Path, kind: str) -> None:
    assert problems(tmp_path / "nowhere", source=kind) == [(0, "", "there is no such file")]


@pytest.mark.parametrize("kind", FORMATS)
def test_source_refuses_an_empty_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "outputs"
    path.touch()

    assert problems(path, source=kind) == [(0, "", "the file is empty")]


@pytest.mark.parametrize("kind", FORMATS)
def test_source_refuses_a_pipe(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)

    assert problems(path, source=kind) == [(0, "", "is not a regular file")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("kind", FORMATS)
def test_source_refuses_a_file_that_may_not_be_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "outputs"
    path.write_bytes(b"x")
    path.chmod(0)

    assert problems(path, source=kind) == [(0, "", "cannot be opened: Permission denied")]


@pytest.mark.parametrize("kind", TEXT_FORMATS)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PAR1xxxxPAR1", "it is a Parquet file; give it the ending .parquet"),
        (b"PARExxxx", "it is an encrypted Parquet file; bring it decrypted"),
        (b"%PDF-1.7", "it is a PDF; bring a CSV, JSONL or Parquet file"),
        ("prompt,system".encode("utf-16"), "it is UTF-16 text; save it as UTF-8"),
        ("prompt,system".encode("utf-16-le"), "it is binary, encrypted or UTF-16; bring UTF-8 text"),
        (b"Salted__\x01\x02", "it is encrypted; bring it decrypted"),
        (b"-----BEGIN PGP MESSAGE-----", "it is encrypted; bring it decrypted"),
        (bytes(range(256)) * 8, "it is binary, encrypted or UTF-16; bring UTF-8 text"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", f"it is an old or password-protected Office file; {SAVE}"),
    ],
)
def test_source_refuses_content_that_is_no_text(tmp_path: Path, kind: str, content: bytes, reason: str) -> None:
    path = tmp_path / "outputs"
    path.write_bytes(content)

    assert problems(path, source=kind) == [(0, "", f"the content is not text: {reason}")]


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_source_refuses_an_excel_workbook(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "outputs"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")

    found = problems(path, source=kind)

    assert found == [(0, "", f"the content is not text: it is a ZIP archive or an Excel workbook; {SAVE}")]


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_source_refuses_a_name_that_ends_in_gz_without_packing(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"outputs.{kind}.gz"
    path.write_bytes(b"prompt,system,text\n")

    assert problems(path) == [(0, "", "is named .gz but is not packed with gzip")]


@pytest.mark.parametrize("kind", TEXT_FORMATS)
def test_source_refuses_a_packed_file_cut_off_in_its_head(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"outputs.{kind}.gz"
    path.write_bytes(b"\x1f\x8b\x08\x00")

    reason = "the file is cut off: the packed data end in the middle; bring the whole file"
    assert problems(path) == [(0, "", reason)]
