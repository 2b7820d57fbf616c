"""Texts that several study templates share. Each may be edited in a study; they promise only what the platform does."""

from __future__ import annotations

from typing import Any

STORED = """\
**What is stored.** Your answers, how long each took, and what the page noticed about how they were given (for example
whether text was pasted). No name, no address, no tracking; no other site is contacted.
"""

CHOICE = """\
**Your choice.** Taking part is voluntary. You may stop at any time by closing the page, come back by the same link, or
withdraw your data by the link at the foot of every page: your answers are then deleted.
"""

USE = """\
**How the answers are used.** For research on creative writing by people and machines. Results are published in
summary, and answers may be shared as research data without anything that identifies you.
"""


def consent(what: str) -> str:
    """Return a consent form whose first paragraph says what a rater does."""
    return f"**What you do.** {what}\n\n{STORED}\n{CHOICE}\n{USE}"


COMMENTS: dict[str, Any] = {"on": True, "text": "Was anything unclear, or did anything strike you? (voluntary)"}
DEBRIEFING = """\
The texts were written by computer programs or by people. We compare ways of making such
programs less uniform, and your judgements tell us whether that works. Which text came from where was hidden, so that
nobody's opinion about machines could colour the answers.
"""
