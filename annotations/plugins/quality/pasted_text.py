"""Pasted text: a free answer that came in at once, by paste or in a burst that nobody types.

The page notes pastes and the longest run of characters without keys being pressed (``annotations.forms.evidence``).
Pasting one's own draft is no misconduct, and recruiters do not let you reject for it: it is told, and excludes nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.registry import Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks


@quality_checks.register
class PastedText(QualityCheck):
    """In how many trials a long text came in at once."""

    name = "pasted_text"
    label = "Pasted text"
    question = "Were free answers typed?"
    score_label = "share of free answers that came in at once"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("characters", "Characters at once that count", 40, 5, 5000, whole=True),
        Setting("trials", "A finding from this number of trials", 1, 1, 100, whole=True),
    )
    rule = Rule("never")

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each trial with such an answer."""
        long = [(seen, came) for seen in history.judgements if (came := _at_once(seen)) >= options["characters"]]
        written = [seen for seen in history.judgements if _has_text(seen)]
        if len(long) < options["trials"]:
            return ()
        total = max(len(written), len(long))
        return (
            Finding("rater", round(len(long) / total, 3), {"pasted": len(long), "of": total}),
            *(Finding("trial", float(came), {"characters": came}, seen.number) for seen, came in long),
        )

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        if "of" in detail:
            return f"{detail['pasted']} of {detail['of']} written answers came in at once"
        return f"{detail['characters']:,} characters came in at once"


def _at_once(seen: Seen) -> int:
    pastes = seen.evidence.get("pastes") or {}
    return max(int(pastes.get("characters", 0) or 0), int(seen.evidence.get("burst", 0) or 0))


def _has_text(seen: Seen) -> bool:
    return any(answer.measure == "text" or "note" in str(answer.value) for answer in seen.answers)
