"""Habits of one system: words it uses far more than the others, and formulas it begins or ends with."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Surroundings, audits

from .arms import ALPHA, Arms, Difference
from .places import Hit, by_system, evidence, sizes_of

TOKEN = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
LEAST_PROMPTS = 4
LEAST_LETTERS = 4  # "a" and "it" are nobody's habit
_USUAL = "that this with from your into have will their they when what more than them then some would could"
USUAL = frozenset(_USUAL.split())
LEAST_TEXTS = 6
OPENING = (1, 2, 3)  # words of a formula at the beginning
ENDING = (2, 3)
NOTABLE_FORMULA = 0.2
MOST = 8


@audits.register
class Habits(Audit):
    """Words and formulas over-represented in one system, in many of its texts and to many prompts."""

    name = "habits"
    label = "Habits of wording"
    question = "Does one system repeat a word, an opening or an ending that would give it away after a few texts?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option("least", "Smallest difference that matters, in percentage points", "number", 25, least=5, most=100),
    )

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each habit, the clearest first."""
        del around
        arms, sizes = Arms(texts), sizes_of(texts)
        openings, endings, words = _formulas(texts)
        told = 0
        for kind, found in (("opening", openings), ("ending", endings), ("word", words)):
            least = settings["least"] / 100 if kind == "word" else min(settings["least"] / 100, NOTABLE_FORMULA)
            enough = least * min(sizes.values(), default=0)  # texts; with fewer no share differs by so much
            likely = {key: having for key, having in found.items() if len(having) >= enough}
            clear = [one for one in arms.differences(likely) if one.p < ALPHA and one.size >= least]
            for one in _longest(sorted(clear, key=lambda one: (-one.size, one.p)))[:MOST]:
                told += 1
                yield _finding(kind, one, having=found[one.feature], sizes=sizes)


def _formulas(texts: Sequence[AuditedText]) -> tuple[dict[str, list[AuditedText]], ...]:
    """Return the texts by opening, by ending and by word, as far as these occur often enough, to enough prompts."""
    openings: dict[str, list[AuditedText]] = defaultdict(list)
    endings: dict[str, list[AuditedText]] = defaultdict(list)
    words: dict[str, list[AuditedText]] = defaultdict(list)
    for text in texts:
        tokens = [word.casefold() for word in TOKEN.findall(text.text)]
        for length in OPENING:
            if len(tokens) > length and (length > 1 or len(tokens[0]) >= LEAST_LETTERS):
                openings[" ".join(tokens[:length])].append(text)
        for length in ENDING:
            if len(tokens) > length:
                endings[" ".join(tokens[-length:])].append(text)
        for word in {token for token in tokens if len(token) >= LEAST_LETTERS} - USUAL:
            words[word].append(text)
    return tuple(
        {
            key: found
            for key, found in one.items()
            if len(found) >= LEAST_TEXTS and len({text.prompt for text in found}) >= LEAST_PROMPTS
        }
        for one in (openings, endings, words)
    )


def _longest(found: Sequence[Difference]) -> list[Difference]:
    """Leave out "imagine a" where "imagine a world" is told: a formula within a longer one of the same system."""
    kept: list[Difference] = []
    for one in found:
        inside = [
            other
            for other in found
            if other is not one
            and other.system == one.system
            and f" {one.feature} " in f" {other.feature} "
            and other.count >= 0.8 * one.count
        ]
        if not inside:
            kept.append(one)
    return kept


def _finding(kind: str, one: Difference, *, having: Sequence[AuditedText], sizes: Mapping[str, int]) -> AuditFinding:
    mine = [text for text in having if text.system == one.system]
    does = {"opening": "begins with", "ending": "ends with", "word": "keeps using"}[kind]
    rest = "the other system" if len(sizes) == 2 else "the others"  # noqa: PLR2004 - a pair
    return AuditFinding(
        key=f"{kind}:{one.feature}:{one.system}",
        severity="warning",
        title=f"“{one.system}” {does} “{one.feature}”",
        detail=f"{one.share:.0%} of its outputs, of {rest} {one.other_share:.0%} (p = {one.p:.2g}, corrected).",
        advice="Raters learn such a habit after a few texts. Note it in the design if it belongs to the steering.",
        outputs=tuple(text.output for text in mine),
        evidence=evidence([Hit(text, *_place(kind, one.feature, text.text)) for text in mine]),
        figures=by_system(having, sizes) | {"p": one.p, "difference": one.size},
    )


def _place(kind: str, feature: str, text: str) -> tuple[int, int]:
    pattern = re.compile(r"(?<!\w)" + r"\W+".join(map(re.escape, feature.split())) + r"(?!\w)", re.IGNORECASE)
    places = [match.span() for match in pattern.finditer(text)]
    if not places:
        return 0, 0
    return places[-1] if kind == "ending" else places[0]
