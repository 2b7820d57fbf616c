"""Words that raters should be spared: a list of one's own, and checkers that other code may register."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Surroundings, audits

from .places import Hit, by_system, counted, evidence, outputs_of, sizes_of

Checker = Callable[[str], Iterable[tuple[int, int]]]
"""Takes a text and returns the places (start, end) that are harmful; none for a text that is not."""

_CHECKERS: dict[str, Checker] = {}


def register_checker(name: str, checker: Checker) -> None:
    """Have every audit ask this function as well, e.g. a classifier that is installed at your place."""
    _CHECKERS[name] = checker


def forget_checker(name: str) -> None:
    """Ask it no more."""
    _CHECKERS.pop(name, None)


@audits.register
class Toxicity(Audit):
    """No list of slurs comes with the platform: what harms differs by people and language."""

    name = "toxicity"
    label = "Words to spare raters"
    question = "Does a text hold a word of your own list, or something that a checker of yours finds harmful?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "words", "Your list", "lines", [], most=80, many=5000,
            help="One word or phrase a line; * stands for any ending. Nothing is looked for while it is empty.",
        ),
    )  # fmt: skip

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for the list and one for each checker."""
        del around
        sizes = sizes_of(texts)
        if settings["words"]:
            listed = "|".join(re.escape(word).replace(r"\*", r"\w*") for word in settings["words"])
            pattern = re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)
            hits = [Hit(text, *match.span()) for text in texts if (match := pattern.search(text.text))]
            yield from _found("list", "your list", hits, sizes=sizes)
        for name, checker in sorted(_CHECKERS.items()):
            hits = [Hit(text, start, end) for text in texts for start, end in list(checker(text.text))[:1]]
            yield from _found(f"checker:{name}", f"the checker “{name}”", hits, sizes=sizes)


def _found(key: str, by: str, hits: Sequence[Hit], *, sizes: Mapping[str, int]) -> Iterator[AuditFinding]:
    if not hits:
        return
    ids = outputs_of(hits)
    yield AuditFinding(
        key=key,
        severity="warning",
        title=f"Harmful words, by {by}",
        detail=f"{counted(len(ids), 'output')} {'holds' if len(ids) == 1 else 'hold'} what {by} names.",
        advice="Exclude them, or tell raters in the consent what they may meet.",
        outputs=ids,
        evidence=evidence(hits),
        figures=by_system((hit.text for hit in hits), sizes),
    )
