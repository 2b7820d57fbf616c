"""The real texts of LAMP: 201 prompts × 3 systems."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from annotations.domain import studies
from annotations.domain.materials import import_material, material_summary, missing_cells
from annotations.models import Output, Prompt
from tests.annotations.plugins.sources.material_files import FORMATS, write

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("EVALPLATFORM_SHARED", ROOT.parent / "shared"))
ITEMS = SHARED / "data" / "lamp_preference" / "lamp_items.json"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not ITEMS.exists(), reason="the LAMP texts are not in EVALPLATFORM_SHARED"),
]


def lamp_rows() -> list[dict[str, Any]]:
    return [
        {
            "prompt_key": item["item"],
            "prompt": item["instruction"],
            "system": system,
            "text": text,
            "task_family": item["type"] or "",
            "metadata": {"source_llm": item["source_llm"], "condition": item["ai_edit_condition"]},
        }
        for item in json.loads(ITEMS.read_text())
        for system, text in item["texts"].items()
    ]


@pytest.mark.parametrize("kind", FORMATS)
def test_lamp_texts_are_imported_whole(tmp_path: Path, kind: str) -> None:
    study = studies.create_study(title="Which reads better?", template="pairwise_creativity")
    rows = lamp_rows()
    path = write(tmp_path / f"lamp.{kind}", rows)

    done = import_material(study=study, path=path, filename=path.name, roles={"AI-generated": "baseline"})

    assert (done.rows, done.added) == (603, 603)
    kept = Output.objects.order_by("pk").values_list("prompt__key", "system__name", "text", "metadata")
    assert list(kept) == [(row["prompt_key"], row["system"], row["text"], row["metadata"]) for row in rows]
    assert Prompt.objects.count() == 201  # of 200 different texts: one source was used twice
    assert missing_cells(study=study).is_complete
    summary = material_summary(study=study)
    assert [(system.name, system.outputs) for system in summary.systems] == [
        ("AI-edited", 201),
        ("AI-generated", 201),
        ("Human-edited", 201),
    ]
    assert import_material(study=study, path=path, filename=path.name).unchanged == 603
