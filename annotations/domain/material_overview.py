"""What a study's material looks like: which cells are missing, how many samples there are, how long the texts are."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection

from annotations.models import Output, Study

LISTED = 50
EXAMPLES = 3
CHUNK = 2000

# One row per cell of prompt × system with its number of outputs. Attention checks are no material, nor is a prompt of
# which preparation left every output out.
GRID = """
WITH prompt AS (SELECT p.id, p.key FROM annotations_prompt p WHERE p.study_id = %(study)s AND NOT p.is_check
                AND (NOT EXISTS (SELECT 1 FROM annotations_output o WHERE o.prompt_id = p.id)
                     OR EXISTS (SELECT 1 FROM annotations_output o WHERE o.prompt_id = p.id AND o.left_out = ''))),
     system AS (SELECT id, name, role FROM annotations_system WHERE study_id = %(study)s AND role <> 'check'),
     filled AS (SELECT o.prompt_id, o.system_id, count(*) AS samples
                FROM annotations_output o JOIN prompt ON prompt.id = o.prompt_id WHERE o.left_out = '' GROUP BY 1, 2),
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
# Outputs are added, deleted, prepared and left out: this tells whether the numbers over their texts are still true.
STAMP = """
SELECT count(*), coalesce(max(o.id), 0),
       concat_ws(' ', sum(o.id), sum(o.id) FILTER (WHERE o.left_out <> ''), sum(hashtext(o.prepared)),
                 (SELECT md5(preparation::text) FROM annotations_study WHERE id = %(study)s))
FROM annotations_output o JOIN annotations_system s ON s.id = o.system_id WHERE s.study_id = %(study)s
"""
# A trial of two identical texts has no answer.
SAME_TEXT = """
SELECT id, ARRAY(SELECT DISTINCT x.system_id FROM annotations_output x
                 WHERE x.prompt_id = found.id AND x.left_out = '' AND hashtextextended(x.text, 0) = found.digest),
       total
FROM (SELECT p.id, hashtextextended(o.text, 0) AS digest, count(*) OVER () AS total
      FROM annotations_output o
      JOIN annotations_prompt p ON p.id = o.prompt_id AND p.study_id = %(study)s AND NOT p.is_check
      WHERE o.left_out = ''
      GROUP BY p.id, digest HAVING min(o.system_id) < max(o.system_id) ORDER BY p.id LIMIT %(most)s) found
ORDER BY id
"""
BY_SYSTEM = """
SELECT s.id, s.name, s.role, count(o.id), count(DISTINCT o.prompt_id)
FROM annotations_system s LEFT JOIN annotations_output o ON o.system_id = s.id AND o.left_out = ''
WHERE s.study_id = %(study)s AND s.role <> 'check' GROUP BY s.id, s.name, s.role ORDER BY s.name
"""
SAMPLES = "SELECT name, min(samples), max(samples) FROM grid WHERE samples > 0 GROUP BY name"
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
    prompts, systems = _rows(GRID + SIZES, study.pk)[0]
    missing = _rows(GRID + MISSING, study.pk)
    unequal = _rows(GRID + UNEQUAL, study.pk)
    return MissingCells(
        prompts=prompts,
        systems=tuple(systems or ()),
        missing=tuple(MissingCell(prompt, system) for prompt, system, _ in missing),
        missing_count=missing[0][2] if missing else 0,
        missing_by_system=dict(_rows(GRID + MISSING_BY_SYSTEM, study.pk)) if missing else {},
        unequal=tuple(UnequalCell(prompt, dict(sorted(_parsed(samples).items()))) for prompt, samples, _ in unequal),
        unequal_count=unequal[0][2] if unequal else 0,
    )


def material_summary(*, study: Study) -> MaterialSummary:
    """Return the numbers of prompts, outputs, samples and words by system, and texts that two systems share."""
    samples = {name: (least, most) for name, least, most in _rows(GRID + SAMPLES, study.pk)}
    families = dict(_rows(FAMILIES, study.pk))
    words, same = _text_numbers(study.pk, _rows(STAMP, study.pk)[0])
    systems, names = [], {}
    for key, name, role, outputs, prompts in _rows(BY_SYSTEM, study.pk):
        mean, least, most = words.get(key, (0.0, 0, 0))
        systems.append(SystemSummary(name, role, outputs, prompts, samples.get(name, (0, 0)), mean, (least, most)))
        names[key] = name
    keys = dict(study.prompts.filter(pk__in=[prompt for prompt, _, _ in same]).values_list("pk", "key"))
    return MaterialSummary(
        prompts=sum(families.values()),
        outputs=sum(system.outputs for system in systems),
        systems=tuple(systems),
        families=families,
        same_texts=tuple(SameText(keys[prompt], tuple(sorted(names[key] for key in ids))) for prompt, ids, _ in same),
        same_text_count=same[0][2] if same else 0,
    )


@lru_cache(maxsize=32)
def _text_numbers(
    study_id: int, stamp: tuple[int, int, str]
) -> tuple[dict[int, tuple[float, int, int]], list[tuple[int, list[int], int]]]:
    """Return what takes reading all texts: mean, least and most words by system, and the texts that systems share."""
    if not stamp[0]:
        return {}, []
    return _word_counts(study_id), [(prompt, ids, total) for prompt, ids, total in _rows(SAME_TEXT, study_id)]


def _word_counts(study_id: int) -> dict[int, tuple[float, int, int]]:
    """Counted here, not by the database, whose regular expressions take five times as long."""
    found: dict[int, list[int]] = {}
    outputs = Output.objects.filter(prompt__study=study_id, prompt__is_check=False, left_out="")
    texts = outputs.values_list("system_id", "text")
    for system, text in texts.iterator(chunk_size=CHUNK):
        words = len(text.split())
        counts = found.setdefault(system, [0, 0, words, words])
        counts[:] = counts[0] + 1, counts[1] + words, min(counts[2], words), max(counts[3], words)
    return {system: (total / count, least, most) for system, (count, total, least, most) in found.items()}


def _rows(sql: str, study_id: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"study": study_id, "most": LISTED})
        return list(cursor.fetchall())


def _parsed(found: Any) -> dict[str, int]:
    """Django hands JSONB of plain queries over as text."""
    return json.loads(found) if isinstance(found, str) else dict(found)


def counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
