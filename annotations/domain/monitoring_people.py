"""Monitoring of people: the funnel of the path, how visits end, findings, sides, and one row per rater."""

from __future__ import annotations

import json
from typing import Any, Final

from django.db import connection

from annotations.enums import Outcome, ParticipationState, Step
from annotations.models import Study
from annotations.registry import question_types

from .frames import question_of

PAGE: Final = 50
ORDER: Final = (
    Step.ELIGIBILITY,
    Step.CONSENT,
    Step.QUESTIONNAIRE,
    Step.INSTRUCTIONS,
    Step.QUIZ,
    Step.PRACTICE,
)
STEPS = """
SELECT step, count(*) FROM annotations_participation p, unnest(p.steps_done) AS step
WHERE p.study_id = %(study)s GROUP BY step
"""
PEOPLE = """
SELECT count(*), count(*) FILTER (WHERE p.consented_at IS NOT NULL), count(*) FILTER (WHERE l.id IS NOT NULL),
       count(*) FILTER (WHERE l.judged * 2 >= b.length), count(*) FILTER (WHERE p.state = 'finished')
FROM annotations_participation p
LEFT JOIN LATERAL (
  SELECT x.id, x.booklet_id, (SELECT count(*) FROM annotations_judgement j WHERE j.lease_id = x.id) AS judged
  FROM annotations_lease x WHERE x.participation_id = p.id ORDER BY x.id DESC LIMIT 1
) l ON TRUE
LEFT JOIN annotations_booklet b ON b.id = l.booklet_id
WHERE p.study_id = %(study)s
"""
ENDS = """
SELECT outcome, count(*) FROM annotations_participation
WHERE study_id = %(study)s AND outcome <> '' GROUP BY outcome
"""
FINDINGS = """
SELECT f.check_name, count(DISTINCT f.participation_id), count(*)
FROM annotations_flag f JOIN annotations_participation p ON p.id = f.participation_id
WHERE p.study_id = %(study)s AND f.gone_at IS NULL GROUP BY f.check_name ORDER BY 2 DESC, 1
"""
EXCLUDED = """
SELECT count(DISTINCT x.participation_id) FROM annotations_exclusion x
JOIN annotations_participation p ON p.id = x.participation_id
WHERE p.study_id = %(study)s AND x.undone_at IS NULL
"""
# Pairs only. What stood on the left, as planned and as judged; ties of the design are shared out by `output_ids`.
SHOWN = """
SELECT count(*) FILTER (WHERE t.output_ids[1] = task.output_ids[1]), count(*)
FROM annotations_judgement j
JOIN annotations_lease l ON l.id = j.lease_id AND l.state = 'completed'
JOIN annotations_trial t ON t.id = j.trial_id AND t.kind = 'main'
JOIN annotations_task task ON task.id = t.task_id
WHERE l.plan_id = %(plan)s AND cardinality(t.output_ids) = 2
"""
# Answers of one dimension by value: a pair has few different ones. Free words are left out of an answer with reasons.
ANSWERS = """
SELECT CASE WHEN jsonb_typeof(given) = 'object' THEN given - 'text' - 'reasons' ELSE given END AS answer, count(*)
FROM (
  SELECT j.answers -> %(key)s AS given FROM annotations_judgement j
  JOIN annotations_lease l ON l.id = j.lease_id
  JOIN annotations_trial t ON t.id = j.trial_id AND t.kind = 'main'
  WHERE l.plan_id = %(plan)s AND cardinality(t.output_ids) = 2
) AS all_given WHERE given IS NOT NULL GROUP BY answer
"""
SORTS: Final = {
    "state": "p.state, p.id",
    "judged": "judged DESC, p.id",
    "seconds": "seconds NULLS LAST, p.id",
    "findings": "findings DESC, p.id",
    "latest": "latest DESC NULLS LAST, p.id",
}
RATERS = """
SELECT p.id, r.pseudonym, p.state, p.outcome, p.simulated, b.number, coalesce(b.length, 0) AS length,
       coalesce(seen.judged, 0) AS judged, seen.seconds, seen.latest,
       (SELECT count(*) FROM annotations_flag f WHERE f.participation_id = p.id AND f.gone_at IS NULL) AS findings,
       EXISTS (SELECT FROM annotations_exclusion x WHERE x.participation_id = p.id AND x.undone_at IS NULL) AS excluded,
       seen.late
FROM annotations_participation p
JOIN annotations_rater r ON r.id = p.rater_id
LEFT JOIN LATERAL (SELECT x.id, x.booklet_id FROM annotations_lease x
                   WHERE x.participation_id = p.id ORDER BY x.id DESC LIMIT 1) l ON TRUE
LEFT JOIN annotations_booklet b ON b.id = l.booklet_id
LEFT JOIN LATERAL (
  SELECT count(*) AS judged, max(j.created_at) AS latest, count(*) FILTER (WHERE j.late) AS late,
         percentile_cont(0.5) WITHIN GROUP (
           ORDER BY (j.submit_ms - coalesce(j.hidden_ms, 0) - coalesce(j.idle_ms, 0)) / 1000.0) AS seconds
  FROM annotations_judgement j WHERE j.lease_id = l.id
) seen ON TRUE
WHERE p.study_id = %(study)s
ORDER BY {sort} LIMIT %(limit)s OFFSET %(offset)s
"""


def funnel(*, study: Study) -> dict[str, Any]:
    """Return how many people came how far, JSON-able.

    `stages` lists (name, people) from arrival to the end, a stage of the path only when somebody passed it; `ends`
    maps an outcome to its number of people.
    """
    arrived, consented, began, half, finished = _row(PEOPLE, study)
    steps = dict(_all(STEPS, study))
    stages = [("arrived", arrived)]
    for step in ORDER:
        passed = consented if step == Step.CONSENT else steps.get(step.value, 0)
        if passed or step == Step.CONSENT:
            stages.append((step.value, passed))
    stages += [("began", began), ("half", half), ("finished", finished)]
    ends = dict(_all(ENDS, study))
    return {"stages": stages, "ends": {str(name): ends.get(name, 0) for name in Outcome.values if ends.get(name)}}


def findings(*, study: Study) -> dict[str, Any]:
    """Return per check (raters, findings), the most frequent first, and how many raters are excluded now."""
    rows = [{"check": name, "raters": raters, "findings": count} for name, raters, count in _all(FINDINGS, study)]
    return {"checks": rows, "excluded": _row(EXCLUDED, study)[0]}


def sides(*, study: Study) -> dict[str, Any]:
    """Return, for pairs, how often the task's first output stood left in completed booklets, and which side was chosen.

    `answers` holds per dimension (key, label, left, neither, right); dimensions without sides are left out.
    """
    first_left, shown = _row(SHOWN, study)
    rows = []
    for dimension in study.dimensions.all():
        question = question_of(dimension)
        kind = question_types.get(question.type)
        if not kind.measure.startswith("pairwise"):
            continue
        counts = {1: 0, None: 0, 2: 0}
        for answer, count in _all(ANSWERS, study, key=question.key):
            value = json.loads(answer) if isinstance(answer, str) else answer
            counts[kind.favoured(value, question.options, outputs=2)] += count
        rows.append((question.key, question.label, counts[1], counts[None], counts[2]))
    return {"first_left": first_left, "shown": shown, "answers": rows}


def raters(*, study: Study, page: int = 1, sort: str = "latest") -> dict[str, Any]:
    """Return one page of the raters with their progress, pace and findings; `sort` is one of ``SORTS``."""
    order = SORTS.get(sort, SORTS["latest"])
    total = study.participations.count()
    pages = max(1, -(-total // PAGE))
    page = min(max(page, 1), pages)
    names = ("id", "pseudonym", "state", "outcome", "simulated", "booklet", "length", "judged", "seconds", "latest")
    rows = _all(RATERS.format(sort=order), study, limit=PAGE, offset=PAGE * (page - 1))
    labels = dict(ParticipationState.choices)
    found = [dict(zip((*names, "findings", "excluded", "late"), row, strict=True)) for row in rows]
    for row in found:
        row["state_label"] = labels.get(row["state"], row["state"])
    return {"rows": found, "total": total, "page": page, "pages": pages, "sort": sort if sort in SORTS else "latest"}


def _all(sql: str, study: Study, **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"study": study.pk, "plan": study.plan_id or 0, **values})
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _row(sql: str, study: Study) -> tuple[Any, ...]:
    return _all(sql, study)[0]
