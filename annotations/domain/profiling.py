"""What each system's texts look like: length, form, language, and in what the systems stand out. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from annotations.plugins.audits.features import FORMS, WORD, sentences_of
from annotations.plugins.audits.language import NAMES, language_of
from annotations.registry import AuditedText

MEANS = (("words", "Words"), ("characters", "Characters"), ("sentences", "Sentences"), ("lines", "Lines"))
SHOWN = ("bullets", "heading", "bold", "emoji", "code", "link")
LABELS = {"bullets": "Lists", "heading": "Headings", "bold": "Bold", "emoji": "Emoji", "code": "Code", "link": "Links"}
NOTABLE_SHARE = 0.15
NOTABLE_EFFECT = 0.5  # Cohen's d, a middling one
LANGUAGE_SAMPLE = 500  # texts of a system whose language is looked at
TYPES_OF = 1000  # words, from which the type-token ratio is taken: it falls with length
BINS = 8


def profile(texts: Iterable[AuditedText]) -> dict[str, Any]:
    """Return the figures by system, and sentences about what stands out."""
    groups: dict[str, list[AuditedText]] = {}
    for text in texts:
        groups.setdefault(text.system, []).append(text)
    longest = max((_words(text.text) for group in groups.values() for text in group), default=1)
    systems = {name: _system(groups[name], longest=longest) for name in sorted(groups)}
    return {"systems": systems, "stands_out": list(_differences(systems))}


def _words(text: str) -> int:
    return len(text.split())


def _system(texts: Sequence[AuditedText], *, longest: int) -> dict[str, Any]:
    count = len(texts)
    numbers = {
        "words": np.array([_words(text.text) for text in texts], dtype=float),
        "characters": np.array([len(text.text) for text in texts], dtype=float),
        "sentences": np.array([sentences_of(text.text) for text in texts], dtype=float),
        "lines": np.array([text.text.strip().count("\n") + 1 for text in texts], dtype=float),
    }
    patterns = {form.name: form.pattern for form in FORMS}
    forms = {
        name: sum(
            bool(patterns[name].search(text.text) or (name == "bullets" and patterns["numbered"].search(text.text)))
            for text in texts
        )
        / count
        for name in SHOWN
    }
    return {
        "outputs": count,
        "prompts": len({text.prompt for text in texts}),
        "means": {name: _spread(values) for name, values in numbers.items()},
        "histogram": _histogram(numbers["words"], longest),
        "forms": forms,
        "types": _types(texts),
        "languages": _languages(texts),
        "refused": sum("refusal" in text.marks for text in texts) / count,
        "truncated": sum("truncated" in text.marks for text in texts) / count,
    }


def _spread(values: Any) -> dict[str, float]:
    quartiles = np.percentile(values, [25, 50, 75])
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return {
        "mean": round(float(values.mean()), 2),
        "sd": round(spread, 2),
        "q1": float(quartiles[0]),
        "median": float(quartiles[1]),
        "q3": float(quartiles[2]),
        "least": float(values.min()),
        "most": float(values.max()),
    }


def _histogram(words: Any, longest: int) -> list[int]:
    counts, _ = np.histogram(words, bins=BINS, range=(0, max(longest, 1)))
    return [int(count) for count in counts]


def _types(texts: Sequence[AuditedText]) -> float | None:
    """Return the share of different words among the first TYPES_OF, one text after the other; None for fewer."""
    words: list[str] = []
    for text in texts:
        words += [word.casefold() for word in WORD.findall(text.text)]
        if len(words) >= TYPES_OF:
            return round(len(set(words[:TYPES_OF])) / TYPES_OF, 3)
    return round(len(set(words)) / len(words), 3) if words else None


def _languages(texts: Sequence[AuditedText]) -> list[list[Any]]:
    step = max(len(texts) // LANGUAGE_SAMPLE, 1)
    looked = texts[::step][:LANGUAGE_SAMPLE]
    counts = Counter(language_of(text.text, "en") or "" for text in looked)
    total = sum(count for code, count in counts.items() if code)
    return [[NAMES.get(code, code), round(count / total, 3)] for code, count in counts.most_common(4) if code]


def _differences(systems: Mapping[str, Mapping[str, Any]]) -> Iterable[str]:
    """Say in what two systems differ notably: lengths by Cohen's d, shares by percentage points."""
    if len(systems) > 8:  # noqa: PLR2004 - too many pairs to read
        return
    for (one, first), (other, second) in combinations(systems.items(), 2):
        effect, ratio = _effect(first["means"]["words"], second["means"]["words"])
        if abs(effect) >= NOTABLE_EFFECT:
            longer, shorter = (one, other) if effect > 0 else (other, one)
            yield f"“{longer}” is {abs(ratio):.0%} longer than “{shorter}” (mean words; d = {abs(effect):.2f})."
        for name in SHOWN:
            gap = first["forms"][name] - second["forms"][name]
            if abs(gap) >= NOTABLE_SHARE:
                more, less = (one, other) if gap > 0 else (other, one)
                shares = sorted((first["forms"][name], second["forms"][name]), reverse=True)
                yield f"{LABELS[name]}: “{more}” {shares[0]:.0%}, “{less}” {shares[1]:.0%} of the outputs."


def _effect(first: Mapping[str, float], second: Mapping[str, float]) -> tuple[float, float]:
    spread = math.sqrt((first["sd"] ** 2 + second["sd"] ** 2) / 2)
    gap = first["mean"] - second["mean"]
    shorter = min(first["mean"], second["mean"])
    return (gap / spread if spread else 0.0), (gap / shorter if shorter else 0.0)
