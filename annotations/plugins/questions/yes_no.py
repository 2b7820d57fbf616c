"""Yes or no: a verdict on each output.

The Torrance test of creative writing asks fourteen of them about a story (Chakrabarty et al. 2024, *Art or artifice?*).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, Option, QuestionType, Shortcut, question_types

SCORES = {"yes": 2.0, "no": 1.0}


@question_types.register
class YesNo(QuestionType):
    """Stored per output: "yes" or "no"; in the long table 2 and 1."""

    name = "yes_no"
    label = "Yes or no"
    about = "A verdict on each output. For checklists such as the Torrance test of creative writing."
    measure: ClassVar[Measure] = "ordinal"
    outputs: ClassVar[tuple[int, int]] = (1, 20)
    per_output: ClassVar[bool] = True
    template_name = "annotations/questions/yes_no.html"
    styles = ("annotations/questions/yes_no.css",)
    takes = (
        Option("yes", "Word for yes", "words", "", most=24, help="Empty: “Yes”."),
        Option("no", "Word for no", "words", "", most=24, help="Empty: “No”."),
        Option("show_definition", "Show the definition at once", "yes_no", default=False),
    )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """The two words must be told apart."""
        if options["yes"] and options["yes"].casefold() == options["no"].casefold():
            message = "the options 'yes' and 'no' are the same word"
            raise ValueError(message)

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Yes, then no; each also by its first letter, where they differ."""
        yes, no = options["yes"] or gettext("Yes"), options["no"] or gettext("No")
        first = yes[0].lower(), no[0].lower()
        letters = first if first[0] != first[1] and all(map(str.isalpha, first)) else ("", "")
        return Choice("yes", yes, yes, "1", letters[0]), Choice("no", no, no, "2", letters[1])

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:
        """Two digits, and two letters where the words have them."""
        keys = tuple(choice.also for choice in self.choices(options) if choice.also)
        letters = (Shortcut(keys, gettext("do the same by the first letter")),) if keys else ()
        return (*super().shortcuts(options, outputs=outputs), *letters)

    def parse(self, raw: str, options: Mapping[str, Any]) -> str:  # noqa: ARG002
        """Return "yes" or "no"."""
        if raw not in SCORES:
            raise AnswerError
        return raw

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """2 for yes, 1 for no."""
        return SCORES[value]

    def levels(self, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Two."""
        return 2
