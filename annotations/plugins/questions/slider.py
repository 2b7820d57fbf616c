"""Slider: each output on a line from "Not at all" to "Extremely"; a visual analogue scale (Hayes & Patterson 1921).

A handle that stands somewhere anchors the answer, and a default that is sent unmoved is none (Funke 2016, *A web
experiment showing negative effects of slider scales*). So nothing is an answer before the handle was moved, and where
it stood is kept as evidence. Start 50 with movement required is what CreativityNeuro's study used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, Option, QuestionType, Shortcut, is_whole, question_types

STARTS = (
    ("none", "No handle before the first touch"),
    ("fixed", "At the position below"),
    ("random", "At random, anew for each output"),
)
LIMIT = 1000


@question_types.register
class Slider(QuestionType):
    """Stored per output: a whole number from `low` to `high` in steps of `step`."""

    name = "slider"
    label = "Slider"
    about = "Each output on a line, 0 to 100 or another range. The handle must be moved; where it stood is stored."
    measure: ClassVar[Measure] = "interval"
    outputs: ClassVar[tuple[int, int]] = (1, 20)
    per_output: ClassVar[bool] = True
    template_name = "annotations/questions/slider.html"
    scripts = ("annotations/questions/slider.js",)
    styles = ("annotations/questions/slider.css",)
    takes = (
        Option("low", "Lowest number", "number", 0, least=-LIMIT, most=LIMIT),
        Option("high", "Highest number", "number", 100, least=-LIMIT, most=LIMIT),
        Option("step", "Step", "number", 1, least=1, most=LIMIT),
        Option("low_label", "Label of the lower end", "words", "", help="Empty: “Not at all”."),
        Option("high_label", "Label of the upper end", "words", "", help="Empty: “Extremely”."),
        Option("start", "Where the handle stands at first", "one_of", "none", among=STARTS),
        Option("start_at", "Position at first", "number", 50, least=-LIMIT, most=LIMIT, help="For a fixed start."),
        Option("show_number", "Show the number", "yes_no", default=True),
    )

    def clean_options(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Check as declared; ``"start": 50`` is short for a fixed start at 50."""
        if is_whole(options.get("start")):
            options = {**options, "start": "fixed", "start_at": options["start"]}
        return super().clean_options(options)

    def check_options(self, options: Mapping[str, Any]) -> None:
        """The range runs upwards in whole steps, and a fixed start stands on one of them."""
        low, high, step = options["low"], options["high"], options["step"]
        if low >= high:
            message = f"the option 'high' ({high}) must be more than 'low' ({low})"
            raise ValueError(message)
        if (high - low) % step:
            message = f"the option 'step' ({step}) does not lead from {low} to {high}"
            raise ValueError(message)
        if options["start"] == "fixed" and (
            not low <= options["start_at"] <= high or (options["start_at"] - low) % step
        ):
            message = f"the option 'start_at' ({options['start_at']}) is no position from {low} to {high} by {step}"
            raise ValueError(message)

    def ends(self, options: Mapping[str, Any]) -> tuple[str, str]:
        """Return the labels of the two ends."""
        return options["low_label"] or gettext("Not at all"), options["high_label"] or gettext("Extremely")

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:  # noqa: ARG002
        """None: it is a line."""
        return ()

    def details(self, options: Mapping[str, Any]) -> dict[str, int]:
        """Return where the handle stands before it is there: in the middle, on a step."""
        low, high, step = options["low"], options["high"], options["step"]
        return {"middle": low + (high - low) // 2 // step * step}

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:  # noqa: ARG002
        """As in every slider, and the tens."""
        return (
            Shortcut(("←", "→"), gettext("move the marked slider by one step")),
            Shortcut(("Page Up", "Page Down"), gettext("by a tenth of the line")),
            Shortcut(("Home", "End"), gettext("to its ends")),
            Shortcut(("0", "…", "9"), gettext("to 0 %, 10 %, … 90 % of the line")),
        )

    def parse(self, raw: str, options: Mapping[str, Any]) -> int:
        """Return the number; raises AnswerError for one beside the range or between the steps."""
        digits = raw.removeprefix("-")
        if not (digits.isascii() and digits.isdigit() and len(digits) <= len(str(LIMIT))):
            raise AnswerError
        number = int(raw)
        if not options["low"] <= number <= options["high"] or (number - options["low"]) % options["step"]:
            raise AnswerError
        return number

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The number itself."""
        return float(value)

    def levels(self, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Continuous."""
        return 0
