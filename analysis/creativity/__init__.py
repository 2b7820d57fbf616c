"""Scores of creativity tests: the Divergent Association Task and the Alternative Uses Task, without Django.

::

    from analysis.creativity import dat_of_answer, read_dictionary, read_vectors, score_uses
    vectors = read_vectors("glove.840B.300d.txt", cache="var/vectors")
    dat_of_answer("1. hippo 2. jumper 3. machinery …", vectors, dictionary=read_dictionary("words.txt")).score
    score_uses(answers, objects=objects)  # one AutScore per answer, in the order given

From the shell: ``python -m analysis.creativity dat words.csv --vectors glove.txt`` and
``python -m analysis.creativity aut answers.csv``.
"""

from __future__ import annotations

from analysis.creativity.answers import uses_of, words_of
from analysis.creativity.aut import AutScore, Use, score_uses
from analysis.creativity.dat import DatScore, dat_of_answer, dat_score, valid_form
from analysis.creativity.vectors import VectorsError, WordVectors, read_dictionary, read_vectors

__all__ = [
    "AutScore",
    "DatScore",
    "Use",
    "VectorsError",
    "WordVectors",
    "dat_of_answer",
    "dat_score",
    "read_dictionary",
    "read_vectors",
    "score_uses",
    "uses_of",
    "valid_form",
    "words_of",
]
