"""A study's own texts in the languages that it is offered in, each under a key of its own.

``Study.translations`` is ``{language: {key: text}}``; a text that is missing there is shown in the study's language.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from annotations.errors import NotReady
from annotations.models import Study

from .path import Translate, parse_path

TEXTS = ("title", "lead", "welcome", "consent", "instructions")
LANGUAGES: dict[str, str] = dict(settings.LANGUAGES)


def languages_of(study: Study) -> tuple[tuple[str, str], ...]:
    """Return (code, name) of the languages that the study is offered in, its own first."""
    others = [code for code in study.translations if code in LANGUAGES and code != study.language]
    codes = [study.language, *(code for code in LANGUAGES if code in others)]
    return tuple((code, LANGUAGES.get(code, code)) for code in codes)


def spoken(study: Study, language: str) -> str:
    """Return the language that this study speaks to somebody who asked for `language`."""
    return language if language in dict(languages_of(study)) else study.language


def translator(study: Study, language: str) -> Translate:
    """Return what gives the text of a key in a language, or the study's own text."""
    words: Mapping[str, Any] = study.translations.get(language, {}) if language != study.language else {}

    def translate(key: str, source: str) -> str:
        found = words.get(key, "")
        return found if isinstance(found, str) and found.strip() else source

    return translate


def sources(study: Study) -> dict[str, str]:
    """Return every text of the study that raters may read, by key, in its own language."""
    found = {name: getattr(study, name) for name in TEXTS}
    for dimension in study.dimensions.all():
        found[f"dimensions.{dimension.key}.label"] = dimension.label
        found[f"dimensions.{dimension.key}.definition"] = dimension.definition
        for name, value in dimension.options.items():
            if isinstance(value, str):
                found[f"dimensions.{dimension.key}.options.{name}"] = value

    def collect(key: str, source: str) -> str:
        found[f"path.{key}"] = source
        return source

    parse_path(study.path, translate=collect)
    return {key: text for key, text in found.items() if text.strip()}


def check_translations(translations: Mapping[str, Any]) -> None:
    """Raise NotReady unless this is texts by key, by a language that the pages speak."""
    for language, words in translations.items():
        if language not in LANGUAGES:
            message = f"The pages do not speak '{language}'; there are {', '.join(LANGUAGES)}."
            raise NotReady(message)
        if not isinstance(words, Mapping) or not all(isinstance(text, str) for text in words.values()):
            message = f"The texts in '{language}' must be texts by key."
            raise NotReady(message)
