"""The work list of a generation: samples are claimed, given back, failed, or written together with their outputs.

Every change names the claim by its `until`: a process that lost its claim (killed, cut off, cancelled) changes nothing.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from django.db import connection, transaction
from django.db.models import Count, F
from django.utils import timezone

from annotations.enums import SampleMark, SampleState, StudyState
from annotations.errors import WrongState
from annotations.models import Output, Sample
from annotations.registry import Written

from .materials import content_hash

Fate = Literal["arrived", "again", "left_out", "lost"]
CLAIM_FOR = dt.timedelta(hours=1)  # says who claimed, not for how long: a claim ends with the process that made it
LONGEST_TEXT = 200_000
EMPTY = "The answer is empty."
OUT_OF_PLACE = "An output for this place was there already."
# Those of the first prompt come first, so that a server which takes `n` gets as many as there are.
CLAIM = """
WITH first AS (
    SELECT prompt_id FROM annotations_sample
    WHERE generation_id = %(generation)s AND system_id = %(system)s AND state = 'wanted'
      AND (asked_until IS NULL OR asked_until <= now())
    ORDER BY id LIMIT 1
), chosen AS (
    SELECT s.id FROM annotations_sample s, first
    WHERE s.generation_id = %(generation)s AND s.system_id = %(system)s AND s.state = 'wanted'
      AND (s.asked_until IS NULL OR s.asked_until <= now())
    ORDER BY s.prompt_id <> first.prompt_id, s.id
    LIMIT %(count)s FOR UPDATE OF s SKIP LOCKED
)
UPDATE annotations_sample s SET state = 'asked', asked_until = %(until)s, attempts = s.attempts + 1
FROM chosen, annotations_prompt p
WHERE s.id = chosen.id AND p.id = s.prompt_id
RETURNING s.id, s.prompt_id, p.key, p.text, s.number, s.attempts, s.answers::text
"""


@dataclass(frozen=True, slots=True)
class Claim:
    """One sample that this process asks for. `until` is the mark of the claim."""

    sample_id: int
    system_id: int
    system: str
    prompt_id: int
    prompt_key: str
    prompt: str
    number: int
    attempts: int
    until: dt.datetime
    answers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def resampled(self) -> int:
        """How many answers were not taken since somebody last asked for this sample."""
        return sum(not answer.get("earlier") for answer in self.answers)

    @property
    def seed(self) -> int:
        """The same for the same system, prompt, sample and number of answers so far, on any machine."""
        name = "\0".join((self.system, self.prompt_key, str(self.number), str(len(self.answers))))
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4]) >> 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a system is asked: what its outputs say of where they come from."""

    generation_id: int
    generator: str
    sha256: str


def claim(*, generation_id: int, system_id: int, system: str, count: int) -> list[Claim]:
    """Claim up to `count` samples of one system that are wanted now."""
    until = timezone.now() + CLAIM_FOR
    values: dict[str, Any] = {"generation": generation_id, "system": system_id, "count": count, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, values)
        found = cursor.fetchall()
    claims = [
        Claim(pk, system_id, system, prompt_id, key, text, number, attempts, until, json.loads(answers))
        for pk, prompt_id, key, text, number, attempts, answers in found
    ]
    return sorted(claims, key=lambda one: one.sample_id)


def _mine(one: Claim) -> Any:
    return Sample.objects.filter(pk=one.sample_id, state=SampleState.ASKED, asked_until=one.until)


def give_back(
    one: Claim, *, error: str = "", delay: float = 0, counted: bool = True, cost: Decimal = Decimal(0)
) -> bool:
    """Let a sample be asked for again, `delay` seconds from now; not `counted` when it was not really asked.

    `cost` is what the call that brought nothing may have cost all the same.
    """
    later = timezone.now() + dt.timedelta(seconds=delay) if delay else None
    attempts = F("attempts") if counted else F("attempts") - 1
    fresh = {"error": error} if error else {}
    paid = F("cost") + cost.quantize(Decimal("1e-8"))
    return bool(_mine(one).update(state=SampleState.WANTED, asked_until=later, attempts=attempts, cost=paid, **fresh))


def fail(one: Claim, *, error: str, cost: Decimal = Decimal(0)) -> bool:
    """Give a sample up; a person may ask for it again."""
    paid = F("cost") + cost.quantize(Decimal("1e-8"))
    return bool(_mine(one).update(state=SampleState.FAILED, asked_until=None, error=error, cost=paid))


def release(*, generation_id: int) -> list[tuple[int, int, str]]:
    """Make wanted again what a process that died had claimed; the caller holds the generation's lock.

    Returns sample, system and prompt of each: its answer may have been paid for, and nobody knows.
    """
    orphans = Sample.objects.filter(generation_id=generation_id, state=SampleState.ASKED)
    found = list(orphans.values_list("pk", "system_id", "prompt__text"))
    orphans.update(state=SampleState.WANTED, asked_until=None)
    return found


def take(one: Claim, written: Written, *, study_id: int, rules: Mapping[str, Any], recipe: Recipe) -> Fate:
    """Write an answer down as the rules say: an output with its sample, in one transaction, or nothing.

    Returns "lost" when the claim is not ours any more. Raises WrongState when the study is no draft any more.
    """
    text, mark = clean_text(written.text), str(written.mark)
    if len(text) > LONGEST_TEXT:
        text, mark = text[:LONGEST_TEXT], mark or SampleMark.TRUNCATED.value
    if not _is_visible(text):
        mark = mark or SampleMark.EMPTY.value
    fate = _fate(mark, rules=rules, resampled=one.resampled)
    now = timezone.now()
    values: dict[str, Any] = {
        "mark": mark,
        "asked_until": None,
        "error": "",
        "input_tokens": F("input_tokens") + (written.input_tokens or 0),
        "output_tokens": F("output_tokens") + (written.output_tokens or 0),
        "cost": F("cost") + (written.cost or Decimal(0)).quantize(Decimal("1e-8")),
    }
    with transaction.atomic():
        require_draft(study_id)
        if fate == "arrived":
            if not _mine(one).update(state=SampleState.ARRIVED, arrived_at=now, **values):
                return "lost"
            made = _output(one, text, metadata=_provenance(one, written, mark=mark, recipe=recipe))
            if made is not None:
                Sample.objects.filter(pk=one.sample_id).update(output=made)
                return "arrived"
            kept = [*one.answers, _kept(one, written, text, mark, now=now, recipe=recipe)]
            Sample.objects.filter(pk=one.sample_id).update(state=SampleState.LEFT_OUT, error=OUT_OF_PLACE, answers=kept)
            return "left_out"
        values["answers"] = [*one.answers, _kept(one, written, text, mark, now=now, recipe=recipe)]
        state = SampleState.WANTED if fate == "again" else SampleState.LEFT_OUT
        return fate if _mine(one).update(state=state, **values) else "lost"


def _fate(mark: str, *, rules: Mapping[str, Any], resampled: int) -> Fate:
    rule = rules.get(mark, "keep") if mark else "keep"
    if rule == "resample":
        if resampled < int(rules.get("most_resamples", 3)):
            return "again"
        rule = rules.get("then", "keep")
    return "left_out" if rule == "leave_out" else "arrived"


def _output(one: Claim, text: str, *, metadata: dict[str, Any]) -> int | None:
    """Write the output, or return None when its place is taken. An empty text is kept, but kept from the design."""
    digest = content_hash(prompt_key=one.prompt_key, prompt=one.prompt, system=one.system, sample=one.number, text=text)
    made = Output(
        prompt_id=one.prompt_id,
        system_id=one.system_id,
        sample=one.number,
        text=text,
        content_hash=digest,
        left_out="" if _is_visible(text) else EMPTY,
        metadata=metadata,
    )
    place = Output.objects.filter(prompt_id=one.prompt_id, system_id=one.system_id, sample=one.number)
    if place.exists():
        return None
    Output.objects.bulk_create([made], ignore_conflicts=True)
    return place.filter(content_hash=digest).values_list("pk", flat=True).first()


def _provenance(one: Claim, written: Written, *, mark: str, recipe: Recipe) -> dict[str, Any]:
    return {
        **{name: clean_text(value) if isinstance(value, str) else value for name, value in written.provenance.items()},
        "generator": recipe.generator,
        "settings_sha256": recipe.sha256,
        "generation": recipe.generation_id,
        "seed": one.seed,
        "finish_reason": clean_text(written.finish)[:60],
        "mark": mark,
        "input_tokens": written.input_tokens,
        "output_tokens": written.output_tokens,
        "resampled": one.resampled,
    }


def _kept(one: Claim, written: Written, text: str, mark: str, *, now: dt.datetime, recipe: Recipe) -> dict[str, Any]:
    """Return what is kept of an answer that was not taken."""
    cost = None if written.cost is None else str(written.cost)
    return {
        **_provenance(one, written, mark=mark, recipe=recipe),
        "text": text,
        "cost": cost,
        "at": now.isoformat(timespec="seconds"),
    }


def clean_text(text: str) -> str:
    """Return a text that the database can hold, with one kind of line end, as an import keeps it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return text.encode("utf-8", "replace").decode()


def _is_visible(text: str) -> bool:
    return any(letter.isprintable() and not letter.isspace() for letter in text)


def require_draft(study_id: int) -> None:
    """Hold off a freeze until the transaction ends; raises WrongState when the study is frozen already."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM annotations_study WHERE id = %s FOR SHARE", [study_id])
        row = cursor.fetchone()
    if row is None or row[0] != StudyState.DRAFT:
        raise WrongState("The design is frozen, so no outputs can be added any more.")


def wanted(*, generation_id: int, systems: Collection[int] | None = None) -> dict[int, int]:
    """Count what is still to be done, by system."""
    rows = Sample.objects.filter(generation_id=generation_id, state__in=(SampleState.WANTED, SampleState.ASKED))
    if systems is not None:
        rows = rows.filter(system__in=systems)
    return dict(rows.order_by().values_list("system").annotate(n=Count("pk")))
