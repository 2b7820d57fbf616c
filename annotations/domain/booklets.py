"""What stands in a booklet. It never changes once a plan is frozen, so each process keeps what it read last."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from django.db import connection

from annotations.blind import BlindTrial
from annotations.models import Dimension

MOST_CHARACTERS = 16_000_000  # in one process; some 400 booklets of 20 pairs of 1,000-character texts

BOOKLET = """
SELECT l.plan_id, t.id, t.position, prompt.text, t.dimension_order,
       ARRAY(SELECT (SELECT o.text FROM annotations_output o WHERE o.id = shown.id)
             FROM unnest(t.output_ids) WITH ORDINALITY AS shown(id, side) ORDER BY shown.side)
FROM annotations_lease l
JOIN annotations_trial t ON t.booklet_id = l.booklet_id
JOIN annotations_task task ON task.id = t.task_id
JOIN annotations_prompt prompt ON prompt.id = task.prompt_id
WHERE l.id = %s::bigint ORDER BY t.position
"""


@dataclass(frozen=True, slots=True)
class LeasedBooklet:
    """The trials of a lease in order, as a rater may see them, with the ids that the database knows them by."""

    plan_id: int
    trial_ids: tuple[int, ...]
    trials: tuple[BlindTrial, ...]
    characters: int

    def ahead(self, answered: set[int]) -> tuple[BlindTrial, ...]:
        """Return the first two trials without an answer."""
        found = []
        for trial_id, trial in zip(self.trial_ids, self.trials, strict=True):
            if trial_id not in answered:
                found.append(trial)
                if len(found) == 2:  # noqa: PLR2004
                    break
        return tuple(found)


_cache: OrderedDict[int, LeasedBooklet] = OrderedDict()
_lock = Lock()
_characters = 0


def trial_token(*, plan_id: int, lease_id: int, position: int) -> str:
    """Name a trial to the server. It is worth nothing without the rater's own link, so it carries no signature."""
    return f"{plan_id:x}.{lease_id:x}.{position:x}"


def booklet_of(lease_id: int) -> LeasedBooklet | None:
    """Return the booklet of a lease, from memory or with one query; None when there is no such lease."""
    with _lock:
        found = _cache.get(lease_id)
        if found is not None:
            _cache.move_to_end(lease_id)
            return found
    found = _read(lease_id)
    if found is not None:
        _keep(lease_id, found)
    return found


def _read(lease_id: int) -> LeasedBooklet | None:
    with connection.cursor() as cursor:
        cursor.execute(BOOKLET, [str(lease_id)])
        rows = cursor.fetchall()
    if not rows:
        return None
    plan_id = rows[0][0]
    keys = _dimension_keys(plan_id) if any(row[4] for row in rows) else ()
    trials = tuple(
        BlindTrial(
            token=trial_token(plan_id=plan_id, lease_id=lease_id, position=position),
            number=position,
            total=len(rows),
            prompt=prompt,
            texts=tuple(texts),
            order=tuple(keys[at] for at in order),
        )
        for _, _, position, prompt, order, texts in rows
    )
    size = sum(len(trial.prompt) + sum(map(len, trial.texts)) for trial in trials)
    return LeasedBooklet(plan_id, tuple(row[1] for row in rows), trials, size)


def _dimension_keys(plan_id: int) -> tuple[str, ...]:
    return tuple(Dimension.objects.filter(study__plan=plan_id).order_by("order", "pk").values_list("key", flat=True))


def _keep(lease_id: int, booklet: LeasedBooklet) -> None:
    """Remember a booklet and forget the ones that were not asked for longest, by the characters that they hold."""
    global _characters  # noqa: PLW0603
    with _lock:
        if lease_id in _cache:
            return
        _cache[lease_id] = booklet
        _characters += booklet.characters
        while _characters > MOST_CHARACTERS and len(_cache) > 1:
            _, oldest = _cache.popitem(last=False)
            _characters -= oldest.characters


def forget_booklet(lease_id: int) -> None:
    """Forget one booklet."""
    global _characters  # noqa: PLW0603
    with _lock:
        gone = _cache.pop(lease_id, None)
        if gone is not None:
            _characters -= gone.characters


def forget_booklets() -> None:
    """Empty the cache (for tests and measurements)."""
    global _characters  # noqa: PLW0603
    with _lock:
        _cache.clear()
        _characters = 0
