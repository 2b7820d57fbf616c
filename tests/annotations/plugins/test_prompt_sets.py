"""What every prompt set promises: keys and texts that are told apart, clean text, honest sources."""

import re
from itertools import combinations

import pytest

from annotations.plugins.sources.columns import REQUIRED
from annotations.registry import prompt_sets

SETS = list(prompt_sets)
EVERY = [pytest.param(one, id=one.name) for one in SETS]
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
JUNK = re.compile(r"[\u2010-\u2015\u2018-\u201f\u2026\u00a0\u200b-\u200f\ufeff\t]| {2}| \n|--|\.\.")
LENGTHS = {  # words of a prompt, its instruction included
    "alternative_uses": (30, 40),
    "challenges": (25, 60),
    "divergent_association": (50, 90),
    "metaphors_and_mottos": (12, 35),
    "story_premises": (30, 60),
}
SIZES = {
    "alternative_uses": 40,
    "challenges": 24,
    "divergent_association": 1,
    "metaphors_and_mottos": 28,
    "story_premises": 24,
}


def words(text):
    return [word.lower() for word in WORD.findall(text)]


def distinctive(chosen):
    """The words of each prompt without "an" and those that a quarter of its set share: what its instruction leaves."""
    bags = {prompt.key: {word for word in words(prompt.text) if len(word) > 2} for prompt in chosen.prompts}
    common = {word for word in set().union(*bags.values()) if sum(word in bag for bag in bags.values()) * 4 > len(bags)}
    return {key: bag - common for key, bag in bags.items()} if len(bags) > 1 else bags


def test_the_five_sets_of_the_platform_are_there_with_their_sizes():
    assert {one.name: len(one.prompts) for one in SETS if one.name in SIZES} == SIZES


@pytest.mark.parametrize("chosen", EVERY)
def test_set_says_what_it_is_and_on_what_it_is_modelled(chosen):
    assert chosen.task_family
    assert len(chosen.task_family) <= 80
    assert 40 <= len(chosen.about) <= 200
    assert len(chosen.source) >= 100


@pytest.mark.parametrize("chosen", EVERY)
def test_keys_and_texts_of_a_set_are_told_apart(chosen):
    keys = [prompt.key for prompt in chosen.prompts]

    assert len(set(keys)) == len(keys) > 0
    assert len({prompt.text for prompt in chosen.prompts}) == len(keys)
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", key) for key in keys)


def test_keys_are_told_apart_over_all_sets():
    keys = [prompt.key for one in SETS for prompt in one.prompts]

    assert len(set(keys)) == len(keys)
    assert not set(keys) & set(REQUIRED)


@pytest.mark.parametrize("chosen", EVERY)
def test_prompts_are_of_the_length_that_their_set_promises(chosen):
    least, most = LENGTHS.get(chosen.name, (3, 200))

    lengths = {prompt.key: len(words(prompt.text)) for prompt in chosen.prompts}

    assert {key: n for key, n in lengths.items() if not least <= n <= most} == {}


@pytest.mark.parametrize("chosen", EVERY)
def test_texts_hold_no_typographic_junk_and_end_as_sentences_do(chosen):
    for prompt in chosen.prompts:
        assert JUNK.search(prompt.text) is None, prompt.key
        assert prompt.text == prompt.text.strip()
        assert prompt.text[-1] in ".?!"


@pytest.mark.parametrize("chosen", EVERY)
def test_no_two_prompts_of_a_set_are_nearly_the_same(chosen):
    bags = distinctive(chosen)

    def alike(first, second):
        # A third of the words in common, instruction apart, is two prompts about one thing; one or two may be chance.
        common, least = len(first & second), min(len(first), len(second))
        return common == least or (common > 2 and common > least / 3)

    assert [(a, b) for a, b in combinations(bags, 2) if alike(bags[a], bags[b])] == []


def test_prompts_of_the_example_study_are_not_repeated_word_by_word():
    from annotations.management.example import OUTPUTS

    example = OUTPUTS.read_text(encoding="utf-8")

    assert not [p.key for one in SETS for p in one.prompts if p.text in example]
