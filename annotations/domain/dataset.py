"""From judgements to the one long table of ``analysis.schema``, streamed."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TextIO

from django.db import connection, transaction
from django.db.models.functions import Length

from analysis import schema
from annotations.enums import LeaseState
from annotations.models import Output, Study
from annotations.registry import question_types

from .frames import question_of
from .freezing import output_name
from .masking import mask_of

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 2000
# From a trial `t` to its task, its prompt, and the outputs that stood left (a) and right (b).
SHOWN = """\
JOIN annotations_task task ON task.id = t.task_id
JOIN annotations_prompt prompt ON prompt.id = task.prompt_id
JOIN annotations_output a ON a.id = t.output_ids[1]
JOIN annotations_system sa ON sa.id = a.system_id
JOIN annotations_prompt pa ON pa.id = a.prompt_id
LEFT JOIN annotations_output o ON o.id = t.output_ids[2]
LEFT JOIN annotations_system sb ON sb.id = o.system_id
LEFT JOIN annotations_prompt pb ON pb.id = o.prompt_id"""
ROWS = f"""
SELECT j.id, r.pseudonym, b.number, l.copy, t.position, t.kind, task.key, prompt.key, prompt.task_family,
       sa.name, pa.key || '/' || sa.name || '/' || a.sample, sb.name, pb.key || '/' || sb.name || '/' || o.sample,
       a.id, o.id, j.answers,
       (j.submit_ms - coalesce(j.hidden_ms, 0) - coalesce(j.idle_ms, 0)) / 1000.0, j.late, l.state, p.simulated,
       (SELECT x.reason FROM annotations_exclusion x
        WHERE x.participation_id = p.id AND x.undone_at IS NULL ORDER BY x.id LIMIT 1)
FROM annotations_judgement j
JOIN annotations_lease l ON l.id = j.lease_id
JOIN annotations_booklet b ON b.id = l.booklet_id
JOIN annotations_participation p ON p.id = l.participation_id
JOIN annotations_rater r ON r.id = p.rater_id
JOIN annotations_trial t ON t.id = j.trial_id
{SHOWN}
WHERE l.plan_id = %(plan)s
ORDER BY j.id
"""  # noqa: S608
DESIGN_ROWS = f"""
SELECT b.number AS booklet, t.position, t.kind, task.key AS task, prompt.key AS prompt,
       pa.key || '/' || sa.name || '/' || a.sample AS output_a, sa.name AS system_a,
       pb.key || '/' || sb.name || '/' || o.sample AS output_b, sb.name AS system_b
FROM annotations_trial t
JOIN annotations_booklet b ON b.id = t.booklet_id
{SHOWN}
WHERE b.plan_id = %(plan)s ORDER BY b.number, t.position
"""  # noqa: S608
INCOMPLETE = "booklet not completed"


def _stream(sql: str, *, plan_id: int | None) -> Iterator[tuple[Any, ...]]:
    """Read through a cursor of the server, so that memory stays flat at any number of judgements."""
    if plan_id is None:
        return
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, {"plan": plan_id})
        while batch := cursor.fetchmany(CHUNK):
            yield from batch


def rows(*, study: Study) -> Iterator[dict[str, Any]]:
    """Yield the long table of the study's frozen plan, one row per judgement and dimension.

    Judgements of booklets that were not completed are kept and marked excluded, unless the analysis plan declares
    `partial: "include"`: the certificate of balance speaks of complete booklets.
    """
    questions = [question_of(dimension) for dimension in study.dimensions.all()]
    kinds = {question.key: question_types.get(question.type) for question in questions}
    keep_partial = study.analysis.get("partial") == "include"
    design_hash = study.plan.sha256 if study.plan else ""
    lengths = _lengths(study=study)
    for row in _stream(ROWS, plan_id=study.plan_id):
        *_, answers, seconds, late, lease_state, simulated, reason = row
        if not reason and lease_state != LeaseState.COMPLETED and not keep_partial:
            reason = INCOMPLETE
        common = {
            "study": study.slug,
            "design_hash": design_hash,
            "judgement": str(row[0]),
            "rater": row[1],
            "booklet": f"{row[2]}" if row[3] == 1 else f"{row[2]}.{row[3]}",
            "position": row[4],
            "kind": row[5],
            "task": row[6],
            "prompt": row[7],
            "task_family": row[8],
            "system_a": row[9],
            "output_a": row[10],
            "system_b": row[11] or "",
            "output_b": row[12] or "",
            "slot": 0,
            "length_a": lengths.get(row[13], float("nan")),
            "length_b": lengths.get(row[14], float("nan")),
            "seconds": float(seconds) if seconds is not None else float("nan"),
            "late": late,
            "excluded": bool(reason),
            "exclusion_reason": reason or "",
            "simulated": simulated,
        }
        for question in questions:
            kind = kinds[question.key]
            yield common | {
                "dimension": question.key,
                "question_type": question.type,
                "measure": kind.measure,
                "answer": kind.score(_decoded(answers)[question.key], question.options),
                "levels": kind.levels(question.options),
            }


def _lengths(*, study: Study) -> dict[int, float]:
    """Return the characters of every output: counted once per text, however often it was judged."""
    counted = Output.objects.filter(system__study=study).annotate(length=Length("text"))
    return {pk: float(length) for pk, length in counted.values_list("pk", "length")}


def _decoded(answers: Any) -> dict[str, Any]:
    if isinstance(answers, str):
        import json

        return dict(json.loads(answers))
    return dict(answers)


def masked_rows(*, study: Study, design_hash: str) -> Iterator[dict[str, Any]]:
    """Yield the long table with letters in place of the systems' names, under the hash of the plan without names."""
    mask = mask_of(study=study)
    return (mask.row(row) | {"design_hash": design_hash} for row in rows(study=study))


def column_types() -> tuple[tuple[str, str], ...]:
    """Return the columns of the long table in order, each with its type: str, int64, float64 or bool."""
    return tuple((column.name, column.dtype) for column in schema.COLUMNS)


def long_table(*, study: Study, source: Iterable[Mapping[str, Any]] | None = None) -> pd.DataFrame:
    """Return the long table as a validated data frame; an empty one has all columns. `source`: rows to take instead."""
    import pandas as pd

    found = list(rows(study=study) if source is None else source)
    frame = pd.DataFrame.from_records(found, columns=list(schema.NAMES))
    return schema.validate(frame, source=f"study {study.slug}") if len(frame) else schema.empty()


def write_csv(*, study: Study, target: TextIO, source: Iterable[Mapping[str, Any]] | None = None) -> int:
    """Stream the long table as CSV; returns the number of rows. `source`: rows to write instead."""
    writer = csv.DictWriter(target, fieldnames=schema.NAMES)
    writer.writeheader()
    count = 0
    for row in rows(study=study) if source is None else source:
        writer.writerow({name: "" if _is_nan(value) else value for name, value in row.items()})
        count += 1
    return count


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)


def trial_rows(*, study: Study) -> Iterator[dict[str, Any]]:
    """Yield the frozen plan as flat design rows, read back from the database, for recomputing the certificate."""
    names = ("booklet", "position", "kind", "task", "prompt", "output_a", "system_a", "output_b", "system_b")
    for row in _stream(DESIGN_ROWS, plan_id=study.plan_id):
        yield dict(zip(names, row, strict=True))


def text_index(*, study: Study) -> dict[tuple[str, str], tuple[str, str]]:
    """Map (prompt text, output text) to (system, output name): what simulated raters need to know what they read."""
    found = {}
    for prompt in study.prompts.prefetch_related("outputs__system"):
        for output in prompt.outputs.all():
            name = output_name(prompt=prompt.key, system=output.system.name, sample=output.sample)
            found[prompt.text, output.text] = (output.system.name, name)
    return found
