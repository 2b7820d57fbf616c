"""Where something stands: excerpts with the words that stand out, and how many outputs of each system it concerns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.registry import AuditedText, Evidence

AROUND = 70  # characters on each side of what stands out
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Hit:
    """One place in one text, from `start` to `end`."""

    text: AuditedText
    start: int
    end: int

    @property
    def words(self) -> str:
        """What stands there."""
        return self.text.text[self.start : self.end]


def excerpt(hit: Hit) -> Evidence:
    """Return the words with some text around them, cut at white space where there is some."""
    text, begin, stop = hit.text.text, max(hit.start - AROUND, 0), min(hit.end + AROUND, len(hit.text.text))
    if begin and (blank := text.find(" ", begin, hit.start)) >= 0:
        begin = blank + 1
    if stop < len(text) and (blank := text.rfind(" ", hit.end, stop)) >= 0:
        stop = blank
    head, tail = "… " if begin else "", " …" if stop < len(text) else ""
    shift = len(head) - begin
    return Evidence(
        hit.text.output, f"{head}{text[begin:stop]}{tail}", hit.start + shift, max(hit.end, hit.start) + shift
    )


def evidence(hits: Sequence[Hit]) -> tuple[Evidence, ...]:
    """Return the first few, from as many texts as there are, of every system in turn."""
    first: dict[int, Hit] = {}
    for hit in hits:
        first.setdefault(hit.text.output, hit)
    turns: Counter[str] = Counter()
    ranked = []
    for hit in first.values():
        turns[hit.text.system] += 1
        ranked.append((turns[hit.text.system], hit))
    ranked.sort(key=lambda pair: pair[0])
    return tuple(excerpt(hit) for _, hit in ranked[:SHOWN])


def outputs_of(hits: Iterable[Hit]) -> tuple[int, ...]:
    """Return the ids of the texts, each once."""
    return tuple(dict.fromkeys(hit.text.output for hit in hits))


def sizes_of(texts: Iterable[AuditedText]) -> dict[str, int]:
    """Return how many texts each system has, by name."""
    return dict(sorted(Counter(text.system for text in texts).items()))


def by_system(concerned: Iterable[AuditedText], sizes: Mapping[str, int]) -> dict[str, Any]:
    """Return the figures of a finding: of how many of its texts each system is concerned."""
    once = {text.output: text.system for text in concerned}
    found = Counter(once.values())
    return {"systems": {name: {"count": found[name], "of": total} for name, total in sizes.items()}}


def says(count: int, what: str) -> str:
    """Return "2 outputs hold …", "1 output holds …"."""
    verb, _, rest = what.partition(" ")
    return f"{counted(count, 'output')} {verb if count != 1 else {'are': 'is'}.get(verb, f'{verb}s')} {rest}"


def counted(count: int, noun: str) -> str:
    """Return "1 output", "2 outputs"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
