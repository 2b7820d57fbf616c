"""What can be taken along from a study: the rows that every export reads, and the verb that writes a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, BinaryIO

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction

from annotations.blind import Question
from annotations.errors import NotAllowed
from annotations.models import Event, Output, PathAnswer, Study
from annotations.registry import Scored, exports, question_types

from . import dataset, masking, reporting, scores
from .events import event_row, log_event
from .frames import question_of

CHUNK = 2000
MIDDLE = 0.5  # of a choice: 1 is the first output, 0 the second
# One line per judgement; the outputs' names in the order of the screen.
ANSWERS = """
SELECT j.id, r.pseudonym, b.number, l.copy, t.position, t.kind, task.key, prompt.key, prompt.task_family, prompt.text,
       j.answers, j.first_answer_ms, j.submit_ms, j.hidden_ms, j.idle_ms, j.evidence, j.late, l.state, p.simulated,
       (SELECT x.reason FROM annotations_exclusion x
        WHERE x.participation_id = p.id AND x.undone_at IS NULL ORDER BY x.id LIMIT 1),
       j.created_at, t.output_ids
{judgements}WHERE l.plan_id = %(plan)s {narrowed}
ORDER BY j.id
"""
FIELDS = (
    *("judgement", "rater", "booklet", "copy", "position", "kind", "task", "prompt", "task_family", "text"),
    *("answers", "first_answer_ms", "submit_ms", "hidden_ms", "idle_ms", "evidence", "late", "lease", "simulated"),
    *("excluded_because", "at", "output_ids"),
)
OUTPUTS = """
SELECT o.id, pr.key || '/' || s.name || '/' || o.sample, s.name
FROM annotations_output o
JOIN annotations_system s ON s.id = o.system_id
JOIN annotations_prompt pr ON pr.id = o.prompt_id
WHERE pr.study_id = %(study)s
"""
TEXTS = "SELECT id, text FROM annotations_output WHERE id = ANY(%(ids)s)"


class Rows:
    """The rows of one study (``annotations.registry.StudyRows``)."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.columns: Sequence[tuple[str, str]] = dataset.column_types()

    def long(self, *, masked: bool) -> Iterator[Mapping[str, Any]]:
        """Yield the long table."""
        return masked_rows(self.study) if masked else dataset.rows(study=self.study)

    def answers(self, *, masked: bool) -> Iterator[Mapping[str, Any]]:
        """Yield each judgement as it was given."""
        mask = masking.mask_of(study=self.study) if masked else None
        named = {pk: (name, system) for pk, name, system in _all(OUTPUTS, study=self.study.pk)}
        for batch in _batches(ANSWERS.format(judgements=dataset.JUDGEMENTS, narrowed=""), plan=self.study.plan_id):
            for row in batch:
                found = dict(zip(FIELDS, row, strict=True))
                shown = [named[pk] for pk in found.pop("output_ids")]
                if mask is not None:
                    found["task"] = mask.task(found["task"])
                    shown = [(mask.output(name), mask.system(system)) for name, system in shown]
                del found["text"]
                yield {
                    **found,
                    "answers": _json(found["answers"]),
                    "evidence": _json(found["evidence"]),
                    "at": found["at"].isoformat(),
                    "outputs": [{"output": name, "system": system} for name, system in shown],
                }

    def preferences(self) -> Iterator[Mapping[str, Any]]:
        """Yield each pair of texts of main trials of which one was put before the other."""
        questions = [question_of(dimension) for dimension in self.study.dimensions.all()]
        named = {pk: (name, system) for pk, name, system in _all(OUTPUTS, study=self.study.pk)}
        for batch in _batches(
            ANSWERS.format(judgements=dataset.JUDGEMENTS, narrowed="AND t.kind = 'main'"), plan=self.study.plan_id
        ):
            rows = [dict(zip(FIELDS, row, strict=True)) for row in batch]
            texts = dict(_all(TEXTS, ids=list({pk for row in rows for pk in row["output_ids"]})))
            for row in rows:
                yield from _preferences(row, questions=questions, texts=texts, named=named)

    def questionnaire(self) -> Iterator[Mapping[str, Any]]:
        """Yield what people answered outside the trials."""
        rows = PathAnswer.objects.filter(participation__study=self.study).order_by("pk")
        for row in rows.select_related("participation__rater").iterator(chunk_size=CHUNK):
            who = row.participation
            yield {
                "rater": who.rater.pseudonym,
                "simulated": who.simulated,
                "step": row.step,
                "attempt": row.attempt,
                "answers": row.answers,
                "passed": row.passed,
                "at": row.created_at.isoformat(),
            }

    def scores(self, *, masked: bool) -> Iterator[Mapping[str, Any]]:
        """Yield what each automatic judge gave each output."""
        return scores.rows(study=self.study, mask=masking.mask_of(study=self.study) if masked else None)

    def outputs(self) -> Iterator[Mapping[str, Any]]:
        """Yield each output as it is now, with its provenance."""
        found = Output.objects.filter(prompt__study=self.study, prompt__is_check=False)
        found = found.order_by("prompt_id", "system__name", "sample")
        for output in found.select_related("prompt", "system", "source").iterator(chunk_size=CHUNK):
            yield {
                "prompt_id": output.prompt.key,
                "prompt": output.prompt.text,
                "task_family": output.prompt.task_family,
                "system": output.system.name,
                "role": output.system.role,
                "sample": output.sample,
                "text": output.text,
                "raw_text": output.text if output.raw_text is None else output.raw_text,
                "left_out": output.left_out,
                "content_hash": output.content_hash,
                "brought_by": output.source.source if output.source else "",
                "metadata": output.metadata,
            }

    def plan(self, *, masked: bool) -> str:
        """Return the frozen plan."""
        if self.study.plan is None:
            return ""
        return reporting.masked_plan(study=self.study) if masked else self.study.plan.canonical

    def certificate(self, *, masked: bool) -> Mapping[str, Any]:
        """Return the certificate of balance."""
        if self.study.plan is None:
            return {}
        return masking.masked_certificate(study=self.study) if masked else dict(self.study.plan.certificate)

    def log(self) -> Iterator[Mapping[str, Any]]:
        """Yield the study's events, oldest first."""
        rows = Event.objects.filter(study=self.study).select_related("actor", "participation__rater", "study")
        return (event_row(event) for event in rows.order_by("pk").iterator(chunk_size=CHUNK))


def masked_rows(study: Study) -> Iterator[Mapping[str, Any]]:
    """Yield the long table without names, under the hash of the plan without names."""
    return dataset.masked_rows(study=study, design_hash=reporting.masked_hash(study=study))


def export(*, study: Study, name: str, target: BinaryIO, masked: bool, actor: AbstractBaseUser | None) -> int:
    """Write one export and note in the log who took it; returns the number of rows.

    Raises KeyError for an unknown one, NotAllowed where names cannot be masked.
    """
    kind = exports.get(name)
    if masked and not kind.maskable:
        message = f"{kind.label} can be taken along once the study is unblinded."
        raise NotAllowed(message)
    count = kind.write(Rows(study), target, masked=masked)
    log_event(study=study, name="exported", data={"export": name, "masked": masked, "rows": count}, actor=actor)
    return count


def _batches(sql: str, *, plan: int | None) -> Iterator[list[tuple[Any, ...]]]:
    """Read through a cursor of the server, so that memory stays flat at any number of judgements."""
    if plan is None:
        return
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(sql, {"plan": plan})
        while batch := cursor.fetchmany(CHUNK):
            yield batch


def _all(sql: str, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _preferences(
    row: Mapping[str, Any],
    *,
    questions: Sequence[Question],
    texts: Mapping[int, str],
    named: Mapping[int, tuple[str, str]],
) -> Iterator[dict[str, Any]]:
    answers, shown = _json(row["answers"]), row["output_ids"]
    for question in questions:
        kind = question_types.get(question.type)
        if question.key not in answers:
            continue
        scored = kind.rows(answers[question.key], question.options, outputs=len(shown))
        for better, worse, margin in pairs_of(scored, measure=kind.measure):
            chosen, rejected = shown[better - 1], shown[worse - 1]
            yield {
                "prompt": row["text"],
                "chosen": texts[chosen],
                "rejected": texts[rejected],
                "margin": margin,
                "dimension": question.key,
                "question_type": question.type,
                "rater": row["rater"],
                "judgement": str(row["judgement"]),
                "prompt_id": row["prompt"],
                "chosen_output": named[chosen][0],
                "rejected_output": named[rejected][0],
                "chosen_system": named[chosen][1],
                "rejected_system": named[rejected][1],
                "late": row["late"],
                "excluded": bool(row["excluded_because"]),
                "simulated": row["simulated"],
            }


def pairs_of(scored: Sequence[Scored], *, measure: str) -> list[tuple[int, int, float]]:
    """Return (place put first, place put after it, by how much) of one answer; nothing for ties and for free text.

    The margin of a choice is 1, of a graded preference the distance from the middle, of a ranking the difference of the
    ranks, of ratings that of the scores.
    """
    if measure in ("text", "nominal") or not scored:
        return []
    if scored[0].slot == 0:
        lean = scored[0].answer - (MIDDLE if measure == "pairwise_choice" else 0.0)
        size = 1.0 if measure == "pairwise_choice" else abs(lean)
        return [] if not lean else [(1, 2, size) if lean > 0 else (2, 1, size)]
    sign = -1 if measure == "ranking" else 1
    ordered = sorted(scored, key=lambda one: (-sign * one.answer, one.slot))
    return [
        (first.slot, second.slot, abs(first.answer - second.answer))
        for first, second in combinations(ordered, 2)
        if first.answer != second.answer
    ]
