"""Whatever the records are, CSV, JSON lines and Parquet say the same, and the database keeps it."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from annotations.domain.materials import content_hash, import_material
from annotations.models import Output, Study
from tests.annotations.plugins.sources.material_files import FORMATS, read, write

# Everything that UTF-8 can say, but NUL, which PostgreSQL cannot keep.
LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
TEXTS = st.text(LETTERS, min_size=1, max_size=60).filter(
    lambda text: any(letter.isprintable() and not letter.isspace() for letter in text)
)
NAMES = TEXTS.map(lambda text: text.replace("\r", "\n").replace("/", "-").strip())
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(LETTERS, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=4), inner, max_size=3),
    max_leaves=5,
)
METADATA = st.dictionaries(st.text(LETTERS, min_size=1, max_size=6), JSON_VALUES, max_size=3)


@st.composite
def materials(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Sound rows: up to 4 prompts × 3 systems × 3 samples, with holes."""
    prompts = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    families = {prompt: draw(st.one_of(st.just(""), NAMES)) for prompt in prompts}
    systems = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    cells = [(prompt, system, sample) for prompt in prompts for system in systems for sample in (0, 3, 70_000)]
    chosen = draw(st.lists(st.sampled_from(cells), min_size=1, unique=True))
    return [
        {
            "prompt": prompt,
            "system": system,
            "sample": sample,
            "text": draw(TEXTS),
            "task_family": families[prompt],
            "prompt_key": f"key {prompts.index(prompt)}",
            "metadata": draw(METADATA),
        }
        for prompt, system, sample in chosen
    ]


@given(rows=materials())
@settings(max_examples=60, deadline=None)
def test_sources_read_the_same_records_from_every_format(rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {kind: read(write(Path(folder) / f"outputs.{kind}", rows)) for kind in FORMATS}

    assert found["csv"] == found["jsonl"] == found["parquet"]
    assert [(r.prompt, r.system, r.sample, r.text, r.metadata) for r in found["csv"]] == [
        (row["prompt"], row["system"], row["sample"], row["text"], row["metadata"]) for row in rows
    ]


@pytest.mark.django_db
@given(rows=materials())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_import_keeps_the_same_rows_from_every_format(db: None, rows: list[dict[str, Any]]) -> None:
    kept = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in FORMATS:
            study = Study.objects.create(title=kind)
            path = write(Path(folder) / f"outputs.{kind}", rows)
            done = import_material(study=study, path=path, filename=path.name)
            again = import_material(study=study, path=path, filename=path.name)
            assert (done.added, again.added, again.unchanged) == (len(rows), 0, len(rows))
            kept[kind] = rows_of(study)

    assert kept["csv"] == kept["jsonl"] == kept["parquet"]
    assert kept["csv"] == [expected(row) for row in rows]


def rows_of(study: Study) -> list[tuple[Any, ...]]:
    names = ("prompt__key", "prompt__text", "prompt__task_family", "system__name", "sample", "text")
    found = Output.objects.filter(prompt__study=study).order_by("pk")
    return [
        (*row, dumped(metadata), digest)
        for *row, metadata, digest in found.values_list(*names, "metadata", "content_hash")
    ]


def expected(row: dict[str, Any]) -> tuple[Any, ...]:
    """The row as the database keeps it: every line end a newline."""
    text = row["text"].replace("\r\n", "\n").replace("\r", "\n")
    parts = {name: row[name] for name in ("prompt_key", "prompt", "system", "sample")}
    names = ("prompt_key", "prompt", "task_family", "system", "sample")
    return (*(row[name] for name in names), text, dumped(row["metadata"]), content_hash(**parts, text=text))


def dumped(metadata: dict[str, Any]) -> str:
    return json.dumps(metadata, sort_keys=True)
