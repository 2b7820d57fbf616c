"""Free text: a few words or a paragraph, exported as it is and not modelled.

Pastes and bursts are noted as evidence (suspicion of a machine's text is a reason to look, not to refuse); only the
option `block_paste` refuses them on the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from annotations.errors import AnswerError
from annotations.registry import Choice, Measure, Option, QuestionType, Shortcut, question_types

LONGEST = 10_000


def clean_text(raw: str) -> str:
    """Return a text as it is counted and stored: one kind of line break, trimmed, nothing that JSONB cannot hold."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(letter for letter in text if letter != "\0" and not "\ud800" <= letter <= "\udfff").strip()


@question_types.register
class FreeText(QuestionType):
    """The text itself; characters are counted as code points after trimming."""

    name = "free_text"
    label = "Free text"
    about = "A few words or a paragraph about the outputs. It is exported and not modelled."
    measure: ClassVar[Measure] = "text"
    outputs: ClassVar[tuple[int, int]] = (1, 20)
    template_name = "annotations/questions/free_text.html"
    scripts = ("annotations/questions/free_text.js",)
    styles = ("annotations/questions/free_text.css",)
    takes = (
        Option("least", "Characters at least", "number", 20, help="0 makes the answer voluntary.", most=LONGEST),
        Option("most", "Characters at most", "number", 1000, least=1, most=LONGEST),
        Option("lines", "Height of the field in lines", "number", 4, least=1, most=20),
        Option("block_paste", "Refuse pasted text", "yes_no", default=False, help="Pastes are noted in any case."),
    )

    def check_options(self, options: Mapping[str, Any]) -> None:
        """The shortest answer must not be longer than the longest."""
        if options["least"] > options["most"]:
            message = f"the option 'least' ({options['least']}) is more than 'most' ({options['most']})"
            raise ValueError(message)

    def choices(self, options: Mapping[str, Any]) -> tuple[Choice, ...]:  # noqa: ARG002
        """None: it is free."""
        return ()

    def shortcuts(self, options: Mapping[str, Any], *, outputs: int) -> tuple[Shortcut, ...]:  # noqa: ARG002
        """None: in a text field every key writes."""
        return ()

    def parse(self, raw: str, options: Mapping[str, Any]) -> str:
        """Return the cleaned text; raises AnswerError when it is too short or too long."""
        text = clean_text(raw)
        if not options["least"] <= len(text) <= options["most"]:
            raise AnswerError
        return text

    def score(self, value: Any, options: Mapping[str, Any]) -> float:  # noqa: ARG002
        """Return the number of characters; it stands in no table."""
        return float(len(value))

    def levels(self, options: Mapping[str, Any]) -> int:  # noqa: ARG002
        """Free."""
        return 0
