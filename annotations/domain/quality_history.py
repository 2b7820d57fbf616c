"""From the database to the histories that checks read: one query for a rater, one more for the others on his tasks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from django.db import connection

from annotations.blind import Question
from annotations.enums import ParticipationState
from annotations.models import Participation
from annotations.plugins.quality.peers import on_own_scale
from annotations.registry import Answer, Expected, History, Peer, Seen, Twin, question_types

from .frames import frame_of

# The judgements of these participations. Late answers are left out: they are no part of what is analysed.
SEEN = """
SELECT l.participation_id, j.id, l.id, l.plan_id, t.position, t.kind, task.id, task.prompt_id, task.output_ids,
       t.output_ids, j.answers, j.first_answer_ms, j.submit_ms, j.hidden_ms, j.idle_ms, j.evidence, task.expected,
       {texts}
FROM annotations_lease l
JOIN annotations_judgement j ON j.lease_id = l.id AND NOT j.late
JOIN annotations_trial t ON t.id = j.trial_id
JOIN annotations_task task ON task.id = t.task_id
WHERE l.participation_id = ANY(%(who)s) {only}
ORDER BY l.participation_id, l.id, t.position
"""
TEXTS = """ARRAY(SELECT o.text FROM unnest(t.output_ids) WITH ORDINALITY AS x(id, place)
      JOIN annotations_output o ON o.id = x.id ORDER BY x.place),
ARRAY(SELECT o.sample FROM unnest(t.output_ids) WITH ORDINALITY AS x(id, place)
      JOIN annotations_output o ON o.id = x.id ORDER BY x.place)"""
NO_TEXTS = "ARRAY[]::text[], ARRAY[]::int[]"
# Who else judged a task that this rater judged; not those whom the rules leave out without asking others.
OTHERS = """
SELECT DISTINCT l.participation_id
FROM annotations_trial mine JOIN annotations_booklet b ON b.id = mine.booklet_id
JOIN annotations_lease own ON own.booklet_id = b.id AND own.participation_id = %(who)s
JOIN annotations_trial t ON t.task_id = mine.task_id AND t.kind = 'main'
JOIN annotations_lease l ON l.booklet_id = t.booklet_id AND l.participation_id IS NOT NULL
  AND l.participation_id <> %(who)s
JOIN annotations_participation p ON p.id = l.participation_id AND p.state <> %(withdrawn)s
WHERE mine.kind = 'main' AND NOT EXISTS (
  SELECT FROM annotations_exclusion x
  WHERE x.participation_id = l.participation_id AND x.undone_at IS NULL AND NOT x.check_name = ANY(%(by_peers)s))
"""
PLANNED = """
SELECT coalesce(sum(b.length), 0) FROM annotations_lease l JOIN annotations_booklet b ON b.id = l.booklet_id
WHERE l.participation_id = %(who)s
"""
# Earlier participations in the study with the same browser token or the same id of a recruiter.
TWINS = """
SELECT CASE WHEN me.browser <> '' AND o.browser = me.browser THEN 'browser' ELSE 'recruiter' END,
       (SELECT count(*) FROM annotations_lease l JOIN annotations_judgement j ON j.lease_id = l.id
        WHERE l.participation_id = o.id)
FROM annotations_participation me
JOIN annotations_participation o ON o.study_id = me.study_id AND o.id < me.id AND o.state <> %(withdrawn)s
WHERE me.id = %(who)s AND (
  (me.browser <> '' AND o.browser = me.browser)
  OR EXISTS (SELECT FROM annotations_recruitmentidentity mine JOIN annotations_recruitmentidentity theirs
             ON theirs.digest = mine.digest WHERE mine.participation_id = me.id AND mine.digest <> ''
             AND theirs.participation_id = o.id))
ORDER BY o.id
"""
CHARACTERS_OF_A_WORD = 1.6  # of Chinese and Japanese, which have no spaces (Brysbaert 2019: 260 words, 420 characters)
IDEOGRAPHS = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
SECOND = 1000.0


@dataclass(frozen=True, slots=True)
class Trace:
    """A history with the judgement that each of its trials is, by number."""

    history: History
    judgement_ids: tuple[int, ...]


class Scaled(dict[int, dict[str, Peer]]):
    """Answers of raters by task, on their own scales, remembered while a whole study is looked at."""

    def read(self, who: Sequence[int]) -> None:
        """Read those that are not known yet, in one query."""
        new = [one for one in who if one not in self]
        by_rater: dict[int, list[tuple[Any, ...]]] = {one: [] for one in new}
        for row in _rows(new, texts=False) if new else ():
            by_rater[row[0]].append(row)
        for one, rows in by_rater.items():
            self[one] = on_own_scale(_seen_of(rows))


def trace_of(
    participation: Participation, *, by_peers: Sequence[str] | None = None, scaled: Scaled | None = None
) -> Trace:
    """Return a rater's history; with `by_peers` (names of exclusions that rest on others) the others' answers too."""
    rows = _rows([participation.pk], texts=True)
    seen = _seen_of(rows)
    values: dict[str, Any] = {"who": participation.pk, "withdrawn": ParticipationState.WITHDRAWN.value}
    with connection.cursor() as cursor:
        cursor.execute(PLANNED, values)
        planned = int(cursor.fetchone()[0])
        cursor.execute(TWINS, values)
        twins = tuple(Twin(by, judged) for by, judged in cursor.fetchall())
    history = History(seen, planned, twins)
    if by_peers is not None:
        history = replace(history, peers=_peers(participation.pk, seen, by_peers=by_peers, scaled=scaled))
    return Trace(history, tuple(row[1] for row in rows))


def _peers(
    who: int, seen: Sequence[Seen], *, by_peers: Sequence[str], scaled: Scaled | None
) -> dict[str, tuple[Peer, ...]]:
    """Return the others' answers to this rater's tasks, each on the scale that the other used in all main trials."""
    values: dict[str, Any] = {"who": who, "withdrawn": ParticipationState.WITHDRAWN.value, "by_peers": list(by_peers)}
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, values)
        others = sorted(row[0] for row in cursor.fetchall())
    scaled = Scaled() if scaled is None else scaled
    scaled.read(others)
    mine = {one.task for one in seen if one.kind == "main"}
    return {task: tuple(scaled[other][task] for other in others if task in scaled[other]) for task in sorted(mine)}


def _rows(who: Iterable[int], *, texts: bool) -> list[tuple[Any, ...]]:
    sql = SEEN.format(texts=TEXTS if texts else NO_TEXTS, only="" if texts else "AND t.kind = 'main'")
    with connection.cursor() as cursor:
        cursor.execute(sql, {"who": list(who)})
        return list(cursor.fetchall())


def _seen_of(rows: Sequence[tuple[Any, ...]]) -> tuple[Seen, ...]:
    found: list[Seen] = []
    first_of: dict[tuple[int, int], int] = {}
    for number, row in enumerate(rows, start=1):
        one = _seen(number, row)
        key = (row[2], row[6])
        if one.kind == "repeat" and key in first_of:
            one = replace(one, original=first_of[key])
        elif one.kind == "main":
            first_of[key] = number
        found.append(one)
    return tuple(found)


def _seen(number: int, row: tuple[Any, ...]) -> Seen:
    (_, _, _, plan_id, position, kind, task, prompt, in_order, shown, answers, first, submit, hidden, idle) = row[:15]
    evidence, expected, texts, samples = row[15:]
    away = ((hidden or 0) / SECOND, (idle or 0) / SECOND)
    return Seen(
        number=number,
        position=position,
        kind=kind,
        task=str(task),
        prompt=str(prompt),
        order=tuple(in_order.index(one) + 1 for one in shown),
        answers=_answers(plan_id, _plain(answers), outputs=len(shown)),
        words=tuple(map(words_of, texts)),
        texts=tuple(map(str, shown)),
        seconds=max(submit / SECOND - sum(away), 0.0) if submit is not None else None,
        first_seconds=first / SECOND if first is not None else None,
        hidden_seconds=away[0],
        idle_seconds=away[1],
        evidence=_plain(evidence),
        expected=expected_of(_plain(expected), samples),
    )


def _plain(value: Any) -> dict[str, Any]:
    return dict(json.loads(value) if isinstance(value, str) else value or {})


def words_of(text: str) -> int:
    """Count the words of a text; in scripts without spaces by its characters."""
    ideographs = len(IDEOGRAPHS.findall(text))
    return len(IDEOGRAPHS.sub(" ", text).split()) + round(ideographs / CHARACTERS_OF_A_WORD)


def _answers(plan_id: int, stored: Mapping[str, Any], *, outputs: int) -> tuple[Answer, ...]:
    questions = frame_of(plan_id).questionnaire.questions
    return tuple(
        answer_of(question, stored[question.key], outputs=outputs) for question in questions if question.key in stored
    )


def answer_of(question: Question, value: Any, *, outputs: int) -> Answer:
    """Return a stored answer as numbers where more is better."""
    kind, options = question_types.get(question.type), question.options
    scored = kind.rows(value, options, outputs=outputs)
    centre = 0.5 if kind.measure == "pairwise_choice" else 0.0
    sign = -1.0 if kind.measure == "ranking" else 1.0
    ends = _ends(question.type, tuple(sorted(options.items(), key=repr)) if _is_flat(options) else None)
    return Answer(
        dimension=question.key,
        measure=kind.measure,
        scores=tuple(sign * (one.answer - centre) for one in sorted(scored, key=lambda one: one.slot)),
        favoured=kind.favoured(value, options, outputs=outputs) if scored else None,
        levels=kind.levels_of(options, outputs=outputs),
        span=(ends[0] - centre, ends[1] - centre) if ends else None,
        value=value if kind.measure == "text" or isinstance(value, dict) else None,
    )


def _is_flat(options: Mapping[str, Any]) -> bool:
    return all(isinstance(value, str | int | float) for value in options.values())


@lru_cache(maxsize=256)
def _ends(name: str, options: tuple[tuple[str, Any], ...] | None) -> tuple[float, float] | None:
    """Return the lowest and the highest score of a question; None where there is none."""
    kind, given = question_types.get(name), dict(options or ())
    if options is None or kind.measure in ("ranking", "text"):
        return None
    if choices := kind.choices(given):
        scores = [kind.score(kind.parse(choice.value, given), given) for choice in choices]
        return min(scores), max(scores)
    low, high = given.get("low"), given.get("high")
    return (float(low), float(high)) if low is not None and high is not None else None


def expected_of(stored: Mapping[str, Any], samples: Sequence[int]) -> Expected | None:
    """Read ``Task.expected`` (see ``attention``); outputs of a check are numbered by their sample."""
    most = stored.get("rows") == "most"
    if stored.get("extreme") in ("highest", "lowest"):
        return Expected(stored["extreme"], 1, float(stored.get("within", 0.0)), most)
    for how in ("favoured", "last"):
        place = str(stored.get(how, "")).rpartition("/")[2]
        if place.isdecimal() and int(place) in samples:
            return Expected(how, list(samples).index(int(place)) + 1, most=most)
    return None
