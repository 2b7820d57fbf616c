"""The form of the path: a block per step, to and from the JSON of ``Study.path``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from annotations.domain.previewing import ENDINGS

from .steps_rows import FieldRow, PracticeRow, QuizRow, ScreenRow, rows_of

ROWS: tuple[tuple[str, str, type[Any]], ...] = (
    ("eligibility", "fields", ScreenRow),
    ("questionnaire", "fields", FieldRow),
    ("quiz", "questions", QuizRow),
    ("practice", "trials", PracticeRow),
)
ALWAYS_ON = ("consent", "instructions")
SHOWS = (
    ("code", "The completion code, and the button back where there is an address"),
    ("redirect", "The button back alone; the code travels in the address"),
    ("thanks", "Thanks, without a code"),
)
WITHDRAWALS = (
    ("erase", "Erase everything that the person gave"),
    ("anonymise", "Cut the answers from the person and keep them"),
)


def _markdown(label: str, *, rows: int = 3, help_text: str = "") -> forms.CharField:
    widget = forms.Textarea(attrs={"rows": rows, "data-markdown": ""})
    return forms.CharField(label=label, required=False, strip=False, widget=widget, help_text=help_text)


class StepsForm(forms.Form):
    """Everything but the rows."""

    eligibility_on = forms.BooleanField(label="Ask before consent who may take part", required=False)
    eligibility_text = _markdown("Words above the questions")
    consent_on = forms.BooleanField(label="Ask for consent", required=False)
    consent_boxes = forms.CharField(
        label="Boxes that must be ticked",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One a line, e.g. “I am 18 or older.”",
    )
    consent_pdf = forms.ChoiceField(label="The consent as a PDF", required=False)
    consent_withdrawal = forms.ChoiceField(
        label="When somebody withdraws", choices=WITHDRAWALS, help_text="Say in the consent what will happen."
    )
    questionnaire_on = forms.BooleanField(label="Ask about the person", required=False)
    questionnaire_text = _markdown("Words above the questions")
    instructions_on = forms.BooleanField(label="Show the instructions", required=False)
    quiz_on = forms.BooleanField(label="Ask whether the instructions were understood", required=False)
    quiz_text = _markdown("Words above the questions")
    quiz_attempts = forms.IntegerField(label="Attempts", min_value=1, max_value=10)
    practice_on = forms.BooleanField(label="Begin with practice trials", required=False)
    breaks_every = forms.IntegerField(
        label="A break after every … trials", min_value=0, max_value=1000, help_text="0: no breaks."
    )
    breaks_text = _markdown("Words in the break")
    comments_on = forms.BooleanField(label="Ask for comments at the end", required=False)
    comments_text = _markdown("Words above the box")
    debriefing_on = forms.BooleanField(label="Say at the end what it was about", required=False)
    debriefing_text = _markdown("What it was about", rows=6)
    debriefing_systems = forms.BooleanField(label="Name the systems (here, and nowhere else)", required=False)
    debriefing_agreement = forms.BooleanField(label="Say how often the person agreed with most others", required=False)
    ending_show = forms.ChoiceField(label="The last page shows", choices=SHOWS)

    def __init__(self, data: Any = None, *, path: Mapping[str, Any], may_change: bool) -> None:
        super().__init__(data, initial=_initial(path))
        self._files = list(path.get("files", []))
        pdfs = [(item["name"], item["title"]) for item in self._files if item["name"].endswith(".pdf")]
        pdf: Any = self.fields["consent_pdf"]
        pdf.choices = [("", "None"), *pdfs]
        for outcome, label in ENDINGS:
            self.fields[f"code_{outcome}"] = forms.CharField(
                label=f"Code: {label.lower()}", required=False, max_length=80
            )
            self.fields[f"words_{outcome}"] = _markdown(f"Words: {label.lower()}", rows=2)
        for field in self.fields.values():
            field.disabled = not may_change
        self.rows = {
            name: rows_of(row, name, path.get(name, {}).get(key, []), data, may_change=may_change)
            for name, key, row in ROWS
        }

    def is_valid(self) -> bool:
        """Check the rows too."""
        return all([super().is_valid(), *(rows.is_valid() for rows in self.rows.values())])

    def endings(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Return label, code and words of every ending."""
        return [(label, self[f"code_{name}"], self[f"words_{name}"]) for name, label in ENDINGS]

    def path(self) -> dict[str, Any]:
        """Return the path as it is stored: what is as usual is left out."""
        given = {
            name: value.replace("\r\n", "\n") if isinstance(value, str) else value
            for name, value in self.cleaned_data.items()
        }
        found: dict[str, Any] = {
            "eligibility": {"text": given["eligibility_text"]},
            "consent": {
                "boxes": [line.strip() for line in given["consent_boxes"].splitlines() if line.strip()],
                "pdf": given["consent_pdf"],
                "withdrawal": "" if given["consent_withdrawal"] == "erase" else given["consent_withdrawal"],
            },
            "questionnaire": {"text": given["questionnaire_text"]},
            "instructions": {},
            "quiz": {"text": given["quiz_text"], "attempts": given["quiz_attempts"]},
            "practice": {},
            "comments": {"text": given["comments_text"]},
            "debriefing": {
                "text": given["debriefing_text"],
                "systems": given["debriefing_systems"],
                "agreement": given["debriefing_agreement"],
            },
        }
        for name, key, _ in ROWS:
            found[name][key] = self.rows[name].entries()
        found = {name: _block(name, block, on=bool(given[f"{name}_on"])) for name, block in found.items()}
        found["breaks"] = _full({"every": given["breaks_every"], "text": given["breaks_text"]})
        found["ending"] = _full(
            {
                "show": "" if given["ending_show"] == "code" else given["ending_show"],
                "codes": _full({name: given[f"code_{name}"].strip() for name, _ in ENDINGS}),
                "texts": _full({name: given[f"words_{name}"] for name, _ in ENDINGS}),
            }
        )
        return {name: block for name, block in found.items() if block} | ({"files": self._files} if self._files else {})


def _full(block: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in block.items() if value not in ("", [], {}, False, 0, None)}


def _block(name: str, block: Mapping[str, Any], *, on: bool) -> dict[str, Any]:
    """Leave out what is as usual: consent and instructions are on, everything else is off."""
    kept = _full(block)
    if name == "quiz" and set(kept) == {"attempts"} and not on:
        return {}
    if on == (name in ALWAYS_ON) and not kept:
        return {}
    return {"on": on, **kept}


def _initial(path: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "quiz_attempts": 2,
        "breaks_every": 0,
        "ending_show": "code",
        "consent_withdrawal": "erase",
    }
    for name in (
        "eligibility",
        "consent",
        "questionnaire",
        "instructions",
        "quiz",
        "practice",
        "comments",
        "debriefing",
    ):
        found[f"{name}_on"] = path[name].get("on", True) if name in path else name in ALWAYS_ON
    for name, keys in {
        "eligibility": ("text",),
        "questionnaire": ("text",),
        "quiz": ("text", "attempts"),
        "breaks": ("every", "text"),
        "comments": ("text",),
        "debriefing": ("text", "systems", "agreement"),
        "consent": ("pdf", "withdrawal"),
        "ending": ("show",),
    }.items():
        found |= {f"{name}_{key}": path.get(name, {})[key] for key in keys if key in path.get(name, {})}
    found["consent_boxes"] = "\n".join(path.get("consent", {}).get("boxes", []))
    ending = path.get("ending", {})
    for outcome, _ in ENDINGS:
        found[f"code_{outcome}"] = ending.get("codes", {}).get(outcome, "")
        found[f"words_{outcome}"] = ending.get("texts", {}).get(outcome, "")
    return found
