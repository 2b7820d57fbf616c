"""Forced choice with reasons: A or B, ticks that say why, and room for a few words.

Asking for the aspect behind a choice follows the evaluation of generated text (ACUTE-Eval, Li et al. 2019, asks why;
Wu et al. 2023, *Fine-grained human feedback*). The choice alone is modelled; reasons are exported.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext

from annotations.errors import AnswerError
from annotations.registry import (
    KEYS,
    Choice,
    Measure,
    Option,
    QuestionType,
    Raw,
    Shortcut,
    first_of,
    question_types,
)

from .forced_choice import SCORES, TIE, read_side, sides
from .free_text import clean_text

MOST_REASONS = 8  # with three answers before them they are numbered with one key each
REASONS = ("New idea", "Unexpected turn", "Vivid detail", "Fits the task better", "Better written")


@question_types.register
class ChoiceWithReasons(QuestionType):
    """Stored: the choice, the texts of the ticked reasons in the order of the page, and the note."""

    name = "choice_with_reasons"
    label = "Forced choice with reasons"
    about = "Two outputs: which one is more so, and why: reasons to tick and, if you like, a few words."
    measure: ClassVar[Measure] = "pairwise_choice"
    template_name = "annotations/questions/choice_with_reasons.html"
    scripts = ("annotations/questions/reasons.js",)
    styles = ("annotations/questions/reasons.css",)
    takes = (
        TIE,
        Option("reasons", "Reasons", "lines", REASONS, help="One a line, at most 8.", most=80, many=MOST_REASONS),
        Option("at_least", "Reasons to tick at least", "number", 1, most=MOST_REASONS),
        Option("note", "Ask for a few words too (voluntary)", "yes_no", default=False),
        Option("longest_note", "Characters of the words at most", "number", 500, least=1, most=5000),
    )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """There must be reasons, and as many as have to be ticked."""
        if not options["reasons"]:
            message = "the option 'reasons' needs at least one reason"
            raise ValueError(message)
        if options["at_least"] > len(options["reasons"]):
            message = f"the option 'at_least' asks for {options['at_least']} of {len(options['reasons'])} reasons"
            raise ValueError(message)

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """A, (no difference,) B."""
        return sides(options)

    def reasons(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Return the reasons, numbered on after the answers."""
        before = len(self.choices(options))
        return tuple(
            Choice(str(number), text, text, KEYS[before + number - 1])
            for number, text in enumerate(options["reasons"], start=1)
        )

    def details(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:
        """Return the reasons for the page."""
        return self.reasons(options)

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:  # noqa: ARG002
        """Digits choose, the digits after them tick."""
        choices, reasons = self.choices(options), self.reasons(options)
        return (
            Shortcut((choices[0].key, "…", choices[-1].key), gettext("answer the marked row")),
            Shortcut((reasons[0].key, "…", reasons[-1].key), gettext("tick a reason or take the tick away")),
        )

    def parse(self, raw: str, options: Mapping[str, Any]) -> str:
        """Return the choice: "a", "b" or "tie"."""
        return read_side(raw, options)

    def read(self, raw: Raw, options: Mapping[str, Any], *, outputs: int) -> dict[str, Any]:  # noqa: ARG002
        """Return choice, reasons and note; raises AnswerError for a reason that is not on the page, or too few."""
        choice = self.parse(first_of(raw), options)
        numbers = {reason.value: reason.label for reason in self.reasons(options)}
        ticked = raw.get("reason", ())
        if not set(ticked) <= set(numbers) or len(set(ticked)) < options["at_least"]:
            raise AnswerError
        note = clean_text(first_of(raw, "note")) if options["note"] else ""
        if len(note) > options["longest_note"]:
            raise AnswerError
        return {"choice": choice, "reasons": [text for value, text in numbers.items() if value in ticked], "note": note}

    def wanted(self, answer: str | Mapping[str, Any], options: Mapping[str, Any], *, outputs: int) -> Any:
        """Only the choice can be wanted: reasons are the rater's own."""
        if isinstance(answer, str):
            return self.parse(answer, options)
        return super().wanted(answer, options, outputs=outputs)

    def comparable(self, value: Any) -> Any:
        """Return the choice."""
        return value["choice"] if isinstance(value, dict) else value

    def words(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> str:
        """Say the choice."""
        return super().words(self.comparable(value), options, outputs=outputs)

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """1 when the left text was chosen, 0 when the right one was, ½ for a tie; reasons do not count."""
        return SCORES[value["choice"] if isinstance(value, dict) else str(value)]

    def levels(self, options: Mapping[str, Any]) -> int:
        """Two answers, three with a tie."""
        return 3 if options.get("tie") else 2
