"""A small study in the making, through the real verbs, and the answers that simulated raters left in it."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from annotations.domain import dataset, editing, materials, planning, studies
from annotations.models import Participation, Study

SYSTEMS = ("baseline", "steered", "reference")


def write_texts(path: Path, *, prompts: int) -> Path:
    """One sample per cell; letters outside ASCII and signs of HTML must survive the way to the page and back."""
    rows = [
        {
            "prompt": f"Uses for thing {number} & co.",
            "system": system,
            "text": f"Use {number}.{at}: “<b>né</b>”\n\nEnd.",
        }
        for number in range(prompts)
        for at, system in enumerate(SYSTEMS)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def make_draft(transactional_db: None, tmp_path: Path) -> Callable[..., Study]:
    """`make_draft(**design)`: 6 prompts × 3 systems, 2 raters a task, 6 trials each; of pairs 6 booklets."""

    def make(*, prompts: int = 6, **design: Any) -> Study:
        study = studies.create_study(title="Ideas", template="pairwise_creativity")
        path = write_texts(tmp_path / "texts.jsonl", prompts=prompts)
        materials.import_material(study=study, path=path, filename=path.name, roles={"baseline": "baseline"})
        wishes = {"raters_per_task": 2, "trials_per_rater": 6, "attention_trials": 0, "repeat_trials": 0} | design
        editing.edit_design(study=study, spec=replace(planning.spec_of(study=study), **wishes))
        return study

    return make


@pytest.fixture
def open_up() -> Callable[[Study], Study]:
    """`open_up(study)`: frozen and open."""

    def freeze_and_open(study: Study) -> Study:
        planning.freeze_study(study=study)
        return studies.open_study(study=study)

    return freeze_and_open


@pytest.fixture
def make_open_study(make_draft: Callable[..., Study], open_up: Callable[[Study], Study]) -> Callable[..., Study]:
    """`make_open_study(questions={…}, **design)`: `make_draft` with the template's questions changed, and open."""

    def make(*, prompts: int = 6, questions: dict[str, Any] | None = None, **design: Any) -> Study:
        study = make_draft(prompts=prompts, **design)
        study.dimensions.update(**questions or {})
        return open_up(study)

    return make


@pytest.fixture
def answers_of() -> Callable[[Study], dict[tuple[str, ...], float]]:
    """Answers by what was asked of whom: nothing in it depends on ids of the database or on the order of arrival."""

    def read(study: Study) -> dict[tuple[str, ...], float]:
        persons = dict(Participation.objects.filter(study=study).values_list("rater__pseudonym", "identity__person"))
        return {
            (persons[row["rater"]], str(row["position"]), row["output_a"], row["output_b"], row["dimension"]): row[
                "answer"
            ]
            for row in dataset.rows(study=study)
        }

    return read
