"""Answers of models and people taken apart: into words (DAT) or into uses (AUT)."""

from __future__ import annotations

import re
from typing import Final

_MARK: Final = r"(?:\(?\d{1,3}[.):]|\d{1,3}\s[-–—]\s|[-*·–—+]\s|[•‣▪◦])"
_ITEM: Final = re.compile(rf"^\s*(?:[#>]+\s*)?{_MARK}\s*")
_INLINE: Final = re.compile(r"(?:(?<=\s)|^)\(?\d{1,2}[.)](?=\s*\D)\s*")
_EMPHASIS: Final = re.compile(r"\*\*|__|`|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)")
_REMARK: Final = re.compile(r"\s*[(\[][^()\[\]]*[)\]]")
_AFTER: Final = re.compile(r"\s+[-–—]+\s+.*$|:\s+.*$")
_SENTENCE: Final = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]*[A-Z0-9])")
_DASH: Final = re.compile(r"\s+[-–—]+\s+")
_BETWEEN: Final = re.compile(r"[,;/\t|]")
_LAST: Final = re.compile(r"(?:^|\s)(?:and|&)\s")
_LETTERS: Final = re.compile(r"[^\W\d_]+")
_SPACES: Final = re.compile(r"\s+")
_ARTICLES: Final = frozenset({"a", "an", "the", "to", "as", "for", "use", "it", "using"})
MANY: Final = 4
"""A single line of so many words or more, without a comma, is a list of words set apart by spaces."""
INTRODUCTION: Final = 8
"""Words up to which the part of a line before a colon is a heading ("Here are ten words: …")."""


def words_of(answer: str) -> tuple[str, ...]:
    """Return the words that an answer to the Divergent Association Task names, in order.

    One a line, numbered, bulleted or bare; or several on a line, set apart by commas, semicolons, slashes, tabs,
    numbers ("1. hippo 2. jumper"), or, where the whole answer is one line without these, by spaces. Where any line is
    numbered or bulleted, other lines are talk and left out. A heading that ends with a colon is left out, and so is
    what stands before a colon at the start of a bare line. A remark behind a word is cut off: in brackets, after a
    dash that stands alone, or after a colon ("Hippo – a large animal"). Whether what is left is a word is for
    the validation to say.
    """
    lines = _lines(answer)
    listed = [line for line in lines if _ITEM.match(line)]
    found: list[str] = []
    for line in listed or lines:
        bare = line
        if listed:
            bare = _ITEM.sub("", bare)
        elif bare.rstrip().endswith(":"):
            continue
        else:
            bare = _without_introduction(bare)
        found += _apart(bare, alone=len(lines) == 1)
    return tuple(found)


def _apart(line: str, *, alone: bool) -> list[str]:
    """Return the words of one line, remarks cut off first, for they may hold commas."""
    pieces = [_AFTER.sub("", _REMARK.sub("", part)) for part in _INLINE.split(_dashes(line))]
    parts = [piece for part in pieces for piece in _BETWEEN.split(part)]
    if len(parts) > 1:  # "cat, dog and tree", but "salt and pepper" alone is one answer
        parts = [*parts[:-1], *_LAST.split(parts[-1])]
    elif alone and parts == [line] and len(line.split()) >= MANY:
        parts = line.split()
    trimmed = [part.strip(" \"'“”‘’.!") for part in parts]
    return [part for part in trimmed if part]


def _dashes(line: str) -> str:
    """Return a line whose words are set apart by several dashes with commas in their place."""
    return _DASH.sub(", ", line) if len(_DASH.findall(line)) > 1 and not _BETWEEN.search(line) else line


def _without_introduction(line: str) -> str:
    head, colon, rest = line.partition(":")
    # "Words: cat, dog" has a list behind its colon; "cat: a small animal" has a remark there
    is_list = bool(re.search(r"[,;]|\d[.)]", rest)) or len(head.split()) > 1
    return rest.strip() if colon and rest.strip() and is_list and len(head.split()) <= INTRODUCTION else line


def uses_of(answer: str, *, thing: str = "") -> tuple[str, ...]:
    """Return the distinct valid uses that an answer to the Alternative Uses Task names, in order.

    Numbered or bulleted lines where there are any (other lines are talk and left out, save one that goes on with the
    item above, which is indented); else bare lines where there are several, else sentences, else what semicolons set
    apart. Headings that end with a colon are left out. A use is valid if it holds a word of two letters or more
    besides articles and the name of the ``thing``; uses that are equal but for case, articles and punctuation are one.
    """
    parts = _items(answer)
    own = {one.casefold() for one in _LETTERS.findall(thing)}
    kept: dict[tuple[str, ...], str] = {}
    for part in parts:
        use = _SPACES.sub(" ", part).strip(" \t-–—•;,")
        letters = [one.casefold() for one in _LETTERS.findall(use)]
        core = tuple(one for one in letters if one not in _ARTICLES)
        if any(len(one) > 1 and one not in own for one in core):
            kept.setdefault(core, use)
    return tuple(kept.values())


def _items(answer: str) -> list[str]:
    lines = _lines(answer)
    if len(lines) == 1 and _INLINE.match(lines[0]):
        return [part for part in _INLINE.split(lines[0]) if part.strip()]
    if any(_ITEM.match(line) for line in lines):
        found: list[str] = []
        for line in lines:
            if _ITEM.match(line):
                found.append(_ITEM.sub("", line))
            elif found and line[:1].isspace():
                found[-1] = f"{found[-1]} {line.strip()}"
        return found
    lines = [line.strip() for line in lines if not line.rstrip().endswith(":")]
    if len(lines) > 1:
        return lines
    line = lines[0] if lines else ""
    sentences = [part for part in _SENTENCE.split(line) if part]
    return sentences if len(sentences) > 1 else [part for part in line.split(";") if part.strip()]


def _lines(answer: str) -> list[str]:
    """Return the lines that hold anything, without markdown's emphasis."""
    return [plain for line in answer.splitlines() if (plain := _EMPHASIS.sub("", line)).strip()]
