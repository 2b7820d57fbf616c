"""Long pauses and a hidden tab: the page stood unseen or untouched for long. Told, not punished."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.registry import Finding, History, QualityCheck, Rule, Setting, quality_checks


@quality_checks.register
class LongPauses(QualityCheck):
    """In how many trials the rater was away for long."""

    name = "long_pauses"
    label = "Long pauses"
    question = "Was the page hidden or left alone for long?"
    score_label = "share of trials with a long pause"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("seconds", "Seconds away that make a long pause", 120, 5, 3600, whole=True),
        Setting("share", "A finding from this share of trials", 0.25, 0.05, 1),
        Setting("least_trials", "Trials needed to say anything", 4, 1, 100, whole=True),
    )
    rule = Rule("never")

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each trial with a long pause."""
        away = [(seen, seen.hidden_seconds + seen.idle_seconds) for seen in history.judgements]
        long = [(seen, seconds) for seen, seconds in away if seconds >= options["seconds"]]
        total = len(history.judgements)
        if total < options["least_trials"] or len(long) < options["share"] * total:
            return ()
        minutes = round(sum(seconds for _, seconds in away) / 60, 1)
        return (
            Finding("rater", round(len(long) / total, 3), {"long": len(long), "of": total, "minutes": minutes}),
            *(Finding("trial", round(seconds, 1), {"seconds": round(seconds)}, seen.number) for seen, seconds in long),
        )

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        if "of" in detail:
            return f"away for long in {detail['long']} of {detail['of']} trials, {detail['minutes']} minutes in all"
        return f"away for {detail['seconds']:,} s"
