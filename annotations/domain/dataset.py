"""From judgements to the one long table of ``analysis.schema``, streamed."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from django.db import connection, transaction
from django.db.models.functions import Length

from analysis import schema
from annotations.enums import LeaseState, ParticipationState
from annotations.models import Exclusion, Output, Study
from annotations.registry import question_types

from .frames import question_of
from .freezing import output_name
from .masking import mask_of

if TYPE_CHECKING:
    import pandas as pd

CHUNK = 2000
PAIR = 2
# A judgement with all that it hangs on.
JUDGEMENTS = """\
FROM annotations_judgement j
JOIN annotations_lease l ON l.id = j.lease_id
JOIN annotations_booklet b ON b.id = l.booklet_id
JOIN annotations_participation p ON p.id = l.participation_id
JOIN annotations_rater r ON r.id = p.rater_id
JOIN annotations_trial t ON t.id = j.trial_id
JOIN annotations_task task ON task.id = t.task_id
JOIN annotations_prompt prompt ON prompt.id = task.prompt_id
"""
ROWS = f"""
SELECT j.id, r.pseudonym, b.number, l.copy, t.position, t.kind, task.key, prompt.key, prompt.task_family,
       t.output_ids, j.answers, (j.submit_ms - coalesce(j.hidden_ms, 0) - coalesce(j.idle_ms, 0)) / 1000.0, j.late,
       l.state, p.id, p.state, p.simulated, round.number
{JUDGEMENTS}LEFT JOIN annotations_round round ON round.lease_id = l.id
WHERE l.plan_id = %(plan)s
ORDER BY j.id
"""
DESIGN_ROWS = """
SELECT b.number, t.position, t.kind, task.key, prompt.key, t.output_ids, t.dimension_order
FROM annotations_trial t
JOIN annotations_booklet b ON b.id = t.booklet_id
JOIN annotations_task task ON task.id = t.task_id
JOIN annotations_prompt prompt ON prompt.id = task.prompt_id
WHERE b.plan_id = %(plan)s ORDER BY b.number, t.position
"""


class _Judged(NamedTuple):
    """One row of ROWS."""

    judgement: int
    rater: str
    booklet: int
    copy: int
    position: int
    kind: str
    task: str
    prompt: str
    task_family: str
    output_ids: list[int]
    answers: Any
    seconds: Any
    late: bool
    lease_state: str
    participation: int
    participation_state: str
    simulated: bool
    round: int | None


class _Named(NamedTuple):
    """What an output is called, and how many characters it has."""

    system: str
    output: str
    length: float


NOBODY = _Named("", "", float("nan"))


def _stream(sql: str, *, plan_id: int | None) -> Iterator[tuple[Any, ...]]:
    """Read through a cursor of the server, so that memory stays flat at any number of judgements."""
    if plan_id is None:
        return
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, {"plan": plan_id})
        while batch := cursor.fetchmany(CHUNK):
            yield from batch


def rows(*, study: Study) -> Iterator[dict[str, Any]]:
    """Yield the long table of the study's frozen plan: one row per judgement and dimension, or per output as well.

    A row about a pair has slot 0 and both outputs; a row about one output has the slot in which that stood, and nothing
    for the other. Free texts are not numbers: they stand in the export of answers only.

    Judgements of booklets that were not completed are kept and marked excluded, unless the analysis plan declares
    `partial: "include"`: the certificate of balance speaks of complete booklets.
    """
    questions = [question_of(dimension) for dimension in study.dimensions.all()]
    asked = [(question, question_types.get(question.type)) for question in questions]
    keep_partial = study.analysis.get("partial") == "include"
    fixed = {"study": study.slug, "design_hash": study.plan.sha256 if study.plan else ""}
    named, excluded = _names(study=study), _exclusions(study=study)
    for row in map(_Judged._make, _stream(ROWS, plan_id=study.plan_id)):
        reason, checks = _verdict(row, excluded.get(row.participation, ((), ())), keep_partial=keep_partial)
        common = {**fixed, **_common(row), "excluded": bool(reason), "exclusion_reason": reason}
        common["exclusion_checks"] = checks
        shown, answers = [named[pk] for pk in row.output_ids], _decoded(row.answers)
        for question, kind in asked:
            about = {
                "dimension": question.key,
                "question_type": question.type,
                "measure": kind.measure,
                "levels": kind.levels_of(question.options, outputs=len(shown)),
            }
            for scored in kind.rows(answers[question.key], question.options, outputs=len(shown)):
                yield common | _side_by_side(shown, scored.slot) | about | {"answer": scored.answer}


def _common(row: _Judged) -> dict[str, Any]:
    """What all rows of a judgement have in common."""
    return {
        "judgement": str(row.judgement),
        "rater": row.rater,
        "booklet": f"{row.booklet}" if row.copy == 1 else f"{row.booklet}.{row.copy}",
        "position": row.position,
        "kind": row.kind,
        "task": row.task,
        "prompt": row.prompt,
        "task_family": row.task_family,
        "round": row.round or 0,
        "seconds": float(row.seconds) if row.seconds is not None else float("nan"),
        "late": row.late,
        "simulated": row.simulated,
    }


def _side_by_side(shown: list[_Named], slot: int) -> dict[str, Any]:
    """Which output, or which two, a row is about; a row about the whole of a single stimulus is about its output."""
    if slot == 0 and len(shown) == PAIR:
        first, second = shown
    else:
        slot = slot or 1
        first, second = shown[slot - 1], NOBODY
    return {
        "system_a": first.system,
        "output_a": first.output,
        "system_b": second.system,
        "output_b": second.output,
        "slot": slot,
        "length_a": first.length,
        "length_b": second.length,
    }


def _verdict(
    row: _Judged, exclusions: tuple[tuple[str, ...], tuple[str, ...]], *, keep_partial: bool
) -> tuple[str, str]:
    """Return why a judgement is left out, and the checks that led to it."""
    reasons, checks = list(exclusions[0]), ";".join(exclusions[1])
    if row.participation_state == ParticipationState.WITHDRAWN:
        reasons.append(schema.WITHDRAWN)
    elif row.lease_state != LeaseState.COMPLETED and not keep_partial:
        reasons.append(schema.INCOMPLETE)
    return "; ".join(reasons), checks


def _exclusions(*, study: Study) -> dict[int, tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return reasons and checks of the exclusions in force, by participation; a person's decision is "by hand"."""
    found: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    active = Exclusion.objects.filter(participation__study=study, undone_at=None).order_by("pk")
    for person, reason, check in active.values_list("participation_id", "reason", "check_name"):
        reasons, checks = found.get(person, ((), ()))
        found[person] = (
            tuple(dict.fromkeys((*reasons, reason))),
            tuple(dict.fromkeys((*checks, check or schema.BY_HAND))),
        )
    return found


def _names(*, study: Study) -> dict[int, _Named]:
    """Return name and length of every output, counted once per text, however often it was judged."""
    counted = Output.objects.filter(system__study=study).annotate(length=Length("text"))
    values = counted.values_list("pk", "prompt__key", "system__name", "sample", "length")
    return {
        pk: _Named(system, output_name(prompt=prompt, system=system, sample=sample), float(length))
        for pk, prompt, system, sample, length in values.iterator(chunk_size=CHUNK)
    }


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
    """Yield the frozen plan as flat design rows, read back from the database, for recomputing the certificate.

    A pair is one row; of singles and groups every output is one, with its slot (``design.Plan.columns``).
    """
    named = _names(study=study)
    for number, position, kind, task, prompt, output_ids, order in _stream(DESIGN_ROWS, plan_id=study.plan_id):
        common = {"booklet": number, "position": position, "kind": kind, "task": task, "prompt": prompt}
        if order:
            common["dimension_order"] = ",".join(map(str, order))
        shown = [named[pk] for pk in output_ids]
        for slot in (0,) if len(shown) == PAIR else range(1, len(shown) + 1):
            about = _side_by_side(shown, slot)
            del about["length_a"], about["length_b"]
            if not slot:
                del about["slot"]
            yield common | about


def text_index(*, study: Study) -> dict[tuple[str, str], tuple[str, str]]:
    """Map (prompt text, output text) to (system, output name): what simulated raters need to know what they read.

    A check may show a text of the study beside a broken one; it is known as the text of the study.
    """
    found = {}
    for prompt in study.prompts.order_by("-is_check", "pk").prefetch_related("outputs__system"):
        for output in prompt.outputs.all():
            name = output_name(prompt=prompt.key, system=output.system.name, sample=output.sample)
            found[prompt.text, output.text] = (output.system.name, name)
    return found
