"""Failed attention: instructed trials and obviously degraded texts, answered otherwise than anybody would who reads.

A row counts whole when it is wrong and half when it goes the right way but not as far as asked. Going the right way in
every row equally is read as a mild reading of the instruction, not as inattention.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.registry import Answer, Expected, Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks

HALF = 0.5
NEAR = 0.3
MILD = 0.25
END = 0.1
POINTS = 1.6


@quality_checks.register
class FailedAttention(QualityCheck):
    """The share of attention trials that were failed."""

    name = "failed_attention"
    label = "Failed attention"
    question = "Were instructed trials and obviously degraded texts answered as asked?"
    score_label = "share of attention trials failed"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("wrong_rows", "A trial is failed when this share of its rows is wrong", 0.3, 0.05, 1.0),
    )
    rule = Rule("count", 2)

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for each failed trial, and one for the rater."""
        asked = [(seen, missed(seen)) for seen in history.of_kind("attention") if seen.expected and seen.answers]
        failed = [(seen, share) for seen, share in asked if share >= options["wrong_rows"]]
        if not failed:
            return ()
        detail = {"failed": len(failed), "of": len(asked)}
        return (
            Finding("rater", round(len(failed) / len(asked), 3), detail),
            *(Finding("trial", round(share, 3), {"wrong": round(share, 2)}, seen.number) for seen, share in failed),
        )

    def points(self, finding: Finding) -> float:
        """One honest rater in forty fails an attention trial; of more trials, that many more fail one."""
        return POINTS * float(finding.detail["failed"]) - math.log10(finding.detail["of"])

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        if "of" in detail:
            return f"failed {detail['failed']} of {detail['of']} attention trials"
        return f"{detail['wrong']:.0%} of the rows were not answered as asked"


def missed(seen: Seen) -> float:
    """Return the share of rows of an attention trial that were answered wrongly."""
    if seen.expected is None:
        return 0.0
    rows = [_row(answer, seen.expected) for answer in seen.answers if answer.measure != "text"]
    if not rows:
        return 0.0
    share = sum(rows) / len(rows)
    if seen.expected.most:
        return share if share >= HALF else 0.0
    equally = len({answer.scores for answer in seen.answers}) == 1
    return min(share, MILD) if equally and max(rows) <= HALF else share


def _row(answer: Answer, expected: Expected) -> float:
    if expected.how in ("highest", "lowest"):
        return _far_from_end(answer, expected)
    if expected.how == "last":
        return 0.0 if _last(answer) == expected.place else 1.0
    if answer.favoured != expected.place:
        return 1.0
    whole = len(answer.scores) == 1 and answer.span is not None
    return HALF if whole and _distance(answer, high=answer.scores[0] > 0) > END else 0.0


def _far_from_end(answer: Answer, expected: Expected) -> float:
    if answer.span is None:
        return 0.0
    distance = _distance(answer, high=expected.how == "highest")
    if distance <= expected.within + 1e-9:
        return 0.0
    return HALF if not expected.most and distance <= NEAR else 1.0


def _distance(answer: Answer, *, high: bool) -> float:
    low, top = answer.span or (0.0, 1.0)
    end = top if high else low
    return max(abs(score - end) for score in answer.scores) / ((top - low) or 1.0)


def _last(answer: Answer) -> int | None:
    if len(answer.scores) == 1:
        return None if answer.favoured is None else 3 - answer.favoured
    lowest = min(answer.scores)
    return answer.scores.index(lowest) + 1 if answer.scores.count(lowest) == 1 else None
