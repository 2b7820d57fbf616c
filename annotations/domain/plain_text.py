"""Markdown to the text that a reader would see: signs go, words and lines stay."""

from __future__ import annotations

from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

# Indented lines, reference definitions and entities are left alone: in plain prose they are rather meant as they stand.
OFF = ("code", "reference", "entity", "html_block", "html_inline", "autolink")


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(list(OFF))


def plain(markdown: str) -> str:
    """Return the text without signs of markup.

    Paragraphs stay apart by a blank line, items of a list stand on lines of their own: bulleted ones without a mark,
    numbered ones with their number. Links become their words, pictures their description.
    """
    lines = _Lines()
    for token in _parser().parse(markdown):
        lines.take(token)
    return lines.text()


class _Lines:
    """Blocks on their way out: each with the number of line breaks before it."""

    def __init__(self) -> None:
        self.blocks: list[tuple[int, str]] = []
        self.lists: list[bool] = []  # whether each open list is numbered
        self.mark = ""
        self.cells: list[str] | None = None
        self.gap = 2

    def take(self, token: Token) -> None:
        """Take one token of the block level."""
        kind = token.type
        if kind in {"bullet_list_open", "ordered_list_open"}:
            self.lists.append(kind.startswith("ordered"))
            self.gap = 2 if len(self.lists) == 1 else 1
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            self.lists.pop()
            self.gap = 2 if not self.lists else 1
        elif kind == "list_item_open":
            self.mark = f"{token.info}{token.markup} " if self.lists and self.lists[-1] and token.info else ""
        elif kind == "tr_open":
            self.cells = []
        elif kind == "tr_close" and self.cells is not None:
            self._add("\t".join(self.cells))
            self.cells, self.gap = None, 1
        elif kind == "table_close":
            self.gap = 2
        elif kind == "inline":
            self._words(_inline(token))
        elif kind == "fence":
            self._words(token.content.rstrip("\n"))

    def _words(self, words: str) -> None:
        if self.cells is not None:
            self.cells.append(words)
            return
        self._add(self.mark + words)
        self.mark = ""
        self.gap = 1 if self.lists else 2

    def _add(self, words: str) -> None:
        self.blocks.append((self.gap, words))

    def text(self) -> str:
        """Return the blocks, each after its line breaks."""
        made = ""
        for gap, words in self.blocks:
            made += ("\n" * gap if made else "") + words
        return made


def _inline(token: Token) -> str:
    parts = []
    for child in token.children or ():
        if child.type in {"text", "code_inline", "text_special", "html_inline"}:
            parts.append(child.content)
        elif child.type in {"softbreak", "hardbreak"}:
            parts.append("\n")
        elif child.type == "image":
            parts.append(child.content)
    return "".join(parts)
