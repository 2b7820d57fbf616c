"""Names of the study's own systems in the texts: whole, in parts that are no ordinary words, and as labels."""

# ruff: noqa: E501 - patterns are easier to read whole

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from annotations.registry import AuditedText, Severity

from .names_list import GENERIC
from .places import Hit

LEFT, RIGHT = r"(?<![\w-])", r"(?!\w)"
SHORTEST = 3
# Where even an ordinary word is a name: "Output by north.", "[north]", "north: …", "model = north", "north's answer".
PIECE = r"(?:answer|response|output|reply|completion|version|story|idea|text|suggestion|essay)"
MADE = rf"(?:{PIECE}|generated|written|produced|created|authored|answered|completed|composed|submitted|signed|sampled)"
THING = r"(?:model|system|arm|condition|method|assistant|version|variant)"
END = r"(?=[\"'”’\])>*_]*\s*(?:[.,;:!?)\]]|\Z|\n))"
LABELS = (
    rf"\b{MADE} by (?:the )?(?:{THING} )?[\"'“‘\[(<*_]*{{name}}{END}|\b(?:output|response|answer|completion|generated) from [\"'“‘\[(<*_]*{{name}}{END}|"
    rf"\b(?:{THING}|source|author|writer|generator|agent|group|label)\s*[:=]\s*[\"'“‘]?{{name}}(?!\w)|"
    r"[\[<{{{{]\s*/?\s*{name}\s*[\]>}}}}]|\A\s*[*_#]*\s*{name}\s*[*_]*\s*[:：]|"
    rf"(?<!\w){{name}}['’]s {PIECE}\b|\b(?:my name is|call me) {{name}}{END}|"
    rf"\b(?:I am|I['’]m|as|this is|by|from) the {{name}} {THING}\b|"
    r"(?:[—–]|--|\n\s*-)\s?{name}\W*\Z|\b(?:yours|sincerely|regards|signed)[^\n.]{{0,20}}[,:\s]\s*{name}\W*\Z"
)
LONGER = r"|\A\s*\({name}\)|\({name}\)\s*\Z|(?<!\w)#{name}\b"
UNUSUAL = frozenset(
    ("baseline", "steered", "vanilla", "finetuned", "prompted")
)  # no text holds "steered model" by chance


@dataclass(slots=True)
class OwnName:
    """A name, or a part of one, and where it stands."""

    name: str
    severity: Severity
    hits: list[Hit] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Own:
    """What to look for of a system's name; `label` when it is one, so that ordinary words are names, too."""

    name: str
    pattern: re.Pattern[str]
    severity: Severity
    label: str = ""


def own_names(texts: Sequence[AuditedText], names: Sequence[str]) -> list[OwnName]:
    """Look for the systems' names; what several systems write alike tells nothing of who wrote."""
    found: dict[str, OwnName] = {}
    seen: set[tuple[int, int]] = set()
    for own in sorted(_wanted(names), key=lambda one: one.severity):
        hits = [
            Hit(text, *match.span())
            for text in texts
            if not own.pattern.search(text.question)
            for match in own.pattern.finditer(text.text)
        ]
        fresh = [hit for hit in hits if (hit.text.output, hit.start) not in seen]
        if not fresh or _usual(own, fresh):
            continue
        seen |= {(hit.text.output, at) for hit in fresh for at in range(hit.start, hit.end)}
        kept = found.setdefault(own.name.casefold(), OwnName(own.name, own.severity))
        kept.hits += fresh
    return list(found.values())


def _usual(own: _Own, hits: Sequence[Hit]) -> bool:
    """Whether several systems use the word, or set the same label: "Story: …" in all arms is nobody's name."""
    counts = Counter(hit.text.system for hit in hits)
    if len(counts) < 2:  # noqa: PLR2004 - one system alone
        return False
    return own.severity == "warning" or (bool(own.label) and counts[own.label] * 2 <= counts.total())


def _wanted(names: Sequence[str]) -> Iterator[_Own]:
    wanted: dict[str, _Own] = {}
    for name in names:
        parts = [part for part in re.split(r"[\W_]+", name) if part]
        if not parts:
            continue
        escaped = re.escape(name)
        yield _Own(name, _label(name, parts), "leak", label=name)
        if name.casefold() in UNUSUAL:
            yield _Own(name, _bounded(rf"{escaped} (?:model|output|arm)"), "leak")
        if len(name) < SHORTEST or name.casefold() in GENERIC:
            continue
        if len(parts) == 1:
            wanted[name.casefold()] = _Own(name, _bounded(escaped), "leak" if _is_odd(name) else "warning")
            continue
        odd = any(mark.isdigit() or mark in "-_./" for mark in name)
        yield _Own(name, _bounded(escaped), "leak" if odd else "warning")
        yield _Own(
            name,
            _bounded(r"[\s_\-./]".join(map(re.escape, parts))),
            "warning" if _is_loose(parts) and not _is_odd(name) else "leak",
        )
        for part in parts:
            if len(part) > SHORTEST and part.casefold() not in GENERIC and not part.isdigit():
                own = _Own(part, _bounded(re.escape(part)), "leak" if _is_odd(part) else "warning")
                wanted.setdefault(part.casefold(), own)
    yield from wanted.values()


def _label(name: str, parts: Sequence[str]) -> re.Pattern[str]:
    """Return the pattern of a name that is set as a label; one or two letters count in their own case only."""
    short = len(name) < SHORTEST
    spelled = r"[\s_\-./]?".join(map(re.escape, parts))
    pattern = (LABELS if short else LABELS + LONGER).format(name=f"(?-i:{spelled})" if short else spelled)
    return re.compile(pattern, re.IGNORECASE)


def _bounded(pattern: str) -> re.Pattern[str]:
    return re.compile(f"{LEFT}{pattern}{RIGHT}", re.IGNORECASE)


def _is_odd(word: str) -> bool:
    """Whether this is no word that a text would hold by chance: with digits, or capitals inside (CreativityNeuro)."""
    return any(map(str.isdigit, word)) or (word.isalpha() and not word[1:].islower())


def _is_loose(parts: Sequence[str]) -> bool:
    """Whether a name is made of ordinary words only, which may stand side by side by chance."""
    return all(part.casefold() in GENERIC or part.isdigit() or len(part) <= SHORTEST for part in parts)
