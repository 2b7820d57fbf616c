"""The Divergent Association Task: how far apart are seven words that were meant to be unrelated."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np

from analysis.creativity.answers import words_of

if TYPE_CHECKING:
    from analysis.creativity.vectors import WordVectors
    from analysis.results import FloatArray

WORDS: Final = 7
"""Words that are scored: the first so many valid ones."""
PERCENT: Final = 100.0
NO_LETTERS: Final = "fewer than two letters"
UNKNOWN: Final = "not among the known words"
TWICE: Final = "named before"
SURPLUS: Final = "valid, but after the seventh"
_FOREIGN: Final = re.compile(r"[^a-zA-Z\- ]+")


@dataclass(frozen=True, slots=True)
class DatScore:
    """The score of one answer.

    Attributes
    ----------
    score
        Mean of the 21 cosine distances × 100, 0 to 200 (people: mostly 65 to 90); NaN with fewer than seven words.
    words
        The valid forms that were scored, in order; all valid ones where they are too few.
    distances
        Cosine distances between them, shape (words, words).
    dropped
        (word as given, why it was not scored), in order.
    """

    score: float
    words: tuple[str, ...]
    distances: FloatArray
    dropped: tuple[tuple[str, str], ...] = ()


def valid_form(word: str, vectors: WordVectors, *, dictionary: Container[str] | None = None) -> str | None:
    """Return the form of a word under which it is scored, None if it is no valid word.

    See :func:`dat_score` for the rules.
    """
    clean = _cleaned(word)
    if len(clean) <= 1:
        return None
    if " " in clean:
        forms = [re.sub(r" +", "-", clean), re.sub(r" +", "", clean)]
    elif "-" in clean:
        forms = [clean, re.sub(r"-+", "", clean)]
    else:
        forms = [clean]
    for form in forms:
        if (dictionary is None or form in dictionary) and form in vectors:
            return form
    return None


def dat_score(
    words: Iterable[str], vectors: WordVectors, *, dictionary: Container[str] | None = None, minimum: int = WORDS
) -> DatScore:
    """Score words as Olson, Nahas, Chmoulevitch, Cropper and Webb (2021) do.

    "Naming unrelated words predicts creativity", PNAS 118(25), e2022340118, with the code that its authors published
    (github.com/jayolson/divergent-association-task), rule by rule:

    1. *Known words.* A word counts if it is in the dictionary (there: Hunspell's English list) and has a vector
       (there: GloVe 840B, 300 dimensions). Words of the list are those in small letters of two letters or more, with
       hyphens inside: so proper nouns fall out, as the paper's instructions ask. Here the dictionary may be left
       out; then every such word with a vector counts, which is laxer than published.
    2. *Cleaning.* Everything but the letters a to z, hyphens and spaces is taken away (digits, full stops, accented
       letters), then outer spaces; the rest is put in small letters.
    3. *Too short.* What has then fewer than two characters is no word.
    4. *Several words.* "cul de sac" is looked for as "cul-de-sac", then as "culdesac"; never as one of its words.
    5. *Hyphens.* "top-hat" is looked for as it is, then as "tophat".
    6. *First form.* The first form that is known is taken; if none is, the word is invalid and left out, not replaced.
    7. *Duplicates.* Of equal forms the first counts ("Tree", "tree"; "top hat", "top-hat"); plurals are other words.
    8. *First seven.* The first seven valid words are scored, of the ten that are asked for, in the order given.
    9. *Too few.* With fewer than seven valid words there is no score.
    10. *Score.* Mean of the cosine distances 1 − cos of all 21 pairs, times 100.

    The paper also asks for nouns only and no technical terms; its code does not check that, nor does this.

    Parameters
    ----------
    minimum
        How many words are scored; the published examples use 2 to show a single distance.
    """
    valid: list[str] = []
    dropped: list[tuple[str, str]] = []
    for word in words:
        form = valid_form(word, vectors, dictionary=dictionary)
        if form is None:
            dropped.append((word, NO_LETTERS if len(_cleaned(word)) <= 1 else UNKNOWN))
        elif form in valid:
            dropped.append((word, TWICE))
        elif len(valid) == minimum:
            dropped.append((word, SURPLUS))
        else:
            valid.append(form)
    distances = _distances([vectors[word] for word in valid])
    pairs = [float(distances[i, j]) for i, j in combinations(range(len(valid)), 2)]
    score = PERCENT * sum(pairs) / len(pairs) if len(valid) == minimum and pairs else float("nan")
    return DatScore(score, tuple(valid), distances, tuple(dropped))


def dat_of_answer(
    answer: str, vectors: WordVectors, *, dictionary: Container[str] | None = None, minimum: int = WORDS
) -> DatScore:
    """Score a whole answer: its words are taken out by :func:`analysis.creativity.answers.words_of`."""
    return dat_score(words_of(answer), vectors, dictionary=dictionary, minimum=minimum)


def _cleaned(word: str) -> str:
    return _FOREIGN.sub("", word).strip().lower()


def _distances(rows: list[FloatArray]) -> FloatArray:
    if not rows:
        return np.empty((0, 0))
    matrix = np.stack(rows)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    distances = 1.0 - matrix @ matrix.T
    np.fill_diagonal(distances, 0.0)
    return np.asarray(distances)
