"""Too fast: answered in less time than the texts take to read.

Adults read English silently at 238 words a minute, most between 175 and 300 (Brysbaert 2019, 190 studies,
doi:10.1016/j.jml.2019.104047); beyond twice that, understanding is lost (Rayner et al. 2016,
doi:10.1177/1529100615623267). Above 600 words a minute a text was scanned at best. The prompt is not counted: it may be
known. Only active time counts, and only main trials: a repeat has been read before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.registry import Finding, History, QualityCheck, Rule, Seen, Setting, quality_checks

from .chance import median

MINUTE = 60.0
LEAST_SECONDS = 0.05


@quality_checks.register
class TooFast(QualityCheck):
    """The share of main trials that were answered faster than their texts can be read."""

    name = "too_fast"
    label = "Too fast to read"
    question = "Was there time to read the texts?"
    score_label = "share of trials faster than reading"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("words_per_minute", "Words a minute that cannot be read", 600, 200, 3000, whole=True),
        Setting("row_seconds", "Seconds that a row of answers takes at least", 0.3, 0, 5),
        Setting("share", "A finding from this share of trials", 0.35, 0.05, 1),
        Setting("least_trials", "Main trials needed to say anything", 4, 1, 100, whole=True),
    )
    rule = Rule("score", 0.5)

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding for the rater, and one for each trial that was too fast."""
        timed = [seen for seen in history.of_kind("main") if seen.seconds is not None and any(seen.words)]
        fast = [seen for seen in timed if is_too_fast(seen, options)]
        if len(timed) < options["least_trials"] or len(fast) < options["share"] * len(timed):
            return ()
        detail = {"fast": len(fast), "of": len(timed), "words_per_minute": round(median([*map(speed, timed)]))}
        return (
            Finding("rater", round(len(fast) / len(timed), 3), detail),
            *(Finding("trial", round(speed(seen)), _detail(seen), seen.number) for seen in fast),
        )

    def points(self, finding: Finding) -> float:  # noqa: ARG002
        """One honest rater in a hundred skims so much."""
        return 2.0

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        if "of" in detail:
            pace = f"{detail['words_per_minute']:,} words a minute in the middle"
            return f"{detail['fast']} of {detail['of']} trials were faster than reading ({pace})"
        return f"{detail['words']} words in {detail['seconds']:.1f} s"


def is_too_fast(seen: Seen, options: Mapping[str, float]) -> bool:
    """Say whether reading and answering would have taken longer."""
    reading = sum(seen.words) * MINUTE / options["words_per_minute"]
    answering = len(seen.answers) * options["row_seconds"]
    return (seen.seconds or 0.0) < max(reading, answering)


def speed(seen: Seen) -> float:
    """Return words a minute."""
    return sum(seen.words) * MINUTE / max(seen.seconds or 0.0, LEAST_SECONDS)


def _detail(seen: Seen) -> dict[str, Any]:
    return {"words": sum(seen.words), "seconds": round(seen.seconds or 0.0, 2)}
