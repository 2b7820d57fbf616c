"""Words of a text."""

import pytest

from analysis.embeddings import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The CAT sat.", ["the", "cat", "sat"]),
        ("Don't stop—it’s 3 o'clock", ["don't", "stop", "it’s", "3", "o'clock"]),
        ("snake_case", ["snake", "case"]),
        ("ﬁne Straße", ["fine", "strasse"]),
        ("猫が好き cats", ["猫", "が", "好", "き", "cats"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("!!! … 🙂", []),
        ("", []),
    ],
)
def test_words_are_runs_of_letters_and_signs_of_scripts_without_spaces(text, found):
    assert words(text) == found
