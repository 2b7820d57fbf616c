"""Texts that are not in the language of the study, or that slip into another script."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from annotations.registry import Audit, AuditedText, AuditFinding, Option, Surroundings, audits

from .arms import ALPHA, Arms
from .places import Hit, by_system, counted, evidence, outputs_of, sizes_of

LEAST_LETTERS = 30
SURE = 0.97
MOSTLY = 0.8
MIXED = 3  # letters of a foreign script in a row, or so many in all
NAMES = {
    "ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "ja": "Japanese",
    "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian", "tr": "Turkish",
    "uk": "Ukrainian", "zh": "Chinese", "sv": "Swedish", "la": "Latin", "hi": "Hindi",
}  # fmt: skip
KNOWN = ("ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "uk", "zh")
SCRIPTS = {
    "Cyrillic": re.compile(r"[\u0400-\u052f]+"),
    "Arabic": re.compile(r"[\u0600-\u06ff\u0750-\u077f]+"),
    "Chinese or Japanese": re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+"),
    "Korean": re.compile(r"[\uac00-\ud7af]+"),
    "Devanagari": re.compile(r"[\u0900-\u097f]+"),
    "Hebrew": re.compile(r"[\u0590-\u05ff]+"),
    "Thai": re.compile(r"[\u0e00-\u0e7f]+"),
}
OF = {
    "ru": "Cyrillic", "uk": "Cyrillic", "ar": "Arabic", "zh": "Chinese or Japanese", "ja": "Chinese or Japanese",
    "ko": "Korean", "hi": "Devanagari",
}  # fmt: skip
# Little words that nearly every sentence of a language has: a text with plenty of them is in it.
_LITTLE = {
    "en": "the a an and of to in is it that for you on with as are be this your or at by from not can into have will",
    "de": "der die das und ist ein eine zu den mit von auf für nicht dem im es sich als auch an wie man kann so aus",
    "es": "el la de que y en un una los las se por con para es no como su al lo más del o pero este puede",
    "fr": "le la les de des et un une en que qui dans pour est ce il elle sur pas avec au du se sa son",
}
LITTLE = {language: frozenset(words.split()) for language, words in _LITTLE.items()}
ENOUGH_LITTLE = 0.12


@audits.register
class Language(Audit):
    """py3langid on what is long enough to be sure of, and scripts that do not belong."""

    name = "language"
    label = "Language"
    question = "Is every text in the language of the study?"
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "language", "Language of the texts", "words", "", "A code such as de; empty for the study's own.", most=8
        ),
    )

    def examine(
        self, texts: Sequence[AuditedText], *, around: Surroundings, settings: Mapping[str, Any]
    ) -> Iterator[AuditFinding]:
        """One finding for each foreign language, one for each foreign script within texts."""
        expected = (settings["language"] or around.language or "en").lower().split("-")[0].split("_")[0]
        sizes, found = sizes_of(texts), {text.output: language_of(text.text, expected) for text in texts}
        counts = Counter(one for one in found.values() if one)
        main, most = counts.most_common(1)[0] if counts else (expected, 0)
        if main != expected and most >= MOSTLY * max(sum(counts.values()), 1):
            yield AuditFinding(
                key=f"language:all:{main}",
                severity="note",
                title=f"The texts are {_named(main)}, the study is {_named(expected)}",
                detail=f"{most:,} of {len(texts):,} texts are {_named(main)}; raters' pages are {_named(expected)}.",
                advice="Set the study's language under “Texts and settings”, or leave it if raters know both.",
                figures=by_system((text for text in texts if found[text.output] == main), sizes),
            )
            expected = main
        for language in sorted(set(counts) - {expected}):
            hits = [Hit(text, 0, min(len(text.text), 80)) for text in texts if found[text.output] == language]
            yield _foreign(language, hits, expected=expected, texts=texts, sizes=sizes)
        whole = {output for output, language in found.items() if language not in {"", expected}}
        yield from _scripts([text for text in texts if text.output not in whole], expected, sizes=sizes)


@lru_cache(maxsize=1)
def _identifier() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages(list(KNOWN))
    return identifier


def language_of(text: str, expected: str = "") -> str:
    """Return the code of the language, or nothing when the text is too short or too mixed to be sure."""
    letters = sum(map(str.isalpha, text))
    for script, pattern in SCRIPTS.items():
        share = sum(map(len, pattern.findall(text))) / max(letters, 1)
        if share > 0.5 and letters >= 4:  # noqa: PLR2004 - most of it, and more than a word
            return expected if OF.get(expected) == script else _of_script(script, text)
    if letters < LEAST_LETTERS:
        return ""
    words = [word.casefold() for word in re.findall(r"[^\W\d_]+", text)]
    little = LITTLE.get(expected)
    if little and sum(word in little for word in words) >= ENOUGH_LITTLE * len(words):
        return expected
    language, share = _identifier().classify(text)
    if language != expected and (share < SURE or not _has_little(language, words)):
        return ""
    return str(language)


def _has_little(language: str, words: Sequence[str]) -> bool:
    """Whether a text that is said to be in another language has words of it; true where we know none."""
    little = LITTLE.get(language)
    return little is None or sum(word in little for word in words) >= ENOUGH_LITTLE / 2 * len(words)


def _of_script(script: str, text: str) -> str:
    language, _ = _identifier().classify(text)
    return language if OF.get(language) == script else next((code for code, one in OF.items() if one == script), script)


def _named(code: str) -> str:
    return NAMES.get(code, code)


def _foreign(
    language: str, hits: Sequence[Hit], *, expected: str, texts: Sequence[AuditedText], sizes: Mapping[str, int]
) -> AuditFinding:
    ids = outputs_of(hits)
    uneven = [one for one in Arms(texts).differences({language: [hit.text for hit in hits]}) if one.p < ALPHA]
    are = "is" if len(ids) == 1 else "are"
    return AuditFinding(
        key=f"language:{language}",
        severity="leak" if uneven and uneven[0].other_count == 0 else "warning",
        title=f"Texts in {_named(language)}",
        detail=f"{counted(len(ids), 'output')} {are} in {_named(language)}, not in {_named(expected)}.",
        advice="Exclude these outputs, or have them written again.",
        outputs=ids,
        evidence=evidence(hits),
        figures=by_system((hit.text for hit in hits), sizes),
    )


def _scripts(texts: Sequence[AuditedText], expected: str, *, sizes: Mapping[str, int]) -> Iterator[AuditFinding]:
    """Find letters of another script within texts of the right language: models slip into their other language."""
    for script, pattern in SCRIPTS.items():
        if OF.get(expected) == script:
            continue
        hits = []
        for text in texts:
            if text.text.isascii() or pattern.search(text.question):
                continue
            runs = list(pattern.finditer(text.text))
            wide = script in {"Chinese or Japanese", "Korean"}
            if runs and (sum(len(run[0]) for run in runs) >= (2 if wide else MIXED)):
                hits.append(Hit(text, *runs[0].span()))
        if hits:
            yield AuditFinding(
                key=f"script:{script}",
                severity="warning",
                title=f"{script} letters within texts",
                detail=f"{counted(len(hits), 'output')} {'slips' if len(hits) == 1 else 'slip'} into {script} letters.",
                advice="Exclude these outputs, or have them written again.",
                outputs=outputs_of(hits),
                evidence=evidence(hits),
                figures=by_system((hit.text for hit in hits), sizes),
            )
