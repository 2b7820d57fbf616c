"""Plain counts of a generation for its page: what arrived, how fast, what is wrong, what it costs, who is silent."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db import connection
from django.db.models import Count, Min, Q, Sum
from django.utils import timezone

from annotations.enums import GenerationState, SampleState, SystemRole
from annotations.models import Generation, Output, Prompt, Study, System, Writer
from annotations.registry import generators

from .generating import chosen
from .generating_states import UNDER_WAY, is_silent

WINDOW: Final = dt.timedelta(minutes=2)
EXAMPLES: Final = 3
MOST_ERRORS: Final = 20
GAPS = """
SELECT s.id, p.id, count(*)
FROM generate_series(0, %(samples)s::int - 1) n
CROSS JOIN unnest(%(prompts)s) AS p(id)
CROSS JOIN unnest(%(systems)s) AS s(id)
WHERE NOT EXISTS (SELECT 1 FROM annotations_output o WHERE o.prompt_id = p.id AND o.system_id = s.id AND o.sample = n)
GROUP BY s.id, p.id
"""


@dataclass(frozen=True, slots=True)
class SystemProgress:
    """How far one system is."""

    name: str
    wanted: int
    arrived: int
    left_out: int
    failed: int
    asked: int
    refusals: int
    truncated: int
    empty: int
    resampled: int
    tokens: int
    cost: Decimal
    per_minute: float

    @property
    def open(self) -> int:
        """How many are still to come."""
        return self.wanted - self.arrived - self.left_out - self.failed

    @property
    def parts(self) -> list[tuple[float, str]]:
        """The parts of its bar."""
        clean = self.arrived - self.refusals - self.truncated - self.empty
        marked = self.arrived - clean + self.left_out
        return [(clean, "good"), (marked, "warn"), (self.failed, "bad")]


@dataclass(frozen=True, slots=True)
class Trouble:
    """One kind of failure, with how many samples it met and some of them."""

    words: str
    count: int
    failed: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a generation is. `seconds_left` is None when that cannot be told yet."""

    systems: tuple[SystemProgress, ...]
    troubles: tuple[Trouble, ...]
    wanted: int
    arrived: int
    failed: int
    left_out: int
    tokens: int
    cost: Decimal
    per_minute: float
    seconds_left: float | None
    silent_for: int


def progress(*, generation: Generation) -> Progress:
    """Count one generation."""
    systems = _systems(generation)
    rate = sum(one.per_minute for one in systems)
    # Systems work side by side, so the slowest one says when all is there.
    slowest = [one.open / one.per_minute * 60 if one.per_minute else None for one in systems if one.open]
    running = generation.state == GenerationState.RUNNING
    known = [seconds for seconds in slowest if seconds is not None]
    left = max(known) if running and known and len(known) == len(slowest) else None
    since = generation.beat_at or generation.created_at
    silent = generation.state in UNDER_WAY and is_silent(generation)
    return Progress(
        systems=systems,
        troubles=_troubles(generation),
        wanted=sum(one.wanted for one in systems),
        arrived=sum(one.arrived for one in systems),
        failed=sum(one.failed for one in systems),
        left_out=sum(one.left_out for one in systems),
        tokens=sum(one.tokens for one in systems),
        cost=sum((one.cost for one in systems), Decimal(0)),
        per_minute=rate,
        seconds_left=left,
        silent_for=int((timezone.now() - since).total_seconds()) if silent else 0,
    )


def _systems(generation: Generation) -> tuple[SystemProgress, ...]:
    recent = timezone.now() - WINDOW
    arrived = Q(state=SampleState.ARRIVED)
    rows: Any = (
        generation.samples.order_by("system__name")
        .values("system__name")
        .annotate(
            wanted=Count("pk"),
            arrived=Count("pk", filter=arrived),
            left_out=Count("pk", filter=Q(state=SampleState.LEFT_OUT)),
            failed=Count("pk", filter=Q(state=SampleState.FAILED)),
            asked=Count("pk", filter=Q(state=SampleState.ASKED)),
            refusals=Count("pk", filter=arrived & Q(mark="refusal")),
            truncated=Count("pk", filter=arrived & Q(mark="truncated")),
            empty=Count("pk", filter=arrived & Q(mark="empty")),
            resampled=Count("pk", filter=~Q(answers=[])),
            tokens=Sum("input_tokens") + Sum("output_tokens"),
            spent=Sum("cost"),
            lately=Count("pk", filter=arrived & Q(arrived_at__gte=recent)),
            first=Min("arrived_at", filter=arrived & Q(arrived_at__gte=recent)),
        )
    )
    found = []
    for row in rows:
        name, cost, lately, first = (row.pop(key) for key in ("system__name", "spent", "lately", "first"))
        minutes = (timezone.now() - first).total_seconds() / 60 if first else 0
        rate = lately / max(minutes, 1 / 60) if lately and generation.state == GenerationState.RUNNING else 0.0
        found.append(SystemProgress(name=name, cost=cost, per_minute=rate, **row))
    return tuple(found)


def _troubles(generation: Generation) -> tuple[Trouble, ...]:
    troubled = generation.samples.exclude(error="").order_by()
    groups = troubled.values("error").annotate(
        n=Count("pk"), lost=Count("pk", filter=Q(state=SampleState.FAILED)), first=Min("pk")
    )
    found = []
    for group in groups.order_by("-n", "first")[:MOST_ERRORS]:
        rows = troubled.filter(error=group["error"]).order_by("pk")[:EXAMPLES]
        places = rows.values_list("system__name", "prompt__key", "number")
        examples = tuple(f"{system} / {prompt} / {number}" for system, prompt, number in places)
        found.append(Trouble(group["error"], group["n"], group["lost"], examples))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one system would be asked for. `at_most` and `about` are money, None when no price is known."""

    system: str
    samples: int
    requests: int
    at_most: Decimal | None
    about: Decimal | None


def foresee(
    *, study: Study, samples: int, systems: Collection[int] | None = None, prompts: Collection[int] | None = None
) -> list[Foreseen]:
    """Say what a generation would ask for, and what that costs, before it starts. Raises NotReady as that does.

    `about` rests on what earlier answers of the system cost.
    """
    system_ids, prompt_ids = chosen(study=study, systems=systems, prompts=prompts)
    with connection.cursor() as cursor:
        cursor.execute(GAPS, {"samples": samples, "systems": system_ids, "prompts": prompt_ids})
        gaps = list(cursor.fetchall())
    texts = dict(Prompt.objects.filter(pk__in=prompt_ids).values_list("pk", "text"))
    found = []
    for writer in Writer.objects.filter(system__in=system_ids).select_related("system").order_by("system__name"):
        kind, settings = generators.get(writer.generator), writer.settings
        mine = {prompt: count for system, prompt, count in gaps if system == writer.system_id}
        costs = [(kind.cost_at_most(texts[prompt], settings=settings), count) for prompt, count in mine.items()]
        priced = [cost * count for cost, count in costs if cost is not None]
        per_call = max(1, int(settings.get("per_call", 1)))
        total = sum(mine.values())
        found.append(
            Foreseen(
                system=writer.system.name,
                samples=total,
                requests=sum(-(-count // per_call) for count in mine.values()),
                at_most=sum(priced, Decimal(0)) if priced else None,
                about=_usual_cost(writer.system) * total if priced and _usual_cost(writer.system) else None,
            )
        )
    return found


def _usual_cost(system: System) -> Decimal:
    """Return what an answer of this system has cost so far, on average."""
    came = system.wanted_samples.filter(state=SampleState.ARRIVED, cost__gt=0)
    facts = came.aggregate(n=Count("pk"), total=Sum("cost"))
    return facts["total"] / facts["n"] if facts["n"] else Decimal(0)


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One system on the page: how it is asked, without secrets."""

    pk: int
    name: str
    role: str
    kind: str
    described: str
    details: str
    has_key: bool
    can_be_asked: bool
    outputs: int


def systems_of(*, study: Study) -> list[SystemLine]:
    """Return the systems of a study and how each is asked."""
    rows = System.objects.filter(study=study).exclude(role=SystemRole.CHECK).select_related("writer")
    counts = dict(Output.objects.filter(system__study=study).order_by().values_list("system").annotate(n=Count("pk")))
    return [_line(system, counts.get(system.pk, 0)) for system in rows]


def _line(system: System, outputs: int) -> SystemLine:
    writer: Any = getattr(system, "writer", None)
    role = system.get_role_display()
    common: dict[str, Any] = {"pk": system.pk, "name": system.name, "role": role, "outputs": outputs}
    if writer is None:
        return SystemLine(kind="", described="", details="", has_key=False, can_be_asked=False, **common)
    kind = generators.get(writer.generator)
    changed = [
        f"{option.label.lower()} {writer.settings[option.name]}"
        for option in kind.takes
        if option.kind in ("number", "decimal") and writer.settings.get(option.name) not in (None, option.default)
    ]
    return SystemLine(
        kind=kind.label,
        described=kind.described(writer.settings),
        details=", ".join(changed),
        has_key=bool(writer.secrets),
        can_be_asked=True,
        **common,
    )
