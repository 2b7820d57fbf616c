"""What is missing and what is there: counts equal a recount, sentences say them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from annotations.domain import attention, studies
from annotations.domain.material_overview import LISTED, MissingCell, SameText, UnequalCell
from annotations.domain.materials import import_material, material_summary, missing_cells
from annotations.models import Output, Study, System
from tests.annotations.plugins.sources.material_files import write

pytestmark = pytest.mark.django_db
Cells = dict[tuple[str, str], int]


@pytest.fixture
def bring(tmp_path: Path) -> Callable[..., Study]:
    """A study with so many samples per (prompt, system)."""

    def run(cells: Cells, **changes: Any) -> Study:
        study = studies.create_study(title="What is original?", template="pairwise_creativity")
        rows = [
            {"prompt": prompt, "prompt_key": prompt, "system": system, "text": f"{prompt} {system} {number}"} | changes
            for (prompt, system), count in cells.items()
            for number in range(count)
        ]
        path = write(tmp_path / "outputs.csv", rows)
        import_material(study=study, path=path, filename=path.name)
        return study

    return run


def grid(prompts: int, systems: str = "abc", samples: int = 1) -> Cells:
    return {(f"p{number}", system): samples for number in range(prompts) for system in systems}


def test_missing_cells_of_complete_material_are_none(bring: Callable[..., Study]) -> None:
    study = bring(grid(4, samples=2))

    found = missing_cells(study=study)

    assert found.is_complete
    assert found.words == ()
    assert (found.prompts, found.systems) == (4, ("a", "b", "c"))


def test_missing_cells_are_listed_counted_and_said(bring: Callable[..., Study]) -> None:
    cells = grid(6)
    for number in range(5):
        del cells[f"p{number}", "b"]
    del cells["p5", "a"]
    study = bring(cells)

    found = missing_cells(study=study)

    assert not found.is_complete
    assert set(found.missing) == {MissingCell("p5", "a"), *(MissingCell(f"p{number}", "b") for number in range(5))}
    assert (found.missing_count, dict(found.missing_by_system)) == (6, {"a": 1, "b": 5})
    assert found.words == (
        "6 of 18 cells of prompt × system have no output.",
        "“a” has no output for 1 prompt: “p5”.",
        "“b” has no output for 5 prompts: “p0”, “p1”, “p2”, ….",
    )


def test_missing_cells_tell_unequal_numbers_of_samples(bring: Callable[..., Study]) -> None:
    study = bring(grid(3, samples=2) | {("p1", "c"): 1, ("p2", "a"): 5})

    found = missing_cells(study=study)

    assert found.missing_count == 0
    assert found.unequal == (UnequalCell("p1", {"a": 2, "b": 2, "c": 1}), UnequalCell("p2", {"a": 5, "b": 2, "c": 2}))
    assert found.words == (
        "For 2 prompts the systems have unequal numbers of samples, e.g. “p1”: “a” 2, “b” 2, “c” 1.",
    )


def test_missing_cells_lists_are_bounded_and_counts_are_not(bring: Callable[..., Study]) -> None:
    study = bring(grid(LISTED + 30, "a") | {("p0", "b"): 1})

    found = missing_cells(study=study)

    assert len(found.missing) == LISTED
    assert found.missing_count == LISTED + 29


def test_missing_cells_and_summary_pass_over_attention_checks(bring: Callable[..., Study]) -> None:
    study = bring(grid(2))
    attention.ensure_checks(study=study)

    found, summary = missing_cells(study=study), material_summary(study=study)

    assert found.is_complete
    assert (summary.prompts, summary.outputs, len(summary.systems)) == (2, 6, 3)


def test_missing_cells_and_summary_of_an_empty_study() -> None:
    study = studies.create_study(title="Empty", template="pairwise_creativity")

    found, summary = missing_cells(study=study), material_summary(study=study)

    assert (found.prompts, found.systems, found.words) == (0, (), ())
    assert (summary.prompts, summary.outputs, summary.systems, summary.same_texts) == (0, 0, (), ())


def test_summary_counts_what_a_recount_counts(bring: Callable[..., Study]) -> None:
    study = bring(grid(5, samples=2) | {("p0", "a"): 4}, task_family="AUT")
    Output.objects.filter(system__name="b").update(text=" two\u2009words\n")
    Output.objects.filter(system__name="c", prompt__key="p0").update(text="one two three  four\tfive")

    found = material_summary(study=study)

    assert dict(found.families) == {"AUT": 5}
    for system in found.systems:
        outputs = list(Output.objects.filter(system__name=system.name).values_list("prompt", "text"))
        words = [len(text.split()) for _, text in outputs]
        samples = [len(list(group)) for _, group in itertools.groupby(sorted(prompt for prompt, _ in outputs))]
        assert (system.outputs, system.prompts) == (len(outputs), len(samples))
        assert system.samples == (min(samples), max(samples))
        assert system.words == (min(words), max(words))
        assert system.words_mean == pytest.approx(sum(words) / len(words), rel=1e-12)


def test_summary_finds_texts_that_systems_share(bring: Callable[..., Study]) -> None:
    study = bring(grid(3, samples=2))
    Output.objects.filter(prompt__key="p1", sample=1).update(text="the very same")
    Output.objects.filter(prompt__key="p2", system__name="a").update(text="twice by one system")

    found = material_summary(study=study)

    assert found.same_texts == (SameText("p1", ("a", "b", "c")),)
    assert found.same_text_count == 1


@pytest.mark.parametrize("prompts", [2, 40])
def test_overview_takes_the_same_queries_however_much_there_is(bring: Callable[..., Study], prompts: int) -> None:
    study = bring(grid(prompts) | {("p0", "z"): 2})

    with CaptureQueriesContext(connection) as queries:
        missing_cells(study=study)
        material_summary(study=study)

    assert len(queries) == 10


def test_summary_follows_what_is_added_and_taken_away(bring: Callable[..., Study]) -> None:
    study = bring(grid(2))
    before = material_summary(study=study)
    Output.objects.filter(prompt__key="p1", system__name="a").update(text="one two three", content_hash="other")
    System.objects.filter(name="b").update(role="baseline")
    extra = Output.objects.create(
        prompt=study.prompts.get(key="p0"),
        system=study.systems.get(name="a"),
        sample=7,
        text="1 2 3 4",
        content_hash="h",
    )

    added = material_summary(study=study)
    extra.delete()
    removed = material_summary(study=study)

    assert [system.words_mean for system in before.systems] == [3.0, 3.0, 3.0]
    assert [system.words for system in added.systems] == [(3, 4), (3, 3), (3, 3)]
    assert [system.words for system in removed.systems] == [(3, 3), (3, 3), (3, 3)]
    assert [system.role for system in added.systems] == ["treatment", "baseline", "treatment"]
