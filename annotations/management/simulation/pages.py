"""Reading a rater's page like a browser: its forms, its rows of answers and the trials it shows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"input", "meta", "link", "br", "hr", "img"})


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """One trial as it stands on the page; texts from left to right."""

    token: str
    number: int
    total: int
    prompt: str
    texts: tuple[str, ...]


@dataclass(slots=True)
class Page:
    """What a visitor can act on: addresses of forms, answers by row in the order of the page, and the trials."""

    title: str = ""
    forms: list[str] = field(default_factory=list)
    rows: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    trials: list[ShownTrial] = field(default_factory=list)
    has_code: bool = False

    def form(self, ending: str) -> str | None:
        """Return the address of the first form whose path ends so, with its query string."""
        return next((action for action in self.forms if action.partition("?")[0].endswith(ending)), None)


def read_page(html: str) -> Page:
    """Read a whole page or a fragment of one."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    """Collects the title (first h1), forms, radio buttons, and per <article> the prompt (h1) and each .text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._stack: list[str] = []
        self._article: dict[str, str] | None = None
        self._prompt = ""
        self._texts: list[str] = []
        self._catching: tuple[str, int] | None = None  # what is being read, and how deep its element stands
        self._caught: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._stack.append(tag)
        classes = given.get("class", "").split()
        if tag == "form":
            self.page.forms.append(given.get("action", ""))
        elif tag == "input" and given.get("type") == "radio":
            self.page.rows[given.get("name", "")].append(given.get("value", ""))
        elif tag == "article" and "data-trial" in given:
            self._article, self._prompt, self._texts = given, "", []
        elif tag == "code" and given.get("id") == "code":
            self.page.has_code = True
        elif tag == "h1" or (tag == "div" and "text" in classes and self._article is not None):
            self._catching, self._caught = (tag, len(self._stack)), []

    def handle_data(self, data: str) -> None:
        if self._catching:
            self._caught.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._catching == (tag, len(self._stack)):
            self._keep(tag, "".join(self._caught))
            self._catching = None
        if self._stack and self._stack[-1] == tag:
            self._stack.pop()
        if tag == "article" and self._article is not None:
            self._finish_trial(self._article)
            self._article = None

    def _keep(self, tag: str, text: str) -> None:
        if tag == "div":
            self._texts.append(text)
        elif self._article is not None:
            self._prompt = text
        self.page.title = self.page.title or text.strip()

    def _finish_trial(self, article: dict[str, str]) -> None:
        trial = ShownTrial(
            token=article["data-trial"],
            number=int(article["data-number"]),
            total=int(article["data-total"]),
            prompt=self._prompt,
            texts=tuple(self._texts),
        )
        self.page.trials.append(trial)
