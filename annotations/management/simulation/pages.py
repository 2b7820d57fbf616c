"""Reading a rater's page like a browser: its forms with their fields, its rows of answers and the trials it shows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = frozenset({"input", "meta", "link", "br", "hr", "img"})
ANSWER = "answer-"


@dataclass(frozen=True, slots=True)
class ShownTrial:
    """One trial as it stands on the page; texts from left to right."""

    token: str
    number: int
    total: int
    prompt: str
    texts: tuple[str, ...]


@dataclass(slots=True)
class Control:
    """What can be filled in under one name: `values` are those of radio buttons and boxes, in order."""

    name: str
    type: str
    values: list[str] = field(default_factory=list)
    attrs: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)  # the data of the fieldset around it


@dataclass(slots=True)
class Form:
    """One form and its controls by name, in the order of the page."""

    action: str
    controls: dict[str, Control] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of answers: the dimension, the part of it, the question type, and what there is to choose or to fill in.

    `values` from the left; `span` is lowest, highest, step of a number; `words` fewest and most characters of a text;
    `ticks` a name of boxes with their values, of which at least `at_least` must be ticked.
    """

    key: str
    part: str = ""
    kind: str = ""
    values: tuple[str, ...] = ()
    span: tuple[float, float, float] | None = None
    words: tuple[int, int] | None = None
    ticks: tuple[str, ...] = ()
    at_least: int = 0

    @property
    def name(self) -> str:
        """The name over the wire."""
        return f"{ANSWER}{self.key}" + (f".{self.part}" if self.part else "")


@dataclass(slots=True)
class Page:
    """What a visitor can act on: forms, rows of answers in the order of the page, and the trials."""

    title: str = ""
    all_forms: list[Form] = field(default_factory=list)
    trials: list[ShownTrial] = field(default_factory=list)
    has_code: bool = False
    is_end: bool = False

    @property
    def forms(self) -> list[str]:
        """The addresses of the forms."""
        return [form.action for form in self.all_forms]

    @property
    def rows(self) -> list[Row]:
        """The rows of answers of all forms."""
        controls = [control for form in self.all_forms for control in form.controls.values()]
        return [_row(control) for control in controls if control.name.startswith(ANSWER)]

    def form(self, ending: str) -> str | None:
        """Return the address of the first form whose path ends so, with its query string."""
        return next((action for action in self.forms if action.partition("?")[0].endswith(ending)), None)


def _row(control: Control) -> Row:
    key, _, part = control.name.removeprefix(ANSWER).partition(".")
    about, attrs, kind = control.about, control.attrs, control.about.get("data-kind", "")
    if control.type == "checkbox":
        return Row(key, part, kind, ticks=tuple(control.values), at_least=int(about.get("data-at-least") or 0))
    if control.type == "number":
        low, high, step = (float(attrs.get(name) or default) for name, default in NUMBER.items())
        return Row(key, part, kind, span=(low, high, step))
    if control.type == "textarea":
        least, most = about.get("data-least") or 0, attrs.get("data-most") or about.get("data-most") or 1000
        return Row(key, part, kind, words=(int(least), int(most)))
    return Row(key, part, kind, values=tuple(control.values))


NUMBER = {"min": "0", "max": "100", "step": "1"}


def read_page(html: str) -> Page:
    """Read a whole page or a fragment of one."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    """Collects the title (first h1), forms with their controls, and per <article> the prompt (h1) and each .text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._stack: list[str] = []
        self._form: Form | None = None
        self._fieldsets: list[Mapping[str, str]] = []
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
        self.page.is_end |= tag == "h1" and given.get("id") == "finished"
        if tag == "form":
            self._form = Form(given.get("action", ""))
            self.page.all_forms.append(self._form)
        elif tag == "fieldset":
            self._fieldsets.append(given)
        elif tag in ("input", "textarea", "select"):
            self._control(tag, given)
        elif tag == "article" and "data-trial" in given:
            self._article, self._prompt, self._texts = given, "", []
        elif tag == "code" and given.get("id") == "code":
            self.page.has_code = True
        elif tag == "h1" or (tag == "div" and "text" in classes and self._article is not None):
            self._catching, self._caught = (tag, len(self._stack)), []

    def _control(self, tag: str, given: Mapping[str, str]) -> None:
        name, kind = given.get("name", ""), given.get("type", "text") if tag == "input" else tag
        if not name or self._form is None:
            return
        about = self._fieldsets[-1] if self._fieldsets else {}
        control = self._form.controls.setdefault(name, Control(name, kind, attrs=given, about=about))
        control.values.append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        if self._catching:
            self._caught.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._catching == (tag, len(self._stack)):
            self._keep(tag, "".join(self._caught))
            self._catching = None
        if self._stack and self._stack[-1] == tag:
            self._stack.pop()
        if tag == "form":
            self._form = None
        elif tag == "fieldset" and self._fieldsets:
            self._fieldsets.pop()
        elif tag == "article" and self._article is not None:
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


def by_dimension(rows: list[Row]) -> dict[str, list[Row]]:
    """Return the rows of each dimension, in the order of the page."""
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.key].append(row)
    return dict(found)
