"""Fixtures of the tests of refusals: a study, and an import that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from annotations.domain import studies
from annotations.domain.materials import import_material
from annotations.enums import JobState
from annotations.errors import MaterialRefused
from annotations.models import Event, Output, Prompt, Study, System

Refused = list[tuple[int, str, str]]
Refuse = Callable[..., Refused]


@pytest.fixture
def study(db: None) -> Study:
    return studies.create_study(title="What is original?", template="pairwise_creativity")


@pytest.fixture
def refuse(study: Study) -> Refuse:
    """Import a file that must be refused; returns row, column and reason after checking that nothing was written."""

    def run(path: Path, **options: Any) -> Refused:
        before = snapshot(study)
        with pytest.raises(MaterialRefused) as caught:
            import_material(study=study, path=path, filename=path.name, **options)
        assert snapshot(study) == before
        kept = study.imports.first()
        assert kept is not None
        assert (kept.state, kept.filename, kept.added, kept.rows) == (JobState.REFUSED, path.name, 0, 0)
        assert kept.problems == [problem.as_dict() for problem in caught.value.problems]
        assert kept.message == str(caught.value)
        assert {problem.file for problem in caught.value.problems} == {path.name}
        return [(problem.row, problem.column, problem.reason) for problem in caught.value.problems]

    return run


def snapshot(study: Study) -> list[list[Any]]:
    models = (Output, Prompt, System)
    events = list(Event.objects.filter(study=study).values_list("name", flat=True))
    return [events, *([dict(row) for row in model.objects.order_by("pk").values()] for model in models)]  # type: ignore[attr-defined]
