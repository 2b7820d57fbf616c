"""Duplicate person: somebody took part before, by the recruiter's id or from the same browser. The first visit counts.

Two people at one computer look the same, so the rule asks for an earlier visit with several judgements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.registry import Finding, History, QualityCheck, Rule, Setting, quality_checks

WORDS = {"browser": "the same browser", "recruiter": "the same recruiter's id"}


@quality_checks.register
class DuplicatePerson(QualityCheck):
    """How many earlier visits there were."""

    name = "duplicate_person"
    label = "Took part before"
    question = "Has this person taken part in the study before?"
    score_label = "number of earlier visits"
    settings: ClassVar[tuple[Setting, ...]] = (
        Setting("judgements", "Judgements that make an earlier visit count", 3, 1, 100, whole=True),
    )
    rule = Rule("score", 1)

    def findings(self, history: History, options: Mapping[str, float]) -> tuple[Finding, ...]:
        """One finding about the rater."""
        earlier = [twin for twin in history.twins if twin.judged >= options["judgements"]]
        if not earlier or not history.judgements:
            return ()
        by = sorted({twin.by for twin in earlier})
        return (Finding("rater", float(len(earlier)), {"visits": len(earlier), "by": by}),)

    def sentence(self, detail: Mapping[str, Any]) -> str:
        """Say it in words."""
        ways = " and ".join(WORDS[way] for way in detail["by"])
        return f"{detail['visits']} earlier visit{'s' * (detail['visits'] != 1)} with {ways}"
