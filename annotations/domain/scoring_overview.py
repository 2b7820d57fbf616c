"""What the page of automatic judges shows: coverage, range and a histogram of each judge's scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from annotations.enums import JobState, SystemRole
from annotations.models import Judge, Study
from annotations.registry import scorers

BINS = 16
# Scores of outputs that raters may see; `stale` are of a text that was another one.
COUNTS = """
SELECT x.judge_id, count(*), count(*) FILTER (WHERE x.text_digest <>
           left(encode(sha256(convert_to(o.text, 'UTF8')), 'hex'), 16)),
       min(x.value), max(x.value), avg(x.value)
FROM annotations_outputscore x
JOIN annotations_judge j ON j.id = x.judge_id
JOIN annotations_output o ON o.id = x.output_id
JOIN annotations_system s ON s.id = o.system_id
WHERE j.study_id = %(study)s AND o.left_out = '' AND s.role <> %(check)s
GROUP BY x.judge_id
"""
HISTOGRAM = """
WITH range AS (
    SELECT x.judge_id, min(x.value) AS low, max(x.value) AS high
    FROM annotations_outputscore x JOIN annotations_judge j ON j.id = x.judge_id
    WHERE j.study_id = %(study)s GROUP BY x.judge_id
)
SELECT x.judge_id,
       CASE WHEN r.high > r.low THEN least(floor((x.value - r.low) / (r.high - r.low) * %(bins)s), %(bins)s - 1)::int
            ELSE %(bins)s / 2 END AS bin,
       count(*)
FROM annotations_outputscore x JOIN range r ON r.judge_id = x.judge_id
GROUP BY 1, 2
"""
OUTPUTS = """
SELECT count(*) FROM annotations_output o
JOIN annotations_prompt p ON p.id = o.prompt_id JOIN annotations_system s ON s.id = o.system_id
WHERE p.study_id = %(study)s AND o.left_out = '' AND s.role <> %(check)s
"""


@dataclass(frozen=True)
class JudgeSummary:
    """One judge and its scores; `stale` of them are of an earlier text, `bars` count them from low to high."""

    judge: Judge
    label: str
    direction: str
    has_settings: bool
    outputs: int
    scored: int = 0
    stale: int = 0
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    bars: tuple[int, ...] = ()

    @property
    def missing(self) -> int:
        """Outputs without a score of their text."""
        return max(self.outputs - self.scored + self.stale, 0)

    @property
    def is_under_way(self) -> bool:
        """Whether a job waits or runs."""
        return self.judge.state in (JobState.QUEUED, JobState.RUNNING)

    @property
    def may_go_on(self) -> bool:
        """Whether the job can be asked for again."""
        return bool(self.judge.scorer) and not self.is_under_way and self.missing > 0


def judges_of(*, study: Study) -> list[JudgeSummary]:
    """Return the study's judges by name, in four queries however many they are."""
    values: dict[str, Any] = {"study": study.pk, "check": SystemRole.CHECK.value, "bins": BINS}
    with connection.cursor() as cursor:
        cursor.execute(OUTPUTS, values)
        outputs = int(cursor.fetchone()[0])
        cursor.execute(COUNTS, values)
        counts = {judge: found for judge, *found in cursor.fetchall()}
        cursor.execute(HISTOGRAM, values)
        bins: dict[int, list[int]] = {}
        for judge, place, count in cursor.fetchall():
            bins.setdefault(judge, [0] * BINS)[place] = count
    made = []
    for judge in study.judges.all():
        scorer = scorers.get(judge.scorer) if judge.scorer in scorers.names() else None
        scored, stale, low, high, mean = counts.get(judge.pk, (0, 0, None, None, None))
        made.append(
            JudgeSummary(
                judge=judge,
                label=scorer.label if scorer else "Brought as a file" if not judge.scorer else judge.scorer,
                direction=scorer.direction if scorer else "",
                has_settings=bool(scorer and (scorer.takes or scorer.secrets)),
                outputs=outputs,
                scored=scored,
                stale=stale,
                low=low,
                high=high,
                mean=mean,
                bars=tuple(bins.get(judge.pk, ())),
            )
        )
    return made
