"""What a study's material looks like: which cells are missing, how many samples there are, how long the texts are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotations.models import Study

LISTED = 50
EXAMPLES = 3

# One row per cell of prompt × system with its number of outputs. Attention checks are no material.
GRID = """
WITH prompt AS (SELECT id, key FROM annotations_prompt WHERE study_id = %(study)s AND NOT is_check),
     system AS (SELECT id, name, role FROM annotations_system WHERE study_id = %(study)s AND role <> 'check'),
     filled AS (SELECT o.prompt_id, o.system_id, count(*) AS samples
                FROM annotations_output o JOIN prompt ON prompt.id = o.prompt_id GROUP BY 1, 2),
     grid AS (SELECT prompt.id, prompt.key, system.name, system.role, coalesce(filled.samples, 0) AS samples
              FROM prompt CROSS JOIN system
              LEFT JOIN filled ON filled.prompt_id = prompt.id AND filled.system_id = system.id)
"""
SIZES = "SELECT (SELECT count(*) FROM prompt), (SELECT array_agg(name ORDER BY name) FROM system)"
MISSING = "SELECT key, name, count(*) OVER () FROM grid WHERE samples = 0 ORDER BY id, name LIMIT %(most)s"
MISSING_BY_SYSTEM = "SELECT name, count(*) FROM grid WHERE samples = 0 GROUP BY name ORDER BY name"
UNEQUAL = """
SELECT key, jsonb_object_agg(name, samples), count(*) OVER () FROM grid WHERE samples > 0
GROUP BY id, key HAVING min(samples) <> max(samples) ORDER BY id LIMIT %(most)s
"""
# Words are runs of what is no white space. A trial of two identical texts has no answer.
BY_SYSTEM = """
SELECT s.name, s.role, count(o.id), count(DISTINCT o.prompt_id), coalesce(avg(w.words), 0)::float,
       coalesce(min(w.words), 0), coalesce(max(w.words), 0)
FROM annotations_system s
LEFT JOIN annotations_output o ON o.system_id = s.id
LEFT JOIN LATERAL (SELECT regexp_count(o.text, '\\S+') AS words) w ON o.id IS NOT NULL
WHERE s.study_id = %(study)s AND s.role <> 'check' GROUP BY s.id, s.name, s.role ORDER BY s.name
"""
SAMPLES = "SELECT name, min(samples), max(samples) FROM grid WHERE samples > 0 GROUP BY name"
SAME_TEXT = """
SELECT p.key, array_agg(DISTINCT s.name ORDER BY s.name), count(*) OVER ()
FROM annotations_output o
JOIN annotations_prompt p ON p.id = o.prompt_id AND p.study_id = %(study)s AND NOT p.is_check
JOIN annotations_system s ON s.id = o.system_id
GROUP BY p.id, p.key, sha256(convert_to(o.text, 'UTF8')) HAVING count(DISTINCT s.id) > 1
ORDER BY p.id LIMIT %(most)s
"""
FAMILIES = """
SELECT task_family, count(*) FROM annotations_prompt WHERE study_id = %(study)s AND NOT is_check
GROUP BY task_family ORDER BY task_family
"""


@dataclass(frozen=True, slots=True)
class MissingCell:
    """A prompt that a system has not answered."""

    prompt: str
    system: str


@dataclass(frozen=True, slots=True)
class UnequalCell:
    """A prompt that the systems have not answered equally often; `samples` by system, those with none left out."""

    prompt: str
    samples: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class MissingCells:
    """What is missing in prompt × system; the lists hold the first LISTED, the counts all."""

    prompts: int
    systems: tuple[str, ...]
    missing: tuple[MissingCell, ...]
    missing_count: int
    missing_by_system: Mapping[str, int]
    unequal: tuple[UnequalCell, ...]
    unequal_count: int

    @property
    def is_complete(self) -> bool:
        """Every system has answered every prompt, equally often."""
        return not (self.missing_count or self.unequal_count)

    @property
    def words(self) -> tuple[str, ...]:
        """The same as sentences; none when nothing is missing."""
        return tuple(self._sentences())

    def _sentences(self) -> Iterator[str]:
        if self.missing_count:
            cells = self.prompts * len(self.systems)
            yield f"{self.missing_count:,} of {cells:,} cells of prompt × system have no output."
        for system, count in self.missing_by_system.items():
            keys = [f"“{cell.prompt}”" for cell in self.missing if cell.system == system][:EXAMPLES]
            examples = f": {', '.join(keys)}{', …' if count > len(keys) else ''}" if keys else ""
            yield f"“{system}” has no output for {counted(count, 'prompt')}{examples}."
        if self.unequal_count:
            first = self.unequal[0]
            samples = ", ".join(f"“{name}” {count}" for name, count in first.samples.items())
            yield (
                f"For {counted(self.unequal_count, 'prompt')} the systems have unequal numbers of samples, "
                f"e.g. “{first.prompt}”: {samples}."
            )


@dataclass(frozen=True, slots=True)
class SystemSummary:
    """One system's outputs; samples are per prompt that it answered, words per output."""

    name: str
    role: str
    outputs: int
    prompts: int
    samples: tuple[int, int]
    words_mean: float
    words: tuple[int, int]


@dataclass(frozen=True, slots=True)
class SameText:
    """Systems that gave one prompt the very same text."""

    prompt: str
    systems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MaterialSummary:
    """The material in numbers; `same_texts` holds the first LISTED of `same_text_count`."""

    prompts: int
    outputs: int
    systems: tuple[SystemSummary, ...]
    families: Mapping[str, int]
    same_texts: tuple[SameText, ...]
    same_text_count: int


def missing_cells(*, study: Study) -> MissingCells:
    """Return the cells of prompt × system without an output, and the prompts with unequal numbers of samples."""
    prompts, systems = _rows(GRID + SIZES, study)[0]
    missing = _rows(GRID + MISSING, study)
    unequal = _rows(GRID + UNEQUAL, study)
    return MissingCells(
        prompts=prompts,
        systems=tuple(systems or ()),
        missing=tuple(MissingCell(prompt, system) for prompt, system, _ in missing),
        missing_count=missing[0][2] if missing else 0,
        missing_by_system=dict(_rows(GRID + MISSING_BY_SYSTEM, study)) if missing else {},
        unequal=tuple(UnequalCell(prompt, dict(sorted(_parsed(samples).items()))) for prompt, samples, _ in unequal),
        unequal_count=unequal[0][2] if unequal else 0,
    )


def material_summary(*, study: Study) -> MaterialSummary:
    """Return the numbers of prompts, outputs, samples and words by system, and texts that two systems share."""
    samples = {name: (least, most) for name, least, most in _rows(GRID + SAMPLES, study)}
    families = dict(_rows(FAMILIES, study))
    same = _rows(SAME_TEXT, study)
    systems = tuple(
        SystemSummary(name, role, outputs, prompts, samples.get(name, (0, 0)), mean, (least, most))
        for name, role, outputs, prompts, mean, least, most in _rows(BY_SYSTEM, study)
    )
    return MaterialSummary(
        prompts=sum(families.values()),
        outputs=sum(system.outputs for system in systems),
        systems=systems,
        families=families,
        same_texts=tuple(SameText(prompt, tuple(names)) for prompt, names, _ in same),
        same_text_count=same[0][2] if same else 0,
    )


def _rows(sql: str, study: Study) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"study": study.pk, "most": LISTED})
        return list(cursor.fetchall())


def _parsed(found: Any) -> dict[str, int]:
    """Django hands JSONB of plain queries over as text."""
    return json.loads(found) if isinstance(found, str) else dict(found)


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
