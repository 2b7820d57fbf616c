"""Every language that is offered has every word, its placeholders, and a compiled catalogue that is up to date."""

import re
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import translation

LOCALE = Path(settings.LOCALE_PATHS[0])
OTHERS = [code for code, _ in settings.LANGUAGES if code != "en"]
PLACES = re.compile(r"%\(\w+\)s|\{\w+\}")


def catalogue(code):
    return LOCALE / translation.to_locale(code) / "LC_MESSAGES" / "django.po"


@pytest.mark.parametrize("code", OTHERS)
def test_every_string_is_translated(code):
    po = polib.pofile(str(catalogue(code)))

    assert len(po) > 200
    assert po.untranslated_entries() == []
    assert po.fuzzy_entries() == []


@pytest.mark.parametrize("code", OTHERS)
def test_translation_keeps_the_placeholders(code):
    wrong = []
    for entry in polib.pofile(str(catalogue(code))):
        wanted = set(PLACES.findall(entry.msgid + entry.msgid_plural))
        for text in entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]:
            found = set(PLACES.findall(text))
            if not found <= wanted or (not entry.msgid_plural and found != wanted):
                wrong.append((entry.msgid, text))

    assert wrong == []


@pytest.mark.parametrize("code", OTHERS)
def test_compiled_catalogue_says_what_the_source_says(code):
    compiled = {entry.msgid: entry.msgstr for entry in polib.mofile(str(catalogue(code).with_suffix(".mo")))}

    assert compiled == {entry.msgid: entry.msgstr for entry in polib.pofile(str(catalogue(code)))}


@pytest.mark.parametrize("code", OTHERS)
def test_no_string_of_a_rater_s_page_is_missing(code):
    """What templates mark is in the catalogue; a block is compared in the form that gettext knows it by."""
    known = {entry.msgid for entry in polib.pofile(str(catalogue(code)))}
    marked = set()
    for template in (LOCALE.parent / "templates" / "annotations").rglob("*.html"):
        marked |= set(re.findall(r'{%\s*translate\s+"([^"]+)"', template.read_text(encoding="utf-8")))

    assert len(marked) > 50
    assert marked - known == set()


def test_django_speaks_each_language():
    said = set()
    for code, _ in settings.LANGUAGES:
        with translation.override(code):
            said.add(translation.gettext("Before you agree"))

    assert len(said) == len(settings.LANGUAGES)


def test_arabic_runs_from_right_to_left():
    with translation.override("ar"):
        assert translation.get_language_bidi()
