"""Design: wishes, what they come to, clashes with a way out, and dimensions by the registry."""

import pytest

from annotations.domain import planning
from annotations.models import Dimension, Study
from tests.annotations.factories import StudyFactory

from .conftest import address, said


def form_of(response, **changes):
    """The fields of the design form as the page shows them, with changes."""
    form = response.context["form"]
    fields = {name: form[name].value() for name in form.fields}
    data = {name: value for name, value in fields.items() if value is not None and value is not False}
    return {**data, "stamp": response.context["stamp"], **changes}


def rows_of(response, **changes):
    """The fields of the dimensions as the page shows them, with changes by (row, field)."""
    rows, data = response.context["rows"], {"stamp": response.context["stamp"]}
    for field in rows.management_form:
        data[field.html_name] = field.value()
    for form in rows.forms:
        for name in form.fields:
            value = form[name].value()
            if value is not None and value is not False:
                data[form[name].html_name] = value
    return data | changes


def test_saved_design_says_how_many_raters_it_needs(desk, draft):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_save"), form_of(page, raters_per_task="4"), follow=True)

    draft.refresh_from_db()
    assert draft.design["raters_per_task"] == 4
    assert said(response) == ["Saved: 24 raters are needed."]  # 6 prompts x 3 pairs x 4 / 3 trials each
    assert response.context["sketch"].certificate["summary"]["booklets"] == 24


def test_design_form_saves_every_field(desk, draft):
    page = desk.get(address(draft, "design"))
    wanted = {
        "comparisons": "listed",
        "listed": ["baseline × reference"],
        "sample_pairing": "all",
        "raters_per_task": 3,
        "trials_per_rater": 6,
        "dimension_order": "shuffled",
        "attention_trials": 1,
        "degraded_trials": 1,
        "repeat_trials": 1,
        "range_low": 20,
        "range_high": 90,
        "repeat_gap": 2,
        "seed": 11,
        "complete": "on",
        "hourly_rate": "15.50",
        "platform_fee": "0.333",
        "currency": "EUR",
        "lease_minutes": 45,
    }

    desk.post(address(draft, "design_save"), form_of(page, **wanted))

    draft.refresh_from_db()
    assert draft.design == {
        "comparisons": "listed",
        "baseline": "",
        "listed": [["baseline", "reference"]],
        "outputs_per_task": 2,
        "groups_per_output": 0,
        "sample_pairing": "all",
        "raters_per_task": 3,
        "trials_per_rater": 6,
        "prompts_once": True,
        "dimension_order": "shuffled",
        "attention_trials": 1,
        "degraded_trials": 1,
        "repeat_trials": 1,
        "check_range": [0.2, 0.9],
        "repeat_gap": 2,
        "complete": True,
        "seed": 11,
    }
    assert (str(draft.hourly_rate), str(draft.platform_fee), draft.currency, draft.lease_minutes) == (
        "15.50",
        "0.333",
        "EUR",
        45,
    )


def test_page_answers_raters_cost_and_certificate(desk, draft):
    html = desk.get(address(draft, "design")).content.decode()

    made = planning.draft(study=draft)
    assert f'data-testid="raters-needed">{len(made.plan.booklets)}<' in html
    assert f"all {len(made.certificate.guarantees)} guarantees hold" in html
    for guarantee in made.certificate.guarantees:
        assert guarantee.statement.split("'")[0] in html.replace("&lt;", "<").replace("&gt;", ">")


def test_matrix_counts_the_pairs_of_texts(desk, draft):
    response = desk.get(address(draft, "design"))

    assert set(response.context["sketch"].meetings.values()) == {6}
    assert len(response.context["sketch"].meetings) == 3


def test_infeasible_design_is_saved_and_says_what_clashes(desk, draft):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_save"), form_of(page, trials_per_rater="20"), follow=True)

    html = response.content.decode()
    assert said(response) == ["Saved, but this design cannot be made yet. The reasons stand beside the form."]
    assert "Trials per rater 20 &gt; 6 prompts" in html
    assert response.context["here"].state == "todo"
    assert "use at most 6" in html


def test_suggestion_is_followed_with_one_click(desk, draft):
    draft.design |= {"trials_per_rater": 20}
    draft.save()
    page = desk.get(address(draft, "design"))
    offer = next(offer for clash in page.context["clashes"] for offer in clash["offers"] if offer["can"])
    data = {"field": offer["field"], "value": offer["value"], "stamp": page.context["stamp"]}

    response = desk.post(address(draft, "design_follow"), data, follow=True)

    draft.refresh_from_db()
    assert draft.design["trials_per_rater"] == 6
    assert said(response) == ["Changed as suggested: use at most 6."]
    assert response.context["here"].state == "done"


def test_suggestion_that_was_never_made_changes_nothing(desk, draft):
    before = draft.design
    data = {"field": "seed", "value": "99"}

    response = desk.post(address(draft, "design_follow"), data, follow=True)

    draft.refresh_from_db()
    assert draft.design == before
    assert said(response) == ["This suggestion does not stand any more; nothing was changed."]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("raters_per_task", "0"),
        ("raters_per_task", "many"),
        ("trials_per_rater", ""),
        ("comparisons", "best"),
        ("currency", "euro"),
        ("range_high", "5"),
        ("lease_minutes", "1"),
        ("baseline", "nobody"),
    ],
)
def test_wrong_value_is_said_at_its_field_and_nothing_is_saved(desk, draft, field, value):
    before = Study.objects.values().get(pk=draft.pk)
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_save"), form_of(page, **{field: value}))

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert Study.objects.values().get(pk=draft.pk) == before


def test_stale_design_is_refused(desk, draft):
    stale = desk.get(address(draft, "design"))
    desk.post(address(draft, "design_save"), form_of(stale, seed="21"))

    response = desk.post(address(draft, "design_save"), form_of(stale, seed="22"), follow=True)

    draft.refresh_from_db()
    assert draft.design["seed"] == 21
    assert "changed in another window" in said(response)[-1]


def test_frozen_design_is_shown_and_refused(desk, draft):
    page = desk.get(address(draft, "design"))
    planning.freeze_study(study=draft)

    response = desk.post(address(draft, "design_save"), form_of(page, seed="22"), follow=True)

    draft.refresh_from_db()
    assert draft.design["seed"] == 7
    assert said(response) == ["The design is frozen, so this cannot be changed any more."]
    assert "This is frozen" in response.content.decode()
    assert all(field.field.disabled for field in response.context["form"])


def test_unreadable_design_shows_the_problem_and_the_defaults(desk, draft):
    Study.objects.filter(pk=draft.pk).update(design={"raters_per_task": "many"})

    response = desk.get(address(draft, "design"))

    assert "raters_per_task must be a whole number" in response.content.decode()
    assert response.context["form"]["raters_per_task"].value() == 3


def test_design_without_material_says_so(desk):
    study = StudyFactory(prompts=0, systems=())

    response = desk.get(address(study, "design"))

    assert "There are no outputs yet" in response.content.decode()
    assert response.context["here"].state == "blocked"


def test_dimension_is_changed_added_and_removed_at_once(desk, draft):
    page = desk.get(address(draft, "design"))
    changes = {
        "dimensions-0-question_type": "forced_choice",
        "dimensions-0-forced_choice__tie": "on",
        "dimensions-1-DELETE": "on",
        "dimensions-2-order": "1",
        "dimensions-3-order": "4",
        "dimensions-3-label": "useful",
        "dimensions-3-key": "usefulness",
        "dimensions-3-definition": "One could do something with it.",
        "dimensions-3-question_type": "graded_preference",
        "dimensions-3-graded_preference__levels": "7",
        "dimensions-3-graded_preference__midpoint": "",
    }

    response = desk.post(address(draft, "design_dimensions"), rows_of(page, **changes), follow=True)

    assert said(response) == ["The dimensions are saved."]
    assert list(draft.dimensions.values_list("key", "question_type", "options")) == [
        ("originality", "forced_choice", {"tie": True}),
        ("creativity", "graded_preference", {"levels": 5, "midpoint": True}),
        ("usefulness", "graded_preference", {"levels": 7, "midpoint": False}),
    ]


def test_options_are_those_of_the_registry(desk, draft):
    form = desk.get(address(draft, "design")).context["rows"].forms[0]

    assert dict(form.fields["graded_preference__levels"].choices) == {5: "5", 7: "7"}
    assert "forced_choice__tie" in form.fields


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"dimensions-0-key": "two words"}, "key"),
        ({"dimensions-0-label": ""}, "label"),
        ({"dimensions-0-question_type": "telepathy"}, "question_type"),
        ({"dimensions-0-graded_preference__levels": "6"}, "graded_preference__levels"),
    ],
)
def test_wrong_dimension_is_said_at_its_field_and_nothing_is_saved(desk, draft, change, where):
    before = list(Dimension.objects.values())
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_dimensions"), rows_of(page, **change))

    assert response.status_code == 422
    assert where in response.context["rows"].forms[0].errors
    assert list(Dimension.objects.values()) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dimensions-0-key": "surprise"}, "Two dimensions have the same key."),
        ({f"dimensions-{row}-DELETE": "on" for row in range(3)}, "A study needs at least one dimension."),
    ],
)
def test_impossible_set_of_dimensions_is_refused_in_words(desk, draft, change, words):
    before = list(Dimension.objects.values())
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_dimensions"), rows_of(page, **change), follow=True)

    assert said(response) == [words]
    assert list(Dimension.objects.values()) == before


def test_stale_dimensions_are_refused(desk, draft):
    stale = desk.get(address(draft, "design"))
    desk.post(address(draft, "design_dimensions"), rows_of(stale, **{"dimensions-0-label": "novel"}))

    response = desk.post(
        address(draft, "design_dimensions"), rows_of(stale, **{"dimensions-0-label": "unusual"}), follow=True
    )

    assert draft.dimensions.first().label == "novel"
    assert "changed in another window" in said(response)[-1]


def test_forged_form_without_management_fields_is_harmless(desk, draft):
    before = list(Dimension.objects.values())

    response = desk.post(address(draft, "design_dimensions"), {"dimensions-0-key": "x"})

    assert response.status_code == 422
    assert list(Dimension.objects.values()) == before


def test_more_broken_texts_than_attention_trials_are_refused_at_their_field(desk, draft):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_save"), form_of(page, attention_trials="1", degraded_trials="2"))

    assert response.status_code == 422
    assert response.context["form"].errors["degraded_trials"] == ["There are only 1 attention trials."]


def test_single_texts_show_each_system_and_say_that_power_is_for_pairs(desk, draft):
    draft.dimensions.update(question_type="slider", options={})
    page = desk.get(address(draft, "design"))

    response = desk.post(
        address(draft, "design_save"), form_of(page, comparisons="single", raters_per_task="3"), follow=True
    )

    html = response.content.decode()
    draft.refresh_from_db()
    assert draft.design["outputs_per_task"] == 1
    assert "each text is judged alone by" in html
    assert [one["systems"] for one in response.context["sketch"].certificate["summary"]["exposures"]] == [
        ["baseline"],
        ["reference"],
        ["steered"],
    ]
    assert "Power is worked out here for pairs only." in html
    assert "No text comes right after the same other text more than once" in html


def test_groups_count_how_often_two_systems_stand_together(desk, draft):
    draft.dimensions.update(question_type="ranking", options={})
    page = desk.get(address(draft, "design"))

    response = desk.post(
        address(draft, "design_save"), form_of(page, comparisons="groups", outputs_per_task="3"), follow=True
    )

    assert set(response.context["sketch"].meetings.values()) == {6}
    assert "<dt>Groups of texts</dt>" in response.content.decode()
    assert response.context["here"].state == "done"


def test_question_that_does_not_fit_the_design_is_named(desk, draft):
    page = desk.get(address(draft, "design"))

    response = desk.post(address(draft, "design_save"), form_of(page, comparisons="single"), follow=True)

    html = response.content.decode().replace("&#x27;", "'")
    assert "'originality' (Graded preference (A much more … B much more)) needs 2 texts at a time" in html
    assert response.context["here"].state == "todo"
