"""Answers that decline: known by how they begin. What the server itself calls a refusal needs no list."""

from __future__ import annotations

from collections.abc import Sequence

READ = 400  # characters at the beginning
# With any apostrophe and in any case. Only phrases that a creative answer hardly begins with:
# "I cannot" alone may begin a story.
REFUSALS = (
    *("I'm sorry, but I can", "I am sorry, but I can", "I'm sorry, I can", "Sorry, but I can", "Sorry, I can't"),
    *("I apologize, but", "I must decline", "I have to decline", "I'm not able to", "I am not able to"),
    *("I can't help", "I can't assist", "I can't provide", "I can't create", "I can't fulfill", "I can't comply"),
    *("I cannot help", "I cannot assist", "I cannot provide", "I cannot create", "I cannot fulfill", "I cannot comply"),
    *(
        "I'm unable to",
        "I am unable to",
        "I won't be able to",
        "I will not be able to",
        "As an AI",
        "As a language model",
    ),
    *("As a large language model", "I can't generate", "I cannot generate", "I can't write", "I cannot write"),
)


def is_refusal(text: str, beginnings: Sequence[str]) -> bool:
    """Say whether a text begins as a refusal does, whatever its apostrophes, quotation marks and case."""
    start = _plain(text[:READ])
    return any(start.startswith(_plain(beginning)) for beginning in beginnings)


def _plain(text: str) -> str:
    return (
        text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        .strip(' \t\r\n"*_>#\N{LEFT DOUBLE QUOTATION MARK}')
        .casefold()
    )
