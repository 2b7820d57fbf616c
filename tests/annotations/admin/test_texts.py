"""Texts and settings: all of a draft, of a frozen study only what raters do not read."""

import pytest

from annotations.domain import planning
from annotations.models import Event, Study

from .conftest import address, said


def form_of(response, **changes):
    form = response.context["form"]
    return {name: form[name].value() for name in form.fields} | {"stamp": response.context["stamp"]} | changes


def test_texts_of_a_draft_are_saved(desk, draft):
    page = desk.get(address(draft, "texts"))
    wanted = {"title": "Other words", "consent": "I *agree*.", "contact": "lab@example.org", "completion_code": "ABC"}

    response = desk.post(address(draft, "texts_save"), form_of(page, **wanted), follow=True)

    draft.refresh_from_db()
    assert {name: getattr(draft, name) for name in wanted} == wanted
    assert said(response) == ["Saved."]
    assert Event.objects.filter(study=draft, name="edited").get().data == {"fields": sorted(wanted)}


def test_saving_without_a_change_is_no_event(desk, draft):
    """Browsers send the line ends of a text area as CR LF."""
    page = desk.get(address(draft, "texts"))
    sent = {name: ("" if value is None else str(value)).replace("\n", "\r\n") for name, value in form_of(page).items()}

    response = desk.post(address(draft, "texts_save"), sent, follow=True)

    assert said(response) == ["Nothing was changed."]
    assert not Event.objects.filter(study=draft, name="edited").exists()


@pytest.mark.parametrize(
    ("field", "value"), [("title", ""), ("contact", "nobody"), ("currency", "euro"), ("lease_minutes", "1")]
)
def test_wrong_value_is_said_at_its_field_and_nothing_is_saved(desk, draft, field, value):
    page = desk.get(address(draft, "texts"))
    before = Study.objects.values().get(pk=draft.pk)

    response = desk.post(address(draft, "texts_save"), form_of(page, description="New", **{field: value}))

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert Study.objects.values().get(pk=draft.pk) == before


def test_stale_texts_are_refused(desk, draft):
    stale = desk.get(address(draft, "texts"))
    desk.post(address(draft, "texts_save"), form_of(stale, title="First"))

    response = desk.post(address(draft, "texts_save"), form_of(stale, title="Second"), follow=True)

    draft.refresh_from_db()
    assert draft.title == "First"
    assert "changed in another window" in said(response)[-1]


def test_frozen_texts_stay_and_settings_can_be_changed(desk, draft):
    planning.freeze_study(study=draft)
    page = desk.get(address(draft, "texts"))

    desk.post(address(draft, "texts_save"), form_of(page, title="Sneaked in", lease_minutes="90", completion_code="C"))

    before, draft = draft.title, Study.objects.get(pk=draft.pk)
    assert draft.title == before
    assert (draft.lease_minutes, draft.completion_code) == (90, "C")
    assert page.context["form"].fields["consent"].disabled


def test_texts_show_markup_as_text(desk, draft):
    draft.welcome = "</textarea><script>alert(1)</script>"
    draft.save()

    for page in ("texts", "preview"):
        assert "<script>alert(1)" not in desk.get(address(draft, page)).content.decode()
