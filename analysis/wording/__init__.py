"""The words of a report: the sentence a paper would print, the methods paragraph, the warnings, how numbers read."""

from analysis.wording.exclusions import changed_conclusions, exclusions_verdict, rounds_verdict
from analysis.wording.findings import (
    CORRECTIONS,
    chance,
    family_in_words,
    notes_of,
    sentence,
    sentences_of,
    speaks_of_wins,
    verdict_of,
    warnings_of,
)
from analysis.wording.judges import accuracy_in_words, judges_methods, judges_notes, judges_verdict
from analysis.wording.methods import formulas_of, methods_of
from analysis.wording.numbers import (
    count,
    counted,
    degrees,
    equals_p,
    format_p,
    interval,
    join,
    number,
    percent,
    percents,
)
from analysis.wording.preparation import preparation_in_words

__all__ = [
    "CORRECTIONS",
    "accuracy_in_words",
    "chance",
    "changed_conclusions",
    "count",
    "counted",
    "degrees",
    "equals_p",
    "exclusions_verdict",
    "family_in_words",
    "format_p",
    "formulas_of",
    "interval",
    "join",
    "judges_methods",
    "judges_notes",
    "judges_verdict",
    "methods_of",
    "notes_of",
    "number",
    "percent",
    "percents",
    "preparation_in_words",
    "rounds_verdict",
    "sentence",
    "sentences_of",
    "speaks_of_wins",
    "verdict_of",
    "warnings_of",
]
