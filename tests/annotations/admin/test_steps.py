"""The page of the path: a block per step is saved as JSON and comes back as it was; every page can be previewed."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from annotations.admin.stations.steps_rows import read_options
from annotations.domain import planning
from annotations.models import Event, Study
from tests.annotations.factories import StudyFactory
from tests.annotations.paths import FULL

from .conftest import address, said

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
PDF = b"%PDF-1.7\n" + b"0" * 40


def fields_of(response):
    """What a browser sends back of the page: the form and its rows, unchanged."""
    form, sent = response.context["form"], {"stamp": response.context["stamp"]}
    for one in [form, *(row for rows in form.rows.values() for row in (rows.management_form, *rows.forms))]:
        for name in one.fields:
            value = one[name].value()
            if value is True:
                sent[one.add_prefix(name)] = "on"
            elif value is not None and value is not False:
                sent[one.add_prefix(name)] = str(value)
    return sent


@pytest.fixture
def full_draft(db):
    return StudyFactory(path=FULL)


def test_path_comes_back_as_it_was(desk, full_draft):
    page = desk.get(address(full_draft, "steps"))
    sent = fields_of(page) | {"comments_text": "Tell us."}

    response = desk.post(address(full_draft, "steps_save"), sent, follow=True)

    full_draft.refresh_from_db()
    assert said(response) == ["The path is saved."]
    expected = {
        name: ({"on": True, **block} if name not in ("breaks", "ending") else block) for name, block in FULL.items()
    }
    expected["comments"] = {"on": True, "text": "Tell us."}
    for field in (*expected["eligibility"]["fields"], *expected["questionnaire"]["fields"]):
        field.setdefault("required", True)
        field.setdefault("may_skip", False)
    assert full_draft.path == expected
    assert Event.objects.filter(study=full_draft, name="path_edited").count() == 1


def test_path_is_made_from_nothing(desk, draft):
    sent = fields_of(desk.get(address(draft, "steps"))) | {
        "questionnaire_on": "on",
        "questionnaire-0-order": "1",
        "questionnaire-0-label": "Your job?",
        "questionnaire-0-key": "job",
        "questionnaire-0-type": "choice",
        "questionnaire-0-options": "write | I write\r\nOther things",
        "questionnaire-0-required": "",
        "questionnaire-0-may_skip": "on",
        "quiz_on": "on",
        "quiz-0-order": "1",
        "quiz-0-label": "What counts?",
        "quiz-0-key": "what",
        "quiz-0-options": "* The ideas\r\nThe spelling",
        "practice_on": "on",
        "practice-0-order": "1",
        "practice-0-prompt": "Uses for a brick",
        "practice-0-texts": "A doorstop.\r\n---\r\nPigment.",
        "practice-0-expected": "originality: 4, 5",
        "breaks_every": "10",
        "consent_boxes": "I am 18.\r\n",
        "consent_withdrawal": "anonymise",
        "code_declined": "NO",
    }

    response = desk.post(address(draft, "steps_save"), sent, follow=True)

    draft.refresh_from_db()
    assert said(response) == ["The path is saved."]
    assert draft.path == {
        "consent": {"on": True, "boxes": ["I am 18."], "withdrawal": "anonymise"},
        "questionnaire": {
            "on": True,
            "fields": [
                {
                    "key": "job",
                    "type": "choice",
                    "label": "Your job?",
                    "required": False,
                    "may_skip": True,
                    "options": [
                        {"value": "write", "label": "I write"},
                        {"value": "other_things", "label": "Other things"},
                    ],
                }
            ],
        },
        "quiz": {
            "on": True,
            "attempts": 2,
            "questions": [
                {
                    "key": "what",
                    "label": "What counts?",
                    "options": [
                        {"value": "the_ideas", "label": "The ideas"},
                        {"value": "the_spelling", "label": "The spelling"},
                    ],
                    "correct": ["the_ideas"],
                    "explanation": "",
                }
            ],
        },
        "practice": {
            "on": True,
            "trials": [
                {
                    "prompt": "Uses for a brick",
                    "texts": ["A doorstop.", "Pigment."],
                    "expected": {"originality": ["4", "5"]},
                    "feedback": "",
                }
            ],
        },
        "breaks": {"every": 10},
        "ending": {"codes": {"declined": "NO"}},
    }


def test_options_in_any_script_get_values_of_their_own():
    options = read_options("诗歌\n* 散文\nProse, 100 %\nprose 100\nx | Иное")

    assert [option["value"] for option in options] == ["answer_1", "answer_2", "prose_100", "answer_4", "x"]
    assert [option["label"] for option in options] == ["诗歌", "散文", "Prose, 100 %", "prose 100", "Иное"]


def test_saving_without_a_change_is_no_event(desk, draft):
    response = desk.post(address(draft, "steps_save"), fields_of(desk.get(address(draft, "steps"))), follow=True)

    draft.refresh_from_db()
    assert (said(response), draft.path) == (["Nothing was changed."], {})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"quiz_on": "on"}, "Path, quiz: is on but empty"),
        ({"breaks_every": "-1"}, "Please look at the fields that are marked."),
        ({"comments_text": "![a cat](https://example.org/cat.png)"}, "is not one that was uploaded here"),
        ({"comments_text": "![](/s/abc/file/abcdefghjkmnpqrs.png)"}, "needs a description"),
    ],
)
def test_what_makes_no_sense_is_said_and_stays_on_the_page(desk, draft, changed, words):
    sent = fields_of(desk.get(address(draft, "steps"))) | {"breaks_text": "Stretch!"} | changed

    response = desk.post(address(draft, "steps_save"), sent)

    draft.refresh_from_db()
    assert (response.status_code, draft.path) == (422, {})
    assert words in response.content.decode()
    assert "Stretch!" in response.content.decode()


def test_stale_page_is_refused(desk, draft):
    sent = fields_of(desk.get(address(draft, "steps")))
    desk.post(address(draft, "steps_save"), sent | {"breaks_every": "5"})

    response = desk.post(address(draft, "steps_save"), sent | {"breaks_every": "7"})

    draft.refresh_from_db()
    assert draft.path == {"breaks": {"every": 5}}
    assert "changed in another window" in response.content.decode()


def test_frozen_path_cannot_be_changed(desk, draft):
    sent = fields_of(desk.get(address(draft, "steps")))
    planning.freeze_study(study=draft)

    response = desk.post(address(draft, "steps_save"), sent | {"breaks_every": "5"})

    draft.refresh_from_db()
    assert draft.path == {}
    assert "frozen" in response.content.decode()


def test_every_page_can_be_previewed_and_sends_nothing(desk, full_draft):
    pages = desk.get(address(full_draft, "steps")).context["pages"]

    for name, _, url in pages:
        response = desk.get(url)
        html = response.content.decode()
        assert response.status_code == 200, name
        assert "Nothing is stored." in html, name
        assert 'action="/r/' not in html, name
    assert [name for name, _, _ in pages] == [
        "eligibility",
        "consent",
        "questionnaire",
        "instructions",
        "quiz",
        "practice",
        "feedback",
        "break",
        "comments",
        "debriefing",
        "finished",
        "declined",
        "screened_out",
        "failed_quiz",
        "full",
        "lapsed",
        "withdrawn",
    ]


def test_preview_of_a_step_that_is_off_is_not_there(desk, draft):
    assert desk.get(address(draft, "steps_preview", "quiz")).status_code == 404


def test_preview_speaks_a_language_of_the_study(desk, full_draft):
    full_draft.translations = {"ar": {"path.comments.text": "شكرا"}}
    full_draft.save()

    html = desk.get(address(full_draft, "steps_preview", "comments") + "?lang=ar").content.decode()

    assert '<html lang="ar" dir="rtl">' in html


def test_texts_in_another_language_are_saved(desk, full_draft):
    page = desk.get(address(full_draft, "steps_texts", "de"))
    sent = {"stamp": page.context["stamp"], "text-title": "Ideen", "text-path.questionnaire.gender.label": "Geschlecht"}

    response = desk.post(address(full_draft, "steps_translate", "de"), sent, follow=True)

    full_draft.refresh_from_db()
    assert said(response) == ["The texts in Deutsch are saved."]
    assert full_draft.translations == {"de": {"title": "Ideen", "path.questionnaire.gender.label": "Geschlecht"}}
    assert desk.get(address(full_draft, "steps_texts", "de")).context["done"] == 2


def test_texts_of_the_study_s_own_language_have_no_such_page(desk, draft):
    assert desk.get(address(draft, "steps_texts", "en")).status_code == 404


def test_picture_is_served_from_here_to_anybody_with_its_name(desk, draft, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    stamp = desk.get(address(draft, "steps")).context["stamp"]

    desk.post(
        address(draft, "steps_file"),
        {"file": SimpleUploadedFile("my holiday.svg.png", PNG), "title": "A brick", "stamp": stamp},
    )

    draft.refresh_from_db()
    (kept,) = draft.path["files"]
    response = Client().get(reverse("study_file", args=[draft.slug, kept["name"]]))
    assert b"".join(response.streaming_content) == PNG
    assert (response["Content-Type"], kept["title"]) == ("image/png", "A brick")
    assert "holiday" not in str(draft.path)
    assert Client().get(reverse("study_file", args=[draft.slug, "nothing.png"])).status_code == 404


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<script>", b""])
def test_file_that_is_no_picture_is_refused(desk, draft, content):
    stamp = desk.get(address(draft, "steps")).context["stamp"]
    upload = {"file": SimpleUploadedFile("brick.png", content), "title": "A brick", "stamp": stamp}

    desk.post(address(draft, "steps_file"), upload)

    draft.refresh_from_db()
    assert draft.path == {}


def test_pdf_of_the_consent_is_offered_to_raters(desk, draft, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    stamp = desk.get(address(draft, "steps")).context["stamp"]
    desk.post(
        address(draft, "steps_file"), {"file": SimpleUploadedFile("c.pdf", PDF), "title": "Consent", "stamp": stamp}
    )
    sent = fields_of(desk.get(address(draft, "steps")))
    name = Study.objects.get(pk=draft.pk).path["files"][0]["name"]

    desk.post(address(draft, "steps_save"), sent | {"consent_pdf": name})

    html = desk.get(address(draft, "steps_preview", "consent")).content.decode()
    assert f'href="{reverse("study_file", args=[draft.slug, name])}"' in html


def test_markdown_is_shown_as_raters_see_it(desk, draft):
    response = desk.post(address(draft, "steps_markdown"), {"text": "**Bold** <script>"})

    assert response.content.decode() == "<p><strong>Bold</strong> &lt;script&gt;</p>\n"


def test_whoever_may_only_look_cannot_save(window, draft):
    assert window.post(address(draft, "steps_save"), {}).status_code in (403, 404)
