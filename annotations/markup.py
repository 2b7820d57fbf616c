"""Markdown of researchers to safe HTML: welcome, consent, instructions and the other texts of the path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

TAGS = {"p", "strong", "em", "s", "ul", "ol", "li", "h2", "h3", "h4", "blockquote", "a", "code", "pre", "hr", "br"} | {
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "img",
}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "img": {"src", "alt"}}
SCHEMES = {"http", "https", "mailto"}
DEEPEST_HEADING = 4
# A rater's page asks no third party for anything: only pictures that were uploaded here are shown.
OWN_PICTURE = re.compile(r"/s/[a-z0-9-]+/file/[a-z0-9]{16}\.(?:png|jpg|gif|webp)")

_parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


@lru_cache(maxsize=256)
def to_html(markdown: str) -> SafeString:
    """Return sanitised HTML; headings begin at level two, because the page has a title of its own.

    A picture from elsewhere, or one without a description, is shown as its description.
    """
    tokens = _parser.parse(markdown)
    for token in tokens:
        if token.type in {"heading_open", "heading_close"}:
            token.tag = f"h{min(int(token.tag[1:]) + 1, DEEPEST_HEADING)}"
        if token.children:
            token.children = [child if _may_show(child) else _as_text(child) for child in token.children]
    html = _parser.renderer.render(tokens, _parser.options, {})
    clean = nh3.clean(
        html, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, link_rel="noopener noreferrer nofollow"
    )
    return mark_safe(clean)  # noqa: S308 - sanitised one line above


def _may_show(token: Token) -> bool:
    if token.type != "image":
        return True
    return bool(OWN_PICTURE.fullmatch(str(token.attrs.get("src", "")))) and bool(token.content.strip())


def _as_text(token: Token) -> Token:
    return Token("text", "", 0, content=token.content)


def picture_problems(markdown: str) -> Iterator[str]:
    """Yield what is wrong with the pictures of a text, for the researcher."""
    for token in _parser.parse(markdown):
        for child in token.children or ():
            if child.type == "image" and not OWN_PICTURE.fullmatch(str(child.attrs.get("src", ""))):
                yield f"the picture {child.attrs.get('src')!r} is not one that was uploaded here"
            elif child.type == "image" and not child.content.strip():
                yield f"the picture {child.attrs.get('src')!r} needs a description, as in ![a brick](…)"
