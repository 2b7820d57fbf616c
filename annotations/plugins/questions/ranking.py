"""Ranking: 2 to 20 outputs from the best to the last, ties if the study allows them (Plackett 1975, Luce 1959).

Nothing is ranked before the rater ranks it: the outputs stand unranked in the order of the page, and an order that was
only looked at is no answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext

from annotations.errors import AnswerError
from annotations.registry import (
    LETTERS,
    Choice,
    Measure,
    Option,
    QuestionType,
    Raw,
    Scored,
    Shortcut,
    first_of,
    question_types,
)


@question_types.register
class Ranking(QuestionType):
    """Stored: the rank of each output by place, 1 = best; tied ones share a rank and the next ones are skipped."""

    name = "ranking"
    label = "Ranking (2 to 20 outputs)"
    about = "All outputs of the task in order, by dragging, keys or buttons. Every ranking exports as preferences."
    measure: ClassVar[Measure] = "ranking"
    outputs: ClassVar[tuple[int, int]] = (2, len(LETTERS))
    template_name = "annotations/questions/ranking.html"
    scripts = ("annotations/questions/ranking.js",)
    styles = ("annotations/questions/ranking.css",)
    takes = (Option("ties", "Allow ties", "yes_no", default=False, help="Outputs may share a rank."),)

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:  # noqa: ARG002
        """None: the answer is an order."""
        return ()

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:
        """Letters pick, arrows move."""
        letters = Shortcut((LETTERS[0], "…", LETTERS[outputs - 1]), gettext("rank a text next, or go to it"))
        tie = (Shortcut(("=",), gettext("tie a text with the one above it, or part them")),) if options["ties"] else ()
        return (
            letters,
            Shortcut(("↑", "↓"), gettext("move the marked text up or down")),
            *tie,
            Shortcut(("Backspace",), gettext("take the marked text out of the ranking")),
        )

    def parse(self, raw: str, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Return one rank."""
        if raw not in {str(rank) for rank in range(1, len(LETTERS) + 1)}:
            raise AnswerError
        return int(raw)

    def read(self, raw: Raw, options: Mapping[str, Any], *, outputs: int) -> list[int]:
        """Return the rank of each output; without ties every rank must be given once."""
        ranks = [self.parse(first_of(raw, str(place)), options) for place in range(1, outputs + 1)]
        if max(ranks) > outputs:
            raise AnswerError
        shared = [1 + sum(other < rank for other in ranks) for rank in ranks]
        if not options["ties"] and sorted(ranks) != list(range(1, outputs + 1)):
            raise AnswerError
        return shared

    def rows(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> tuple[Scored, ...]:  # noqa: ARG002
        """Return a row per output."""
        return tuple(Scored(place, float(rank)) for place, rank in enumerate(value, start=1))

    def wanted(self, answer: str | Mapping[str, Any], options: Mapping[str, Any], *, outputs: int) -> Any:
        """Read "C A B", the best first, or ranks, which may be shared: "A=1 B=1 C=3"."""
        letters = answer.split() if isinstance(answer, str) else []
        if letters and set(letters) <= set(LETTERS[:outputs]):
            answer = {str(LETTERS.index(letter) + 1): (str(rank),) for rank, letter in enumerate(letters, start=1)}
        return super().wanted(answer, options, outputs=outputs)

    def words(self, value: Any, options: Mapping[str, Any], *, outputs: int) -> str:  # noqa: ARG002
        """Return the letters, the best first."""
        ranks = sorted(set(value))
        return ", ".join(
            " = ".join(letter for letter, rank in zip(LETTERS, value, strict=False) if rank == at) for at in ranks
        )

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """The rank itself: 1 is best."""
        return float(value)

    def levels(self, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Depends on the task: see `levels_of`."""
        return 0

    def levels_of(self, options: Mapping[str, Any], *, outputs: int) -> int:  # noqa: ARG002
        """The lowest rank."""
        return outputs
