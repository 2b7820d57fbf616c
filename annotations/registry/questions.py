"""The family of question types: how a dimension is asked, stored and scored."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from django.utils.translation import gettext

from .base import Plugin, Registry
from .options import Option, complete

LETTERS = "ABCDEFGHIJKLMNOPQRST"
"""The names of the outputs on the page, by place."""

A_PART = re.compile(r"([A-T])=(\S+)")

KEYS = "1234567890-"
"""The keys of the answers of a row, from the left: as they stand on a keyboard."""

Measure = Literal["pairwise_choice", "pairwise_graded", "interval", "ordinal", "nominal", "ranking", "text"]
"""What kind of number an answer is; decides the model of the report. `text` is exported and not modelled."""

Raw = Mapping[str, tuple[str, ...]]
"""What a browser sent for one dimension: the values of ``answer-<key>`` under "", of ``answer-<key>.<part>`` under the
part. A type that is asked for each output uses the place of the output, from 1, as the part."""

Value = str | int | float | list[Any] | dict[str, Any]
"""What is stored: plain JSON."""


def raw_of(sent: str | Raw) -> Raw:
    """Return what was sent in full form; a bare text stands for the one value of ``answer-<key>``."""
    return {"": (sent,)} if isinstance(sent, str) else sent


def first_of(raw: Raw, part: str = "") -> str:
    """Return the first value that was sent for a part, or an empty text."""
    values = raw.get(part, ())
    return values[0] if values else ""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a row: `value` goes over the wire, `label` is read out, `short` is shown, `key` is its shortcut.

    `also` is a second key, a letter of the language, where there is one.
    """

    value: str
    label: str
    short: str
    key: str
    also: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a dimension on the page, answered in one go; what it sends is ``answer-<key>[.<part>]``.

    `letter` names the output that the line is about, `head` the line itself if the dimension's word is not enough, and
    `jump` is the key that leads to it.
    """

    part: str = ""
    letter: str = ""
    head: str = ""
    jump: str = ""


@dataclass(frozen=True, slots=True)
class Shortcut:
    """One entry of the list of keys: the keys (an ellipsis is not set as a key) and what they do."""

    keys: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Scored:
    """One row of the long table: about the output at place `slot` (from 1), or about the whole pair (`slot` 0)."""

    slot: int
    answer: float


class QuestionType(Plugin):
    """How one dimension is asked on a task of some outputs.

    A type with one value per task, or (`per_output`) one per output, says how one value is read (`parse`) and scored
    (`score`). A type whose answer is made of several parts overrides `read` and `rows` instead.

    outputs      how many outputs a task may have, at least and at most
    per_output   the row is asked once for each output of the task; the stored value is a list in order of places
    scripts      and styles: static files that the page of a trial loads when the study has such a dimension
    takes        the options; with them `clean_options` checks, and the researcher's form has a field for each
    about        one sentence for researchers: what it asks, and where the format comes from
    """

    measure: ClassVar[Measure]
    outputs: ClassVar[tuple[int, int]] = (2, 2)
    per_output: ClassVar[bool] = False
    template_name: ClassVar[str] = "annotations/questions/segmented.html"
    scripts: ClassVar[tuple[str, ...]] = ()
    styles: ClassVar[tuple[str, ...]] = ()
    takes: ClassVar[tuple[Option, ...]] = ()
    about: ClassVar[str] = ""

    def clean_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return complete, checked options; raises ValueError that says which one is wrong and what is allowed."""
        clean = complete(self.takes, options, of=self.label)
        self.check_options(clean)
        return clean

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Raise ValueError when options do not go together; each alone is checked already."""

    @abstractmethod
    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Return the answers in the order in which they stand on the page, left to right; none for a free answer."""

    @abstractmethod
    def parse(self, raw: str, options: Mapping[str, Any]) -> Value:
        """Return the value to store for one text that the browser sent; raises AnswerError for an impossible one."""

    @abstractmethod
    def score(self, value: Any, options: Mapping[str, Any]) -> float:
        """Return the number that stands in column `answer` of the long table (see ``analysis.schema``)."""

    @abstractmethod
    def levels(self, options: Mapping[str, Any]) -> int:
        """Return how many different answers are possible; 0 for a continuous or free one."""

    def lines(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Line, ...]:  # noqa: ARG002
        """Return the lines on the page: one, or one per output."""
        if not self.per_output:
            return (Line(),)
        letters = LETTERS if outputs > 1 else ("",)
        return tuple(Line(str(place), letter) for place, letter in enumerate(letters[:outputs], start=1))

    def ends(self, options: Mapping[str, Any]) -> tuple[str, str]:  # noqa: ARG002
        """Return the labels of the two ends of a scale; empty where it has none."""
        return "", ""

    def details(self, options: Mapping[str, Any]) -> Any:  # noqa: ARG002
        """Return what else the template of this type needs, in the language of the page; it finds it as `details`."""
        return None

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:  # noqa: ARG002
        """Return the keys for the list of keys, beyond those of every page."""
        choices = self.choices(options)
        if not choices:
            return ()
        words = gettext("answer the marked row, then the next row is marked")
        return (Shortcut((choices[0].key, "…", choices[-1].key), words),)

    def levels_of(self, options: Mapping[str, Any], *, outputs: int) -> int:  # noqa: ARG002 - rankings need it
        """Return the number that stands in column `levels` for a task of so many outputs."""
        return self.levels(options)

    def read(self, raw: Raw, options: Mapping[str, Any], *, outputs: int) -> Value:
        """Return the value to store for all that was sent; raises AnswerError when something is missing."""
        if self.per_output:
            return [self.parse(first_of(raw, str(place)), options) for place in range(1, outputs + 1)]
        return self.parse(first_of(raw), options)

    def rows(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> tuple[Scored, ...]:  # noqa: ARG002
        """Return the rows of the long table; none when the answer is not modelled."""
        if self.measure == "text":
            return ()
        if self.per_output:
            return tuple(Scored(place, self.score(one, options)) for place, one in enumerate(value, start=1))
        return (Scored(0, self.score(value, options)),)

    def wanted(self, answer: str | Mapping[str, Any], options: Mapping[str, Any], *, outputs: int) -> Any:
        """Return what a practice trial holds answers against, from what its researcher wrote.

        That is one answer, which for a type asked per output is meant of each, or "A=4 B=2"; AnswerError for an
        impossible one.
        """
        if not isinstance(answer, str):
            return self.comparable(self.read(answer, options, outputs=outputs))
        parts = [A_PART.fullmatch(word) for word in answer.split()]
        raw: Raw = raw_of(answer)
        if parts and all(parts):
            raw = {str(LETTERS.index(part[1]) + 1): (part[2],) for part in parts if part}
        elif self.per_output:
            raw = {str(place): (answer,) for place in range(1, outputs + 1)}
        return self.comparable(self.read(raw, options, outputs=outputs))

    def comparable(self, value: Any) -> Any:
        """Return the part of a stored answer that counts where it is held against a wanted one."""
        return value

    def words(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> str:
        """Return a stored answer, or a wanted one, as the page says it."""
        labels = {self.parse(choice.value, options): choice.label for choice in self.choices(options)}
        if not self.per_output:
            return str(labels.get(value, value))
        letters = LETTERS if outputs > 1 else ""
        said = [str(labels.get(one, one)) for one in value]
        return ", ".join(f"{letter}: {word}" for letter, word in zip(letters, said, strict=False)) or said[0]

    def favoured(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> int | None:
        """Return the place (from 1) of the output that this answer puts clearly first; None if it puts none first.

        Scores are read as "more is better" but for rankings. Used to score instructed trials and repeats.
        """
        scored = self.rows(value, options, outputs=outputs)
        if not scored:
            return None
        if scored[0].slot == 0:
            middle = 0.5 if self.measure == "pairwise_choice" else 0.0
            return None if scored[0].answer == middle else (1 if scored[0].answer > middle else 2)
        sign = -1 if self.measure == "ranking" else 1
        best = max(sign * one.answer for one in scored)
        first = [one.slot for one in scored if sign * one.answer == best]
        return first[0] if len(first) == 1 and outputs > 1 else None


question_types: Registry[QuestionType] = Registry("questions")
