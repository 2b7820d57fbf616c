"""Lists of problems: everything of one pass, in order, cut at 200, and storable whatever the file held."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from annotations.domain.materials import import_material
from annotations.errors import MaterialRefused
from annotations.models import MaterialImport, Study
from tests.annotations.domain.material_refusals import Refuse
from tests.annotations.plugins.sources.material_files import write

pytestmark = pytest.mark.django_db


def test_refusal_lists_everything_of_one_pass_in_the_order_of_rows(tmp_path: Path, refuse: Refuse) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "p", "system": "s", "text": "twice"},
        {"prompt": "p", "system": "s", "text": ""},
        {"prompt": "p", "system": "s", "text": "twice"},
        {"prompt": "p", "system": "s", "text": 5},
        {"prompt": "p", "system": "s", "text": "fine"},
        {"prompt": "p", "system": "u", "text": "fine"},
    ]

    found = refuse(write(tmp_path / "outputs.jsonl", rows), known_systems=["s"])

    assert [(row, column) for row, column, _ in found] == [(2, "text"), (3, "text"), (4, "text"), (6, "system")]


@pytest.mark.parametrize("text", ["", "the same"])
def test_refusal_lists_200_problems_and_counts_the_others(tmp_path: Path, refuse: Refuse, text: str) -> None:
    rows = [{"prompt": "p", "system": "s", "text": text} for _ in range(1501)]

    found = refuse(write(tmp_path / "outputs.csv", rows))

    count = 1501 if not text else 1500
    assert [row for row, _, _ in found[:200]] == list(range(1501 - count + 1, 1501 - count + 201))
    assert found[200:] == [(0, "", f"… and {count - 200:,} more problems; the first 200 are listed")]


def test_refusal_stores_what_does_not_print(tmp_path: Path, refuse: Refuse) -> None:
    path = tmp_path / "outputs.jsonl"
    path.write_text(json.dumps({"prompt": "p", "system": "s", "text": "t", "a\0\ud800": 1, "sample": "\0"}))

    found = refuse(path)

    shown = "a\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"
    assert [(row, column) for row, column, _ in found] == [(1, shown), (1, "sample")]


def test_refusal_keeps_a_record_with_a_name_that_can_be_stored(study: Study, tmp_path: Path) -> None:
    with pytest.raises(MaterialRefused):
        import_material(study=study, path=tmp_path / "x", filename="n\0\n" + "x" * 300 + ".csv")

    assert MaterialImport.objects.get().filename == "x" * 251 + ".csv"
