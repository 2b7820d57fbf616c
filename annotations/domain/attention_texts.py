"""The words of attention trials, in the language of the study, and the rules by which a real answer is broken.

Every text comes out the same wherever it is made: what is shuffled is shuffled by a hash of itself.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from django.utils.translation import gettext as _

FEWEST_WORDS = 4
SHORTEST_FRAGMENT = 5  # words


@dataclass(frozen=True, slots=True)
class Wording:
    """One instructed check: what stands in place of the prompt, the text to choose, the text not to choose."""

    prompt: str
    asked: str
    other: str


def of_pairs() -> tuple[Wording, ...]:
    """Instructions for two texts side by side; none names a side."""
    return (
        Wording(
            _("A short check that the texts are being read."),
            _(
                "Please choose this text in every row, as clearly as the scale allows. "
                "There is nothing else to judge here."
            ),
            _(
                "Please do not choose this text in any row. There is nothing else to "
                "judge here, so go on to the next pair."
            ),
        ),
        Wording(
            _("This screen only checks that somebody is reading along."),
            _(
                "This is the text to choose: give it the strongest answer in every "
                "row, and then go on to the next screen."
            ),
            _(
                "This is the text to leave aside: give the strongest answer to the "
                "other one in every row, and then go on."
            ),
        ),
        Wording(
            _("One screen without a task, so that we know that answers are given with care."),
            _("If you read this, answer every row fully in favour of this text. Thank you for reading so carefully."),
            _(
                "If you read this, answer every row fully in favour of the other text. "
                "Thank you for reading so carefully."
            ),
        ),
    )


def of_groups() -> tuple[Wording, ...]:
    """Instructions for three texts and more."""
    return (
        Wording(
            _("A short check that the texts are being read."),
            _("Please put this text first in every row, before all the others. There is nothing else to judge here."),
            _("Please put another text than this one first in every row. There is nothing else to judge here."),
        ),
        Wording(
            _("This screen only checks that somebody is reading along."),
            _("This is the text to prefer: give it the best answer in every row, and then go on to the next screen."),
            _("This is a text to leave aside: give the best answer to another one in every row, and then go on."),
        ),
        Wording(
            _("One screen without a task, so that we know that answers are given with care."),
            _("If you read this, let this text win in every row. Thank you for reading so carefully."),
            _("If you read this, let another text win in every row. Thank you for reading so carefully."),
        ),
    )


def of_singles() -> tuple[Wording, ...]:
    """Instructions for one text alone: `asked` is for the highest answer, `other` for the lowest."""
    return (
        Wording(
            _("A short check that the text is being read."),
            _("Please give this text the highest answer (or “yes”) in every row. There is nothing else to judge here."),
            _("Please give this text the lowest answer (or “no”) in every row. There is nothing else to judge here."),
        ),
        Wording(
            _("This screen only checks that somebody is reading along."),
            _("Choose the highest answer that there is (or “yes”) in every row, and then go on to the next screen."),
            _("Choose the lowest answer that there is (or “no”) in every row, and then go on to the next screen."),
        ),
        Wording(
            _("One screen without a task, so that we know that answers are given with care."),
            _("If you read this, answer every row with the highest value (or “yes”). Thank you for reading carefully."),
            _("If you read this, answer every row with the lowest value (or “no”). Thank you for reading carefully."),
        ),
    )


def filler() -> tuple[str, ...]:
    """Sentences that make a check as long as the texts of the study, so that its length does not give it away."""
    return (
        _("The lines around this one only fill the box, so that this screen looks like the others."),
        _("Nothing in them has to be judged, and nothing in them is about the study."),
        _("A slow reader and a quick reader come to the same end here."),
        _("There is no hidden meaning and no trick; one sentence simply follows the other."),
        _("Whoever reads this far has done what this screen asks for."),
        _("The weather plays no part in it, nor does the time of day."),
    )


def elsewhere() -> tuple[str, ...]:
    """Sentences that answer no prompt of any study."""
    return (
        _("The swimming pool opens at seven in the morning and closes at nine in the evening."),
        _("Lockers take a coin, which you get back when you return the key."),
        _("Please shower before you enter the water, and do not run beside the pool."),
        _("Children under six swim with an adult; armbands can be borrowed at the desk."),
        _("On holidays the pool stays closed, but the café is open."),
    )


def as_long_as(core: str, length: float, *, turn: int = 0) -> str:
    """Set an instruction among filling sentences, so that the whole is about `length` characters long."""
    sentences = filler()
    start = turn % len(sentences)
    around = _enough(sentences[start:] + sentences[:start], length - len(core))
    half = len(around) // 2
    return " ".join((*around[:half], core, *around[half:]))


def off_topic(text: str) -> str:
    """Return a text about something else, about as long as this one."""
    first, *others = elsewhere()
    if len(first) < len(text):
        return " ".join((first, *_enough(others, len(text) - len(first))))
    words = first.split()
    fitting = [count for count in range(1, len(words)) if len(" ".join(words[:count])) <= len(text)]
    return " ".join(words[: max(fitting, default=1)])


def stuck(text: str) -> str:
    """Return the beginning of a text over and over, as long as the whole: a model that got caught in a loop."""
    words, joint = _pieces(text)
    count = max(1, min(SHORTEST_FRAGMENT, len(words) // 2))
    return joint.join(islice(cycle(words[:count]), len(words)))


def scrambled(text: str) -> str:
    """Return a text with its words in another order, or its letters where there are hardly any words."""
    words, joint = _pieces(text)
    mixed = list(words)
    random.Random(hashlib.sha256(text.encode()).digest()).shuffle(mixed)  # noqa: S311 - no secret
    return joint.join(mixed[::-1] if mixed == words else mixed)


BROKEN: tuple[Callable[[str], str], ...] = (scrambled, off_topic, stuck)


def _pieces(text: str) -> tuple[list[str], str]:
    words = text.split()
    return (words, " ") if len(words) >= FEWEST_WORDS else (list(text.strip()), "")


def _enough(sentences: Sequence[str], length: float) -> list[str]:
    """Return as many sentences, over and over, as come nearest to a length in characters."""
    found: list[str] = []
    for sentence in cycle(sentences):
        if length < len(sentence) / 2:
            return found
        found.append(sentence)
        length -= len(sentence) + 1
    return found
