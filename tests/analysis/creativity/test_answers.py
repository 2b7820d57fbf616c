"""Answers as models write them, taken apart."""

import pytest

from analysis.creativity import uses_of, words_of

TEN = ("hippo", "jumper", "ink")


@pytest.mark.parametrize(
    "answer",
    [
        "hippo\njumper\nink",
        "hippo, jumper, ink",
        "hippo, jumper and ink.",
        "hippo; jumper; ink",
        "1. hippo\n2. jumper\n3. ink",
        "1) hippo\n2) jumper\n3) ink\n",
        "(1) hippo\n(2) jumper\n(3) ink",
        "1. hippo 2. jumper 3. ink",
        "- hippo\n- jumper\n- ink",
        "•hippo\n•jumper\n•ink",
        "* **hippo**\n* **jumper**\n* **ink**",
        "**1. hippo**\n**2. jumper**\n**3. ink**",
        "Sure! Here are some words:\n\n1. hippo\n2. jumper\n3. ink\n\nI hope that helps, tell me more.",
        "Here are some words: hippo, jumper, ink",
        "Words:\nhippo\njumper\nink",
        "1. hippo - a large animal\n2. jumper: something worn, by people\n3. ink (black)",
        "1. hippo – large\r\n2. jumper — warm\r\n3. ink",
        '"hippo"\n"jumper"\n"ink"',
        "hippo / jumper / ink",
        "hippo - jumper - ink",
        "# 1. hippo\n# 2. jumper\n# 3. ink",
    ],
)
def test_words_are_found_however_they_are_listed(answer):
    found = tuple(word.strip() for word in words_of(answer))

    assert found == TEN


def test_a_single_line_of_words_is_split_at_spaces():
    assert words_of("hippo jumper ink violin tomato") == ("hippo", "jumper", "ink", "violin", "tomato")


def test_a_compound_on_a_line_of_its_own_stays_together():
    assert words_of("cul de sac\nsalt and pepper\ntop-hat") == ("cul de sac", "salt and pepper", "top-hat")


def test_an_empty_answer_has_no_words():
    assert words_of(" \n ") == ()


@pytest.mark.parametrize(
    "answer",
    [
        "1. Doorstop\n2. Paper weight\n3. Build a wall",
        "- Doorstop\n- Paper weight\n- Build a wall",
        "Here are some uses:\nDoorstop\nPaper weight\nBuild a wall",
        "Doorstop. Paper weight. Build a wall",
        "Doorstop; paper weight; build a wall",
        "1. Doorstop 2. Paper weight 3. Build a wall",
        "Certainly!\n\n1. **Doorstop**\n2. **Paper weight**\n3. **Build a wall**\n\nLet me know.",
    ],
)
def test_uses_are_found_however_they_are_listed(answer):
    found = tuple(use.rstrip(".").strip().lower() for use in uses_of(answer))

    assert found == ("doorstop", "paper weight", "build a wall")


def test_a_use_may_go_on_in_an_indented_line():
    assert uses_of("1. Doorstop:\n   keeps a door open\n2. Anchor") == ("Doorstop: keeps a door open", "Anchor")


def test_uses_that_differ_in_case_articles_and_signs_are_one():
    assert uses_of("- a doorstop\n- Doorstop!\n- Use as the doorstop\n- anchor") == ("a doorstop", "anchor")


def test_a_line_that_only_names_the_thing_or_nothing_is_no_use():
    assert uses_of("- Brick\n- a brick\n- 3\n- …\n- brick oven", thing="brick") == ("brick oven",)
