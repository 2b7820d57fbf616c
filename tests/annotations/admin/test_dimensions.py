"""The researcher's form of the dimensions: every type with its options, what fits the design, a look before saving."""

import re

import pytest

from annotations.models import Dimension
from annotations.registry import question_types
from tests.annotations.factories import StudyFactory

from .conftest import address
from .test_design import rows_of

WANTED = {
    "forced_choice": {"tie": True},
    "graded_preference": {"levels": 7, "midpoint": False},
    "choice_with_reasons": {"tie": True, "reasons": ["a", "b"], "at_least": 2, "note": True, "longest_note": 90},
    "likert": {"points": 3, "low": "", "high": "", "labels": ["poor", "fair", "good"]},
    "slider": {
        "low": -10,
        "high": 10,
        "step": 2,
        "low_label": "cold",
        "high_label": "hot",
        "start": "fixed",
        "start_at": 4,
        "show_number": False,
    },
    "yes_no": {"yes": "Passes", "no": "Fails", "show_definition": True},
    "ranking": {"ties": True},
    "best_worst": {"best": "Best", "worst": "Worst"},
    "free_text": {"least": 0, "most": 90, "lines": 2, "block_paste": True},
}


def draft_showing(outputs):
    scheme = {1: "single", 2: "all_pairs"}.get(outputs, "groups")
    study = StudyFactory(systems=("a", "b", "c", "d"), design={"comparisons": scheme, "outputs_per_task": outputs})
    study.dimensions.exclude(key="originality").delete()
    kind = next(kind for kind in question_types if kind.outputs[0] <= outputs <= kind.outputs[1])
    study.dimensions.update(question_type=kind.name, options=kind.clean_options({}))
    return study


def post_of(name, options):
    """The fields that a browser posts for the first row."""
    data = {"dimensions-0-question_type": name}
    for option, value in options.items():
        if value is not False:
            shown = "\n".join(value) if isinstance(value, list) else "on" if value is True else value
            data[f"dimensions-0-{name}__{option}"] = shown
    return data


def without_ticks(data, name):
    """Leave out what the page showed as ticked: a browser posts only what is ticked."""
    ticks = {
        f"dimensions-0-{name}__{option.name}" for option in question_types.get(name).takes if option.kind == "yes_no"
    }
    return {field: value for field, value in data.items() if field not in ticks}


@pytest.mark.parametrize("name", question_types.names())
def test_every_option_of_every_type_is_saved_by_the_form(desk, name):
    study = draft_showing(max(question_types.get(name).outputs[0], 1))
    page = desk.get(address(study, "design"))
    data = without_ticks(rows_of(page), name) | post_of(name, WANTED[name])

    response = desk.post(address(study, "design_dimensions"), data)

    assert response.status_code == 302
    assert list(study.dimensions.values_list("question_type", "options")) == [(name, WANTED[name])]
    shown = desk.get(address(study, "design")).context["rows"].forms[0]
    again = without_ticks({}, name) | {f.html_name: f.value() for f in shown if f.value() not in (None, False)}
    desk.post(address(study, "design_dimensions"), rows_of(desk.get(address(study, "design"))) | again)
    assert study.dimensions.get().options == WANTED[name]


def test_wanted_names_every_option_of_every_type():
    assert {name: set(options) for name, options in WANTED.items()} == {
        kind.name: {option.name for option in kind.takes} for kind in question_types
    }


@pytest.mark.parametrize(
    ("outputs", "name", "words"),
    [
        (2, "ranking", ""),
        (
            2,
            "best_worst",
            "“Best and worst (3 to 6 outputs)” needs 3 to 6 outputs, but the design shows 2 outputs together.",
        ),
        (1, "ranking", "needs 2 to 20 outputs, but the design shows one output at a time."),
        (1, "forced_choice", "needs 2 outputs, but the design shows one output at a time."),
        (4, "graded_preference", "needs 2 outputs, but the design shows 4 outputs together."),
    ],
)
def test_type_that_does_not_fit_the_design_is_refused_at_the_question(desk, outputs, name, words):
    study = draft_showing(outputs)
    before = list(Dimension.objects.values())
    page = desk.get(address(study, "design"))

    response = desk.post(address(study, "design_dimensions"), rows_of(page, **{"dimensions-0-question_type": name}))

    if not words:
        assert response.status_code == 302
        return
    assert response.status_code == 422
    assert words in response.context["rows"].forms[0].errors["question_type"][0]
    assert list(Dimension.objects.values()) == before


@pytest.mark.parametrize(
    ("name", "options", "where"),
    [
        ("likert", {"points": "12"}, "points"),
        ("likert", {"labels": "one\ntwo"}, "labels"),
        ("slider", {"low": "9", "high": "3"}, "high"),
        ("slider", {"start": "fixed", "start_at": "500"}, "start_at"),
        ("slider", {"start": "somewhere"}, "start"),
        ("free_text", {"least": "50", "most": "40"}, "least"),
        ("yes_no", {"yes": "x" * 25}, "yes"),
    ],
)
def test_wrong_option_is_said_at_its_own_field(desk, name, options, where):
    study = draft_showing(1)
    page = desk.get(address(study, "design"))
    fields = {f"dimensions-0-{name}__{option}": value for option, value in options.items()}

    response = desk.post(
        address(study, "design_dimensions"), rows_of(page, **{"dimensions-0-question_type": name}, **fields)
    )

    assert response.status_code == 422
    assert f"{name}__{where}" in response.context["rows"].forms[0].errors


def test_row_that_nobody_wrote_in_is_left_out_whatever_its_menus_hold(desk, draft):
    page = desk.get(address(draft, "design"))
    last = len(page.context["rows"].forms) - 1
    menus = {f"dimensions-{last}-question_type": "best_worst", f"dimensions-{last}-best_worst__best": ""}

    response = desk.post(address(draft, "design_dimensions"), rows_of(page, **menus))

    assert response.status_code == 302
    assert draft.dimensions.count() == 3


def test_types_may_be_mixed_in_one_study(desk, draft):
    page = desk.get(address(draft, "design"))
    kinds = ("slider", "graded_preference", "free_text")
    changes = {f"dimensions-{row}-question_type": kind for row, kind in enumerate(kinds)}

    response = desk.post(address(draft, "design_dimensions"), rows_of(page, **changes))

    assert response.status_code == 302
    assert tuple(draft.dimensions.values_list("question_type", flat=True)) == kinds


def test_rows_are_seen_as_raters_see_them_before_they_are_saved(desk, draft):
    before = list(Dimension.objects.values())
    page = desk.get(address(draft, "design"))
    changes = {"dimensions-0-question_type": "slider", "dimensions-0-slider__high_label": "Very much so"}

    response = desk.post(address(draft, "design_rows"), rows_of(page, **changes))

    html = response.content.decode()
    assert "annotations/trial.html" in [template.name for template in response.templates]
    assert re.findall(r'type="range"', html) == ['type="range"'] * 2
    assert "Very much so" in html
    assert "A use that nobody thought of before" in html
    assert "data-preview" in html
    assert list(Dimension.objects.values()) == before


def test_rows_with_faults_are_shown_with_their_faults(desk, draft):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_rows"), rows_of(page, **{"dimensions-0-label": ""}))

    assert response.status_code == 422
    assert "label" in response.context["rows"].forms[0].errors


def test_rows_can_be_seen_before_there_is_material(desk):
    study = StudyFactory(prompts=0, systems=())
    page = desk.get(address(study, "design"))

    html = desk.post(address(study, "design_rows"), rows_of(page)).content.decode()

    assert html.count("Here stands a text of your study") == 2
