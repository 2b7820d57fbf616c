"""Texts that are the same, or nearly: within a system mode collapse, between systems trials without an answer.

Near duplicates are found by MinHash over runs of words (datasketch) and then compared exactly: the Jaccard index of
their runs has to reach the threshold, so that MinHash decides what is looked at and nothing else.

Runs of words say nothing of an answer of a few words, where one word is half of it. Of those the runs of three letters
are compared, spaces and articles left out: "use it as a door stop" is nearly "Use as the doorstop", "a boat" is not
nearly "a goat". Short answers also meet by chance. That two systems gave the same one is told as a
warning where they do so more often than these texts repeat themselves, and as a note where they do not.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Severity, Surroundings, audits

from .places import Hit, by_system, counted, evidence, outputs_of, sizes_of

TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]|[^\W\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
FEW_WORDS = 8  # shorter texts are compared by letters
LETTERS = 3
_ARTICLES = "a an the it its this that my your our some one ein eine einen der die das un una el la le les"
ARTICLES = frozenset(_ARTICLES.split())
PLURAL = re.compile(r"(?<=[a-z]{3})(?<!s)s\Z")
CHANCE = 0.01
PERMUTATIONS = 64
BAND = (16, 4)  # bands and rows: a pair of similarity 0.8 is missed once in 10,000
MOST_PARTNERS = 200
Runs = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(slots=True)
class _Found:
    """Outputs of one kind of duplicate, and how many pairs they make; `short` counts pairs of short answers."""

    texts: dict[int, AuditedText] = field(default_factory=dict)
    pairs: int = 0
    exact: int = 0
    short: int = 0

    def add(self, one: AuditedText, other: AuditedText, *, exact: bool) -> None:
        self.texts[one.output], self.texts[other.output] = one, other
        self.pairs += 1
        self.exact += exact
        self.short += min(len(_words(one.text)), len(_words(other.text))) < FEW_WORDS


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
            kinds[_kind(one, other)].add(one, other, exact=exact)
        for kind, (severity, title, what, advice) in KINDS.items():
            if found := kinds.get(kind):
                chance = kind == "arms" and _by_chance(texts, kinds)
                yield AuditFinding(
                    key=kind,
                    severity="note" if chance else severity,
                    title=title,
                    detail=f"{counted(len(found.texts), 'output')} in {counted(found.pairs, 'pair')} "
                    f"({found.exact:,} word for word) {what}{BY_CHANCE if chance else ''}",
                    advice=advice,
                    outputs=tuple(found.texts),
                    evidence=evidence(
                        [Hit(text, 0, min(len(text.text), 90)) for text in _side_by_side(found.texts.values())]
                    ),
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


BY_CHANCE = " They are short answers, and systems share them no more often than these texts repeat themselves."


def _kind(one: AuditedText, other: AuditedText) -> str:
    if one.prompt == other.prompt:
        return "cell" if one.system == other.system else "arms"
    return "prompts" if one.system == other.system else "apart"


def _by_chance(texts: Sequence[AuditedText], kinds: Mapping[str, _Found]) -> bool:
    """Whether systems share short answers no more often than a system repeats itself, and than prompts share answers.

    Pairs between systems are counted against pairs within them (binomial) and over prompts (Poisson, at that rate).
    Without any of the latter there is nothing to expect, so that no shared answer is by chance.
    """
    from scipy import stats

    between = kinds["arms"]
    if between.short < between.pairs:
        return False
    within = kinds["cell"].short if "cell" in kinds else 0
    across = sum(kinds[kind].short for kind in ("prompts", "apart") if kind in kinds)
    whole, prompts, cells = len(texts), Counter[str](), Counter[tuple[str, str]]()
    for text in texts:
        prompts[text.prompt] += 1
        cells[text.prompt, text.system] += 1
    in_cells, in_prompts = (sum(n * (n - 1) // 2 for n in sizes.values()) for sizes in (cells, prompts))
    may_meet, apart = in_prompts - in_cells, whole * (whole - 1) // 2 - in_prompts
    ps = [0.0]
    if within:
        ps.append(float(stats.binom.sf(between.pairs - 1, between.pairs + within, may_meet / in_prompts)))
    if across:
        ps.append(float(stats.poisson.sf(between.pairs - 1, across * may_meet / apart)))
    return max(ps) >= CHANCE


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
    if threshold >= 1:
        return
    few, many = (
        [(words, same) for words, same in groups.items() if words and (len(words) < FEW_WORDS) is is_few]
        for is_few in (True, False)
    )
    yield from _near(few, [_letters(words) for words, _ in few], threshold)
    yield from _near(many, [_runs(words, run) for words, _ in many], threshold)


def _near(
    groups: Sequence[tuple[tuple[str, ...], list[AuditedText]]], runs: Sequence[Runs], threshold: float
) -> Iterator[tuple[AuditedText, AuditedText, bool]]:
    for at, to in _candidates(runs, threshold):
        if _is_near(runs[at], runs[to], threshold):
            for one in groups[at][1][:MOST_PARTNERS]:
                for other in groups[to][1][:MOST_PARTNERS]:
                    yield one, other, False


def _is_near(one: Runs, other: Runs, threshold: float) -> bool:
    """Whether the Jaccard index reaches the threshold."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    return bool(shared / (len(one) + len(other) - shared) >= threshold)


def _letters(words: Sequence[str]) -> Runs:
    """Return the distinct runs of LETTERS letters as 32-bit hashes; spaces, articles and plurals are left out."""
    kept = [word for word in words if word not in ARTICLES] or words
    whole = "^" + "".join(PLURAL.sub("", word) for word in kept) + "$"
    found = {whole[at : at + LETTERS] for at in range(max(len(whole) - LETTERS, 0) + 1)}
    return np.array(sorted({zlib.crc32(one.encode()) for one in found}), dtype=np.uint32)


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
