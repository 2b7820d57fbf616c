"""Best–worst scaling: of 3 to 6 outputs the one that is most so and the one that is least so (Louviere 1991).

Two answers say as much as most of a ranking, and people agree on the ends more than on the middle (Kiritchenko &
Mohammad 2017, *Best-worst scaling more reliable than rating scales*).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext, pgettext

from annotations.errors import AnswerError
from annotations.registry import (
    LETTERS,
    Choice,
    Line,
    Measure,
    Option,
    QuestionType,
    Raw,
    Scored,
    Shortcut,
    first_of,
    question_types,
)

BEST, OTHER, WORST = 1, 2, 3
LARGEST = 6


def place_of(letter: str) -> str:
    """Return the place of a letter as it is sent; that of no letter is no place."""
    return str(LETTERS.find(letter) + 1) if letter else ""


@question_types.register
class BestWorst(QuestionType):
    """Stored: ranks by place, as a ranking with ties: best 1, worst 3, all others 2."""

    name = "best_worst"
    label = "Best and worst (3 to 6 outputs)"
    about = "Of each task the output that is most so and the one that is least so. Quick, and sharp at the ends."
    measure: ClassVar[Measure] = "ranking"
    outputs: ClassVar[tuple[int, int]] = (3, LARGEST)
    template_name = "annotations/questions/best_worst.html"
    scripts = ("annotations/questions/best_worst.js",)
    styles = ("annotations/questions/best_worst.css",)
    takes = (
        Option("best", "Word for the best", "words", "", most=24, help="Empty: “Most”."),
        Option("worst", "Word for the worst", "words", "", most=24, help="Empty: “Least”."),
    )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """The two words must be told apart."""
        if options["best"] and options["best"].casefold() == options["worst"].casefold():
            message = "the options 'best' and 'worst' are the same word"
            raise ValueError(message)

    def lines(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Line, ...]:  # noqa: ARG002
        """Two lines of letters."""
        best, worst = options["best"] or gettext("Most"), options["worst"] or gettext("Least")
        keys = pgettext("key of the line for the best", "b"), pgettext("key of the line for the worst", "w")
        return Line("best", head=best, jump=keys[0]), Line("worst", head=worst, jump=keys[1])

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:  # noqa: ARG002
        """As many letters as a task can have outputs; the page shows those of the task."""
        return tuple(
            Choice(str(place), gettext("Text %(letter)s") % {"letter": letter}, letter, str(place))
            for place, letter in enumerate(LETTERS[:LARGEST], start=1)
        )

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:
        """A letter leads to the line, a digit answers it."""
        best, worst = self.lines(options, outputs=outputs)
        return (
            Shortcut((best.jump, worst.jump), gettext("mark the line of the best, of the worst")),
            Shortcut(("1", "…", str(outputs)), gettext("answer the marked row, then the next row is marked")),
        )

    def parse(self, raw: str, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Return the place of one output."""
        if raw not in {str(place) for place in range(1, LARGEST + 1)}:
            raise AnswerError
        return int(raw)

    def read(self, raw: Raw, options: Mapping[str, Any], *, outputs: int) -> list[int]:
        """Return the ranks; raises AnswerError when best or worst is missing, the same, or not on the page."""
        best, worst = (self.parse(first_of(raw, part), options) for part in ("best", "worst"))
        if best == worst or max(best, worst) > outputs:
            raise AnswerError
        return [BEST if place == best else WORST if place == worst else OTHER for place in range(1, outputs + 1)]

    def rows(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> tuple[Scored, ...]:  # noqa: ARG002
        """Return a row per output."""
        return tuple(Scored(place, float(rank)) for place, rank in enumerate(value, start=1))

    def wanted(self, answer: str | Mapping[str, Any], options: Mapping[str, Any], *, outputs: int) -> list[int]:
        """Read "C A": the letter of the best, then that of the worst."""
        if isinstance(answer, str):
            best, _, worst = answer.partition(" ")
            answer = {"best": (place_of(best),), "worst": (place_of(worst.strip()),)}
        return self.read(answer, options, outputs=outputs)

    def words(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> str:
        """Say which is best and which is worst."""
        lines = zip(self.lines(options, outputs=outputs), (BEST, WORST), strict=True)
        return ", ".join(f"{line.head}: {LETTERS[value.index(rank)]}" for line, rank in lines)

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The rank itself: 1 is best."""
        return float(value)

    def levels(self, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Best, others, worst."""
        return WORST

    def levels_of(self, options: Mapping[str, Any], *, outputs: int) -> int:  # noqa: ARG002
        """The same for any number of outputs."""
        return WORST
