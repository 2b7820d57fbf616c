"""Rating scale of n points with labelled ends (Likert 1932; the ends alone are labelled as in Osgood's differential).

Labels for all points make a scale more reliable (Krosnick & Presser 2010), so they may be given; five to seven points
are usual.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext

from annotations.errors import AnswerError
from annotations.registry import KEYS, Choice, Measure, Option, QuestionType, question_types


@question_types.register
class Likert(QuestionType):
    """Stored per output: the point, from 1."""

    name = "likert"
    label = "Rating scale (Likert)"
    about = "Each output on a scale of 2 to 11 points with labelled ends; labels for all points if you like."
    measure: ClassVar[Measure] = "ordinal"
    outputs: ClassVar[tuple[int, int]] = (1, 20)
    per_output: ClassVar[bool] = True
    template_name = "annotations/questions/likert.html"
    styles = ("annotations/questions/likert.css",)
    takes = (
        Option("points", "Points", "number", 5, least=2, most=11),
        Option("low", "Label of the lowest point", "words", "", help="Empty: “Not at all”."),
        Option("high", "Label of the highest point", "words", "", help="Empty: “Extremely”."),
        Option("labels", "Labels of all points", "lines", (), help="One a line, lowest first; or none.", many=11),
    )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """Labels are for all points or for none, and the two ends must be told apart."""
        if options["labels"] and len(options["labels"]) != options["points"]:
            message = f"the option 'labels' has {len(options['labels'])} labels for {options['points']} points"
            raise ValueError(message)
        if options["low"] and options["low"] == options["high"]:
            message = "the options 'low' and 'high' are the same words"
            raise ValueError(message)

    def ends(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """Return the labels of the two ends; empty when all points have their own."""
        if options["labels"]:
            return "", ""
        return options["low"] or gettext("Not at all"), options["high"] or gettext("Extremely")

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Points from the lowest."""
        low, high = self.ends(options)
        named = {1: low, options["points"]: high}
        found = []
        for point in range(1, options["points"] + 1):
            word = options["labels"][point - 1] if options["labels"] else ""
            label = word or (f"{point} – {named[point]}" if point in named else str(point))
            found.append(Choice(str(point), label, word or str(point), KEYS[point - 1]))
        return tuple(found)

    def parse(self, raw: str, options: Mapping[str, Any]) -> int:
        """Return the point."""
        if raw not in {str(point) for point in range(1, options["points"] + 1)}:
            raise AnswerError
        return int(raw)

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The point itself."""
        return float(value)

    def levels(self, options: Mapping[str, Any]) -> int:
        """The number of points."""
        return int(options["points"])
