"""Names that give the writer away: of models and their makers, and of the study's own systems."""

# ruff: noqa: E501 - patterns are easier to read whole

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Severity, Surroundings, audits

from .features import INVISIBLE
from .names_list import AMBIGUOUS, CERTAIN, INNOCENT, USUAL
from .own_names import LEFT, RIGHT, own_names
from .places import Hit, by_system, counted, evidence, outputs_of, sizes_of

LOOKALIKES = str.maketrans({"\u2010": "-", "\u2011": "-", "\u00a0": " ", "\u202f": " "})
MACHINE = r"(?:AI|A\.I\.|assistant|language model|large language model|LLM|chat ?bot|model|API|bot)"
MADE = r"(?:developed|created|made|trained|built|powered|generated|written|produced|provided|designed|programmed|answered|completed)"
STRONG_BEFORE = (
    r"\b(?:I am|I['’]m|my name is|call me|this is|ich bin|soy|je suis|Я|我是|أنا|(?:output|response|answer|text|completion) (?:of|from|by)|"
    rf"{MADE}(?: \w+){{0,2}} (?:by|with|using|at|from)|fine-?tuned)\s+(?:an? |the )?"
)
STRONG_AFTER = rf"(?:,?\s+(?:an? |the |your )?{MACHINE}\b|['’]s (?:response|answer|output|model|{MACHINE})\b|\s*[-_]?\d+(?:\.\d+)?\s?[bB]\b)"
NAME_TAG = r"\A\s*(?:\[{name}\]|{name} here\b)|\A\s*\[?{name}\]?\s*[:：]|\n\s*\[?{name}\]?\s*[:：]|[—–-]\s?{name}\s*\Z|\({name}\)\s*\Z"
SURNAME_AFTER = re.compile(r"\s(?:[A-Z]\.\s)?(?:(?:de|du|la|van|von)\s)?[A-Z][a-zà-ÿ]+")
PERSON_BEFORE = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|Sir|Saint|St|Uncle|Aunt|Tante|Onkel|Jean|Marie|King|Queen|Captain|Professor|Old|Little|Young|"
    r"Monsieur|Madame|named|called|a|an|the|these|those|some|two|three)\.?[ -])\Z"
)
NEAR_AI = re.compile(
    r"\b(?:AI|A\.I\.|artificial intelligence|language models?|LLMs?|chat ?bots?|neural|algorithm|machine learning|"
    r"trained|training data|prompt|tokens?|assistant)\b"
)
ADVICE = "Exclude these outputs, or have them written again: a rater who reads a name knows what wrote the text."


@audits.register
class Names(Audit):
    """Who wrote it, said in so many words."""

    name = "names"
    label = "Names of models, vendors and systems"
    question = "Does a text name a model, a vendor, or one of the systems of this study?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "more", "Further names to look for", "lines", [], "One a line, found whatever the case.", most=80, many=200
        ),
        Option(
            "innocent",
            "Names that may stand",
            "lines",
            [],
            "One a line, e.g. a character of a story.",
            most=80,
            many=200,
        ),
    )

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each name."""
        sizes = sizes_of(texts)
        may_stand = {name.casefold() for name in settings["innocent"]}
        found: dict[tuple[str, Severity, str], list[Hit]] = defaultdict(list)
        readable = [_readable(text) for text in texts]
        for text in readable:
            for kind, severity, name, start, end in _in_text(text, tuple(settings["more"])):
                if name.casefold() not in may_stand:
                    found[kind, severity, name].append(Hit(text, start, end))
        for (kind, severity, name), hits in _merged(found).items():
            yield finding_of(kind, severity, name=name, hits=hits, sizes=sizes)
        names = [name for name in around.roles if name.casefold() not in may_stand]
        for own in own_names(readable, names):
            yield finding_of("system", own.severity, name=own.name, hits=own.hits, sizes=sizes)


def _readable(text: AuditedText) -> AuditedText:
    """Take out what would hide a name from a search and not from a reader: invisible characters, odd hyphens, spaces."""
    if text.text.isascii():
        return text
    return replace(text, text=INVISIBLE.sub("", text.text.translate(LOOKALIKES)))


@lru_cache(maxsize=1)
def _certain() -> re.Pattern[str]:
    return re.compile(f"{LEFT}(?:{'|'.join(CERTAIN)}){RIGHT}", re.IGNORECASE)


@lru_cache(maxsize=1)
def _doubtful() -> re.Pattern[str]:
    words = sorted({*AMBIGUOUS, *USUAL}, key=len, reverse=True)
    return re.compile(f"{LEFT}(?:{'|'.join(map(re.escape, words))}){RIGHT}")


@lru_cache(maxsize=1)
def _signed() -> re.Pattern[str]:
    """Names in small letters, where only a signature or a label stands: "- claude", "[mistral]", "model: gemini"."""
    names = "|".join(map(re.escape, AMBIGUOUS))
    label = (
        rf"\[(?:{names})\]|(?:[—–]|--|\s-)\s?(?:{names})\s*\Z|\b(?:model|system|source|author)\s*[:=]\s*(?:{names})\b"
    )
    return re.compile(rf"(?=({label}))", re.IGNORECASE)


@lru_cache(maxsize=32)
def _more(names: tuple[str, ...]) -> re.Pattern[str] | None:
    return re.compile(f"{LEFT}(?:{'|'.join(map(re.escape, names))}){RIGHT}", re.IGNORECASE) if names else None


Place = tuple[str, Severity, str, int, int]


def _in_text(text: AuditedText, more: tuple[str, ...]) -> Iterator[Place]:
    """Yield (kind, severity, name, start, end); names that the prompt itself uses give nothing away."""
    asked = text.question.casefold()
    taken: list[tuple[int, int]] = []
    own = _more(more)
    for pattern in (_certain(), own) if own else (_certain(),):
        for match in pattern.finditer(text.text):
            if match[0].casefold() not in asked:
                taken.append(match.span())
                yield "model", "leak", match[0], *match.span()
    for match in _doubtful().finditer(text.text):
        if match[0].casefold() in asked or any(start <= match.start() < end for start, end in taken):
            continue
        severity = _severity(text.text, match)
        if severity is not None:
            taken.append(match.span())
            yield "model", severity, match[0], *match.span()
    for match in _signed().finditer(text.text):
        if match[1].casefold() not in asked and not any(start <= match.start(1) < end for start, end in taken):
            yield "model", "leak", match[1].strip("[]—–- \n"), *match.span(1)


def _severity(text: str, match: re.Match[str]) -> Severity | None:
    """Judge a word that may be a name of a model: a leak beside a hint, a warning alone, nothing where it is innocent."""
    name, before, after = match[0], text[max(match.start() - 60, 0) : match.start()], text[match.end() :]
    strong = re.search(f"(?:{STRONG_BEFORE})\\Z", before, re.IGNORECASE)
    if name in AMBIGUOUS:
        if SURNAME_AFTER.match(after) and not re.match(STRONG_AFTER, after):
            return None
        innocent = INNOCENT.get("Llama" if name == "LLaMA" else name)
        if innocent and re.search(rf"\b(?:{innocent})", text, re.IGNORECASE) and not (strong and NEAR_AI.search(text)):
            return None
    elif SURNAME_AFTER.match(after):
        strong = None
    if re.match(STRONG_AFTER, after) or re.search(NAME_TAG.format(name=re.escape(name)), text):
        return "leak"
    if strong and (name in AMBIGUOUS or NEAR_AI.search(text) or re.search(rf"{MADE}.{{0,30}}\Z", before)):
        made_of = name in AMBIGUOUS or re.search(r"(?:developed|trained|created|built|powered|generated)", before)
        return "leak" if made_of or re.search(MACHINE, text) else None
    if name not in AMBIGUOUS or PERSON_BEFORE.search(before):
        return None
    return "warning"


def _merged(found: Mapping[tuple[str, Severity, str], list[Hit]]) -> dict[tuple[str, Severity, str], list[Hit]]:
    """Put spellings of one name together: "GPT-4" and "gpt-4"; the worst severity stands."""
    order = {"leak": 0, "warning": 1, "note": 2}
    merged: dict[str, tuple[tuple[str, Severity, str], list[Hit]]] = {}
    for key, hits in sorted(found.items(), key=lambda item: (order[item[0][1]], item[0][2])):
        slot = re.sub(r"[\s_\-]+", "-", key[2].casefold())
        if slot in merged:
            merged[slot][1].extend(hits)
        else:
            merged[slot] = (key, list(hits))
    return dict(merged.values())


def finding_of(kind: str, severity: Severity, *, name: str, hits: list[Hit], sizes: Mapping[str, int]) -> AuditFinding:
    ids = outputs_of(hits)
    slot = re.sub(r"[\s_\-]+", "-", name.casefold())
    what = "a model or a vendor" if kind == "model" else "a system of this study"
    title = f"“{name}” is named" if severity == "leak" else f"“{name}” may be {what}"
    return AuditFinding(
        key=f"{kind}:{slot}",
        severity=severity,
        title=title,
        detail=f"{counted(len(ids), 'output')} {'names' if len(ids) == 1 else 'name'} {what}: “{name}”.",
        advice=ADVICE if severity == "leak" else "Read the places: if it is somebody else's name, let it stand.",
        outputs=ids,
        evidence=evidence(hits),
        figures=by_system((hit.text for hit in hits), sizes),
    )
