"""Rows of the path's form: fields, quiz questions and practice trials, each to and from the JSON of ``Study.path``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from annotations.domain.path import FIELD_TYPES
from annotations.registry import LETTERS

CHOOSING = ("choice", "multiple")
RANGE = re.compile(r"\s*(-?\d+(?:\.\d+)?)?\s*(?:\.\.|–|to)\s*(-?\d+(?:\.\d+)?)?\s*")
BETWEEN = "---"


def _number(text: str | None) -> float | int | None:
    if not text:
        return None
    value = float(text)
    return int(value) if value == int(value) else value


def read_range(text: str) -> dict[str, float | int]:
    """Return {min, max} of "18..99", "18.." or "..99"; raises ValueError."""
    found = RANGE.fullmatch(text)
    if found is None or not any(found.groups()):
        message = f"{text!r} is no range: write 18.., ..99 or 18..99."
        raise ValueError(message)
    ends = {"min": _number(found[1]), "max": _number(found[2])}
    return {name: value for name, value in ends.items() if value is not None}


def show_range(span: Mapping[str, Any]) -> str:
    """Write a range as one reads it."""
    return f"{span.get('min', '')}..{span.get('max', '')}"


def _key_of(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:40]


def read_options(text: str) -> list[dict[str, str]]:
    """Return options of lines "value | label", or of a label alone.

    The value is then made from its Latin letters; where it has none, or others have the same, from its number.
    """
    found: list[dict[str, str]] = []
    for number, line in enumerate(filter(str.strip, text.splitlines()), start=1):
        value, bar, label = line.strip().lstrip("*").partition("|")
        made = _key_of(value)
        if not made or made in {option["value"] for option in found}:
            made = f"answer_{number}"
        found.append({"value": value.strip() if bar else made, "label": (label if bar else value).strip()})
    return found


def show_options(options: Iterable[Mapping[str, str]], *, marked: Iterable[str] = ()) -> str:
    """Write options a line each; marked ones begin with a star."""
    stars = set(marked)
    return "\n".join(
        f"{'* ' if option['value'] in stars else ''}{option['value']} | {option['label']}" for option in options
    )


def show_wanted(answer: str | Mapping[str, str]) -> str:
    """Write a wanted answer as `PracticeRow` reads it: parts by letter, or best and worst."""
    if isinstance(answer, str):
        return answer
    if set(answer) == {"best", "worst"}:
        return " ".join(LETTERS[int(answer[part]) - 1] for part in ("best", "worst"))
    if set(answer) <= {str(place) for place in range(1, len(LETTERS) + 1)}:
        return " ".join(f"{LETTERS[int(place) - 1]}={value}" for place, value in answer.items())
    return answer.get("", "")


class Row(forms.Form):
    """What all rows have: a place."""

    order = forms.IntegerField(label="Place", min_value=1, max_value=99)

    def __init__(self, *args: Any, may_change: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        for field in self.fields.values():
            field.disabled = not may_change


class FieldRow(Row):
    """One field of the eligibility screen or the questionnaire."""

    title = "field"
    label = forms.CharField(label="Question", max_length=400)
    key = forms.RegexField(r"^[a-z][a-z0-9_]{0,39}$", label="Name in exports", help_text="Small letters, digits, _.")
    type = forms.ChoiceField(label="Answer", choices=list(FIELD_TYPES.items()), initial="choice")
    options = forms.CharField(
        label="Answers to choose from",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line, as “value | words”, or the words alone.",
    )
    help = forms.CharField(label="Help below the question", required=False, max_length=400)
    range = forms.CharField(label="Range", required=False, help_text="Of a number or a scale, e.g. 1..7.")
    low = forms.CharField(label="Word at the low end", required=False, max_length=80)
    high = forms.CharField(label="Word at the high end", required=False, max_length=80)
    required = forms.BooleanField(label="Must be answered", required=False, initial=True)
    may_skip = forms.BooleanField(label="Offers “I prefer not to say”", required=False)
    long = forms.BooleanField(label="A text of several lines", required=False)

    def clean_range(self) -> dict[str, Any]:
        """Read the range."""
        text = self.cleaned_data["range"]
        try:
            return read_range(text) if text.strip() else {}
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def entry(self) -> dict[str, Any]:
        """Return the field as the path holds it."""
        given = self.cleaned_data
        found: dict[str, Any] = {"key": given["key"], "type": given["type"], "label": given["label"]}
        found |= {name: given[name] for name in ("help", "low", "high") if given[name]}
        found |= {"required": given["required"], "may_skip": given["may_skip"]} | given["range"]
        if given["type"] in CHOOSING:
            found["options"] = read_options(given["options"])
        if given["long"]:
            found["long"] = True
        return found

    @staticmethod
    def initial_of(entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of a field."""
        span = {name: entry[name] for name in ("min", "max") if entry.get(name) is not None}
        return {
            **{name: entry.get(name, "") for name in ("key", "type", "label", "help", "low", "high")},
            "required": entry.get("required", True),
            "may_skip": entry.get("may_skip", False),
            "long": entry.get("long", False),
            "range": show_range(span) if span else "",
            "options": show_options(entry.get("options", [])),
        }


class ScreenRow(FieldRow):
    """A field that may screen people out."""

    eligible = forms.CharField(
        label="Who may take part",
        required=False,
        help_text="Values with commas between them, or a range such as 18..; empty lets everybody on.",
    )

    def entry(self) -> dict[str, Any]:
        """Return the field with who is eligible."""
        found, text = super().entry(), self.cleaned_data["eligible"].strip()
        if text:
            listed = found["type"] in CHOOSING
            found["eligible"] = [part.strip() for part in text.split(",")] if listed else read_range(text)
        return found

    def clean(self) -> dict[str, Any]:
        """Say at the field when a range cannot be read."""
        given = super().clean() or {}
        text = given.get("eligible", "").strip()
        if text and given.get("type") not in CHOOSING:
            try:
                read_range(text)
            except ValueError as error:
                self.add_error("eligible", str(error))
        return given

    @staticmethod
    def initial_of(entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of a field."""
        eligible = entry.get("eligible", "")
        shown = show_range(eligible) if isinstance(eligible, Mapping) else ", ".join(eligible)
        return FieldRow.initial_of(entry) | {"eligible": shown}


class QuizRow(Row):
    """One question of the comprehension quiz."""

    title = "question"
    label = forms.CharField(label="Question", max_length=400)
    key = FieldRow.base_fields["key"]
    options = forms.CharField(
        label="Answers",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One a line; put a * before each that is right.",
    )
    explanation = forms.CharField(
        label="Explanation after a wrong answer", required=False, widget=forms.Textarea(attrs={"rows": 2})
    )

    def entry(self) -> dict[str, Any]:
        """Return the question as the path holds it."""
        given = self.cleaned_data
        lines = [line for line in given["options"].splitlines() if line.strip()]
        options = read_options(given["options"])
        correct = [o["value"] for o, line in zip(options, lines, strict=True) if line.strip().startswith("*")]
        return {
            "key": given["key"],
            "label": given["label"],
            "options": options,
            "correct": correct,
            "explanation": given["explanation"],
        }

    @staticmethod
    def initial_of(entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of a question."""
        return {
            "key": entry["key"],
            "label": entry["label"],
            "options": show_options(entry["options"], marked=entry["correct"]),
            "explanation": entry.get("explanation", ""),
        }


class PracticeRow(Row):
    """One practice trial."""

    title = "practice trial"
    prompt = forms.CharField(label="Prompt", widget=forms.Textarea(attrs={"rows": 2}))
    texts = forms.CharField(
        label="Texts",
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=f"As many as in a real trial, with a line {BETWEEN} between them.",
    )
    expected = forms.CharField(
        label="What fits",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=(
            "A line per dimension: “originality: 4, 5” (any of these, counted from the left; a, b or tie for a choice; "
            "yes or no), or “creativity: 60..100”. It is meant of every text; of each: “quality: A=4 B=2”. "
            "A ranking: “insight: C A B”, the best first. Best and worst: “insight: C A”."
        ),
    )
    feedback = forms.CharField(
        label="Feedback", required=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="Markdown."
    )

    def clean_expected(self) -> dict[str, Any]:
        """Read the lines."""
        found: dict[str, Any] = {}
        for line in filter(str.strip, self.cleaned_data["expected"].splitlines()):
            key, colon, wanted = line.partition(":")
            if not colon or not wanted.strip():
                message = f"“{line.strip()}” is no line such as “originality: 4, 5”."
                raise forms.ValidationError(message)
            found[key.strip()] = (
                read_range(wanted) if RANGE.fullmatch(wanted) else [part.strip() for part in wanted.split(",")]
            )
        return found

    def entry(self) -> dict[str, Any]:
        """Return the trial as the path holds it."""
        given = self.cleaned_data
        parts = re.split(rf"^\s*{BETWEEN}\s*$", given["texts"].replace("\r\n", "\n"), flags=re.MULTILINE)
        return {
            "prompt": given["prompt"],
            "texts": [part.strip() for part in parts if part.strip()],
            "expected": given["expected"],
            "feedback": given["feedback"].replace("\r\n", "\n"),
        }

    @staticmethod
    def initial_of(entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return the row of a trial."""
        lines = [
            f"{key}: {show_range(wanted) if isinstance(wanted, Mapping) else ', '.join(map(show_wanted, wanted))}"
            for key, wanted in entry.get("expected", {}).items()
        ]
        return {
            "prompt": entry["prompt"],
            "texts": f"\n{BETWEEN}\n".join(entry["texts"]),
            "expected": "\n".join(lines),
            "feedback": entry.get("feedback", ""),
        }


class _Rows(forms.BaseFormSet):
    deletion_widget = forms.CheckboxInput

    def entries(self) -> list[dict[str, Any]]:
        """Return what the rows hold, in the order of their places; those ticked "remove" are left out."""
        kept = [form for form in self.forms if form.cleaned_data and (form.initial or form.has_changed())]
        kept = [form for form in kept if not form.cleaned_data.get("DELETE")]
        return [form.entry() for form in sorted(kept, key=lambda form: form.cleaned_data["order"])]


def rows_of(row: type[Any], name: str, entries: Iterable[Mapping[str, Any]], data: Any, *, may_change: bool) -> Any:
    """Return the formset of a block, with one empty row to add another."""
    made: Any = forms.formset_factory(row, formset=_Rows, extra=int(may_change), can_delete=may_change)
    initial = [{"order": place, **row.initial_of(entry)} for place, entry in enumerate(entries, start=1)]
    return made(data, initial=initial, prefix=name, form_kwargs={"may_change": may_change})
