"""Texts that are the same, or nearly: within a system mode collapse, between systems trials without an answer.

Near duplicates are found by MinHash over runs of words (datasketch) and then compared exactly: the Jaccard index of
their runs has to reach the threshold, so that MinHash decides what is looked at and nothing else.
"""

from __future__ import annotations

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Severity, Surroundings, audits

from .places import Hit, by_system, counted, evidence, outputs_of, sizes_of

TOKEN = re.compile(r"\w+")
FEW_WORDS = 8  # shorter texts are the same or they are not
PERMUTATIONS = 64
BAND = (16, 4)  # bands and rows: a pair of similarity 0.8 is missed once in 10,000
MOST_PARTNERS = 200
Runs = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(slots=True)
class _Found:
    """Outputs of one kind of duplicate, and how many pairs they make."""

    texts: dict[int, AuditedText] = field(default_factory=dict)
    pairs: int = 0
    exact: int = 0

    def add(self, one: AuditedText, other: AuditedText, *, exact: bool) -> None:
        self.texts[one.output], self.texts[other.output] = one, other
        self.pairs += 1
        self.exact += exact


@audits.register
class Duplicates(Audit):
    """Exact and near duplicates to one prompt within and between systems, over prompts, and of the prompt itself."""

    name = "duplicates"
    label = "Duplicates"
    question = "Are texts the same, or nearly, within a system, between systems, or as their prompt?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option("threshold", "Nearly the same from this similarity on, in per cent", "number", 80, least=40, most=100),
        Option("run", "Compare runs of so many words", "number", 3, least=1, most=8),
    )

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each kind."""
        del around
        sizes, threshold = sizes_of(texts), settings["threshold"] / 100
        kinds: dict[str, _Found] = defaultdict(_Found)
        for one, other, exact in _pairs(texts, threshold=threshold, run=settings["run"]):
            if one.prompt == other.prompt:
                kinds["cell" if one.system == other.system else "arms"].add(one, other, exact=exact)
            elif one.system == other.system:
                kinds["prompts"].add(one, other, exact=exact)
        for kind, (severity, title, what, advice) in KINDS.items():
            if found := kinds.get(kind):
                hits = [Hit(text, 0, 0) for text in _side_by_side(found.texts.values())]
                yield AuditFinding(
                    key=kind,
                    severity=severity,
                    title=title,
                    detail=f"{counted(len(found.texts), 'output')} in {counted(found.pairs, 'pair')} "
                    f"({found.exact:,} word for word) {what}",
                    advice=advice,
                    outputs=tuple(found.texts),
                    evidence=evidence([Hit(hit.text, 0, min(len(hit.text.text), 90)) for hit in hits]),
                    figures=by_system(found.texts.values(), sizes) | {"pairs": found.pairs, "exact": found.exact},
                )
        yield from _same_as_prompt(texts, sizes=sizes)


KINDS: dict[str, tuple[Severity, str, str, str]] = {
    "arms": (
        "warning",
        "Systems gave the same text",
        "are the same, or nearly, as another system's to the same prompt.",
        "A trial of two such texts has no answer: exclude one side's, or note that the systems agree so often.",
    ),
    "cell": (
        "note",
        "A system repeats itself",
        "repeat another sample of the same system and prompt: mode collapse.",
        "This may be what you want to measure: see “Measures”. Excluding repeats would hide it.",
    ),
    "prompts": (
        "note",
        "One text for several prompts",
        "repeat the same system's answer to another prompt.",
        "Look whether prompts are nearly the same, or the system answers by rote.",
    ),
}


def _words(text: str) -> list[str]:
    return [word.casefold() for word in TOKEN.findall(text)]


def _runs(words: Sequence[str], run: int) -> Runs:
    """Return the distinct runs of words as 32-bit hashes."""
    size = min(run, len(words))
    hashes = np.fromiter((zlib.crc32(word.encode()) for word in words), dtype=np.uint64, count=len(words))
    mixed = np.zeros(max(len(words) - size + 1, 0), dtype=np.uint64)
    for at in range(size):
        mixed = mixed * np.uint64(0x9E3779B97F4A7C15) + hashes[at : at + len(mixed)] + np.uint64(at)
    return np.unique((mixed >> np.uint64(32)).astype(np.uint32))


def _pairs(
    texts: Sequence[AuditedText], *, threshold: float, run: int
) -> Iterator[tuple[AuditedText, AuditedText, bool]]:
    """Yield pairs of duplicates once each: exact ones (but for case and signs), then near ones."""
    groups: dict[tuple[str, ...], list[AuditedText]] = defaultdict(list)
    for text in texts:
        groups[tuple(_words(text.text))].append(text)
    for same in groups.values():
        for at, one in enumerate(same[:MOST_PARTNERS]):
            for other in same[at + 1 : MOST_PARTNERS]:
                yield one, other, True
    long = [(words, same) for words, same in groups.items() if len(words) >= FEW_WORDS]
    if threshold >= 1 or len(long) < 2:  # noqa: PLR2004 - a pair
        return
    runs = [_runs(words, run) for words, _ in long]
    for at, to in _candidates(runs, threshold):
        shared = len(np.intersect1d(runs[at], runs[to], assume_unique=True))
        if shared / (len(runs[at]) + len(runs[to]) - shared) >= threshold:
            for one in long[at][1][:MOST_PARTNERS]:
                for other in long[to][1][:MOST_PARTNERS]:
                    yield one, other, False


def _candidates(runs: Sequence[Runs], threshold: float) -> Iterator[tuple[int, int]]:
    """Yield places of texts that MinHash puts into one bucket, the first before the second."""
    from datasketch import MinHash, MinHashLSH

    # Below 0.7 more bands are needed than these; datasketch then chooses them.
    params = BAND if threshold >= 0.7 else None  # noqa: PLR2004
    index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, params=params)
    empty = MinHash(num_perm=PERMUTATIONS, seed=1, hashfunc=int)
    for at, found in enumerate(runs):
        sketch = empty.copy()  # with the same permutations, drawn once
        sketch.update_batch(found.tolist())
        for to in sorted(index.query(sketch))[:MOST_PARTNERS]:
            yield int(to), at
        index.insert(at, sketch)


def _side_by_side(texts: Any) -> list[AuditedText]:
    """Return texts of the same prompt next to each other."""
    return sorted(texts, key=lambda text: (text.prompt, " ".join(_words(text.text))[:40], text.system))


def _same_as_prompt(texts: Sequence[AuditedText], *, sizes: Mapping[str, int]) -> Iterator[AuditFinding]:
    hits = [
        Hit(text, 0, min(len(text.text), 90))
        for text in texts
        if len(words := _words(text.text)) > 1 and words == _words(text.question)
    ]
    if hits:
        yield AuditFinding(
            key="echo",
            severity="warning",
            title="The text is the prompt",
            detail=f"{counted(len(hits), 'output')} only {'says' if len(hits) == 1 else 'say'} the prompt again.",
            advice="Exclude these outputs, or have them written again.",
            outputs=outputs_of(hits),
            evidence=evidence(hits),
            figures=by_system((hit.text for hit in hits), sizes),
        )
