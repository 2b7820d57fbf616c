"""Markdown becomes safe HTML that asks no third party for anything."""

import pytest

from annotations.markup import to_html


def test_common_markdown_is_rendered():
    html = to_html("**Bold** and *soft*\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |")

    assert html == (
        "<p><strong>Bold</strong> and <em>soft</em></p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>\n"
        "<table>\n<thead>\n<tr>\n<th>a</th>\n<th>b</th>\n</tr>\n</thead>\n"
        "<tbody>\n<tr>\n<td>1</td>\n<td>2</td>\n</tr>\n</tbody>\n</table>\n"
    )


@pytest.mark.parametrize(("marks", "tag"), [("#", "h2"), ("##", "h3"), ("###", "h4"), ("######", "h4")])
def test_headings_begin_below_the_page_s_own(marks, tag):
    assert to_html(f"{marks} Title") == f"<{tag}>Title</{tag}>\n"


@pytest.mark.parametrize(
    "nasty",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "![pixel](https://tracker.example/1.gif)",
        "[x](javascript:alert(1))",
        "[x](data:text/html,hello)",
        '<p style="position:fixed" class="go">x</p>',
        "<iframe src=https://example.org></iframe>",
    ],
)
def test_nothing_active_gets_through(nasty):
    html = to_html(nasty)

    for part in ("<script", "<img", "<iframe", 'href="javascript', 'href="data', "<p style", "<p class"):
        assert part not in html


def test_links_do_not_tell_where_they_come_from():
    html = to_html("[site](https://example.org)")

    assert html == '<p><a href="https://example.org" rel="noopener noreferrer nofollow">site</a></p>\n'


def test_empty_text_is_empty():
    assert to_html("") == ""
