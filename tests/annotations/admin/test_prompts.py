"""The page of prompts: sets, a file of one's own, what is there, and out again."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from annotations.admin.stations import prompts as station
from annotations.domain import prompts
from annotations.models import Output
from annotations.registry import prompt_sets
from tests.annotations.factories import PromptFactory, StudyFactory

from .conftest import address, said

USES = prompt_sets.get("alternative_uses")


@pytest.fixture
def empty(db):
    return StudyFactory(prompts=0, systems=())


def test_empty_study_is_offered_every_set_with_first_prompts_and_source(desk, empty):
    html = desk.get(address(empty, "prompts")).content.decode()

    for one in prompt_sets:
        assert one.label in html
        assert one.prompts[0].text[:40] in html.replace("&#x27;", "'")
    assert "Guilford" in html
    assert "Add all 40" in html


def test_set_is_added_whole_and_the_way_on_is_shown(desk, empty):
    response = desk.post(address(empty, "prompts_add"), {"set": "alternative_uses"}, follow=True)

    html = response.content.decode()
    assert said(response) == ["40 prompts added."]
    assert (response.context["total"], response.context["waiting"]) == (40, 40)
    assert "All are here" in html
    assert address(empty, "material") in html
    assert [words for _, words in response.context["ways"]][-1] == "Upload outputs"


def test_chosen_prompts_of_a_set_are_added_and_the_rest_is_still_offered(desk, empty):
    keys = [one.key for one in USES.prompts[:2]]

    response = desk.post(
        address(empty, "prompts_add"), {"set": "alternative_uses", "some": "1", "key": keys}, follow=True
    )

    assert said(response) == ["2 prompts added."]
    assert "Add the other 38" in response.content.decode()


def test_nothing_chosen_and_unknown_sets_are_said(desk, empty):
    none = desk.post(address(empty, "prompts_add"), {"set": "alternative_uses", "some": "1"}, follow=True)
    unknown = desk.post(address(empty, "prompts_add"), {"set": "<b>"}, follow=True)

    assert said(none) == ["Choose at least one prompt."]
    assert said(unknown) == ["There is no prompt set '<b>'."]
    assert not empty.prompts.exists()


def test_own_file_is_added(desk, empty):
    file = SimpleUploadedFile("mine.txt", b"A brick\nA hat\n")

    response = desk.post(address(empty, "prompts_upload"), {"file": file, "task_family": "things"}, follow=True)

    assert said(response) == ["mine.txt: 2 prompts added."]
    assert set(empty.prompts.values_list("task_family", flat=True)) == {"things"}


def test_bad_file_is_refused_whole_with_its_problems_listed(desk, empty):
    file = SimpleUploadedFile("mine.csv", b"prompt,prompt_key\nA brick,a/b\n,c\n")

    response = desk.post(address(empty, "prompts_upload"), {"file": file})

    html = response.content.decode()
    assert response.status_code == 422
    assert said(response) == ["mine.csv was refused and nothing was added. What is wrong is listed below."]
    assert [(one["row"], one["column"]) for one in response.context["refused"]["problems"]] == [
        (1, "prompt_key"),
        (2, "prompt"),
    ]
    assert "must not hold &#x27;/&#x27;" in html
    assert not empty.prompts.exists()


@pytest.mark.parametrize("name", ["mine.docx", ""])
def test_file_of_another_kind_is_refused_at_the_field(desk, empty, name):
    data = {"file": SimpleUploadedFile(name, b"A brick")} if name else {}

    response = desk.post(address(empty, "prompts_upload"), data)

    assert response.status_code == 422
    assert response.context["form"].errors["file"]


def test_prompts_are_shown_as_text_with_their_number_of_outputs(desk):
    study = StudyFactory(prompts=2)
    PromptFactory(study=study, key="<i>", text="<script>alert(1)</script>", declared=True)

    response = desk.get(address(study, "prompts"))

    html = response.content.decode()
    assert "<script>alert(1)" not in html
    assert [one.count for one in response.context["page"]] == [3, 3, 0]
    assert response.context["waiting"] == 1


def test_chosen_prompts_are_removed_and_outputs_only_when_asked(desk):
    study = StudyFactory(prompts=3)
    first = study.prompts.first()

    refused = desk.post(address(study, "prompts_remove"), {"prompt": [first.pk]}, follow=True)
    removed = desk.post(address(study, "prompts_remove"), {"prompt": [first.pk], "with_outputs": "on"}, follow=True)

    assert said(refused) == ["Nothing was removed: 1 prompt of these would take their outputs along."]
    assert said(removed) == ["1 prompt removed."]
    assert Output.objects.count() == 6


def test_all_prompts_without_outputs_are_removed_at_once(desk):
    study = StudyFactory(prompts=2)
    prompts.add_prompt_set(study=study, name="story_premises")

    response = desk.post(address(study, "prompts_remove"), {"waiting": "1"}, follow=True)

    assert said(response) == ["24 prompts removed."]
    assert study.prompts.count() == 2


def test_many_prompts_are_paged(desk, empty, monkeypatch):
    monkeypatch.setattr(station, "PAGE", 30)
    prompts.add_prompt_set(study=empty, name="alternative_uses")

    second = desk.get(address(empty, "prompts"), {"page": "2"})

    assert len(second.context["page"]) == 10
    assert "page 2 of 2" in second.content.decode()


def test_page_costs_the_same_queries_for_any_number_of_prompts(desk, empty, django_assert_max_num_queries):
    prompts.add_prompt_set(study=empty, name="divergent_association")
    with django_assert_max_num_queries(60) as few:
        desk.get(address(empty, "prompts"))
    prompts.add_prompt_set(study=empty, name="alternative_uses")

    with django_assert_max_num_queries(len(few.captured_queries)):
        desk.get(address(empty, "prompts"))


def test_frozen_study_shows_its_prompts_and_takes_none(desk):
    study = StudyFactory(frozen=True)

    page = desk.get(address(study, "prompts"))
    refused = desk.post(address(study, "prompts_add"), {"set": "story_premises"}, follow=True)

    assert "Add all" not in page.content.decode()
    assert said(refused) == ["The design is frozen, so the prompts cannot be changed any more."]


def test_panel_has_no_prompts_of_its_own(desk):
    study = StudyFactory(template="expert_panel", prompts=0, systems=())

    response = desk.get(address(study, "prompts"))

    assert response.status_code == 302
    assert response.url == address(study, "panel")


def test_fetch_page_offers_the_logs_of_evaluation_tools(desk, empty):
    response = desk.get(address(empty, "fetch"), {"source": "evaluation_logs"})

    html = response.content.decode()
    assert "lm-evaluation-harness samples" in html
    assert "Leave out samples without an answer, and list them" in html
