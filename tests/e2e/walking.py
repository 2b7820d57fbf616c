"""A rater who has only a keyboard: walks from the welcome page to the code, whatever pages lie between."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

MOST_PAGES = 200
MOST_TABS = 120
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
WORDS = "A thought that came while reading."
FOCUS = """() => {
  const e = document.activeElement;
  const group = e.type === "radio" ? [...document.getElementsByName(e.name)] : [];
  return {
    tag: e.tagName, type: e.type || "", name: e.name || "", value: e.value || "", checked: Boolean(e.checked),
    answered: group.some((one) => one.checked), go: e.matches(".go, .go *"), plain: e.matches(".plain"),
    required: Boolean(e.required), href: e.getAttribute("href") || "",
  };
}"""
ROWS = """() => [...document.querySelectorAll("#trial .row")].map((row) => ({
  kind: row.dataset.kind ?? "choice", current: row.classList.contains("current"),
}))"""


@dataclass
class Walk:
    """One walk.

    `right` holds values of options to choose where it matters (quizzes), `meanwhile` makes what pages wait for.
    """

    page: Page
    right: frozenset[str] = frozenset()
    meanwhile: Callable[[], None] = lambda: None
    name: str = ""
    seen: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def to_the_end(self) -> str:
        """Walk until a page with a completion code, and return the code."""
        for _ in range(MOST_PAGES):
            self.look()
            if self.page.locator("#waiting").count():
                self.meanwhile()
                self.page.wait_for_selector("form#trial")  # the page goes on by itself
                continue
            code = self.page.locator("#code")
            if code.count():
                return code.inner_text()
            if self.page.locator("form#trial").count():
                self.judge()
            else:
                self.fill()
        message = f"no end after {MOST_PAGES} pages: {self.seen[-5:]}"
        raise AssertionError(message)

    def look(self) -> None:
        """Check a kind of page when it is seen first: axe, nothing cut off at the side; keep a picture if asked to."""
        kind = self.kind()
        self.seen.append(kind)
        if self.seen.count(kind) > 1:
            return
        found = Axe().run(self.page, options=RULES).response["violations"]
        self.problems += [f"{kind}: {one['id']} {one['nodes'][0]['target']}" for one in found]
        if self.page.evaluate("() => document.documentElement.scrollWidth > window.innerWidth"):
            self.problems.append(f"{kind}: wider than the screen")
        if folder := os.environ.get("SCREENSHOTS"):
            self.page.screenshot(path=Path(folder) / f"{self.name}-{len(set(self.seen)):02}-{kind}.png", full_page=True)

    def kind(self) -> str:
        """Name the page: by its trial, else by the address that its main form goes to, else by its heading."""
        if self.page.locator("form#trial").count():
            return "trial"
        action = self.page.evaluate("() => document.querySelector('main form')?.getAttribute('action') ?? ''")
        heading = self.page.locator("h1").first.inner_text().lower()
        last = [part for part in action.split("?")[0].split("/") if part][-1:]
        return (
            "-".join([*(part for part in last if len(part) < 16), *heading.split()[:3]])
            .replace("/", "")
            .replace("?", "")
        )

    def fill(self) -> None:
        """Go through a page with Tab, answer what it asks, and press its button."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(FOCUS)
            if at["go"] and at["tag"] in ("BUTTON", "A"):
                with self.page.expect_navigation():
                    self.page.keyboard.press("Enter")
                return
            self._answer(at)
        message = f"no button is reached by Tab on the page {self.kind()}"
        raise AssertionError(message)

    def _answer(self, at: dict) -> None:
        keyboard = self.page.keyboard
        if at["type"] == "radio" and (not at["answered"] or self.right):
            keyboard.press("Space")
            for _ in range(12):
                value = self.page.evaluate("() => document.activeElement.value")
                if not self.right or value in self.right:
                    break
                keyboard.press("ArrowDown")
        elif at["type"] == "checkbox" and not at["checked"]:
            keyboard.press("Space")
        elif at["tag"] == "SELECT":
            keyboard.press("ArrowDown")
        elif at["type"] == "number" and not at["value"]:
            keyboard.type("30")
        elif (at["tag"] == "TEXTAREA" or at["type"] in ("text", "email")) and not at["value"]:
            keyboard.type(WORDS)

    def judge(self) -> None:
        """Answer one trial by its shortcuts and send it."""
        before = self.page.locator("form#trial article").get_attribute("data-trial")
        kinds = [row["kind"] for row in self.page.evaluate(ROWS)]
        for kind in kinds:
            self._answer_row(kind)
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(
            "(before) => document.querySelector('form#trial article')?.dataset.trial !== before", arg=before
        )
        self.page.wait_for_load_state()

    def _answer_row(self, kind: str) -> None:
        if kind == "ranking":
            for letter in "abcdefghijklmnopqrst"[: self.page.locator(".texts .side").count()]:
                self.page.keyboard.press(letter)
            self.page.keyboard.press("Enter")
        else:
            self.page.keyboard.press("7" if kind == "slider" else "2")
            if kind == "slider" and not self.page.evaluate(ROWS)[-1]["current"]:
                self.page.keyboard.press("Enter")  # the answer may still be changed, so Enter goes to the next row
