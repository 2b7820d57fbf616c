"""The page of automatic judges: a file is looked at and then kept, scores are computed, stopped, gone on with."""

import io
import re
import zipfile

import pytest
from celery import current_app
from kombu.exceptions import OperationalError

from analysis.report import PARTS
from annotations.domain import reporting, score_uploads, scoring
from annotations.models import Judge, Output, OutputScore
from tests.annotations.factories import StudyFactory
from tests.standins.chat import chat_server

from .conftest import address, said
from .conftest import judge as run_judges

KEY = "sk-page-very-secret-0123"
CSV = "prompt_key,system,sample,rm\np0,baseline,0,1.5\np0,steered,0,2.5\np1,baseline,0,\np1,steered,0,4\n"


@pytest.fixture(autouse=True)
def _uploads(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def study(db):
    return StudyFactory(prompts=2, systems=("baseline", "steered"))


@pytest.fixture
def sent(monkeypatch):
    """What was handed to the worker, without a worker."""
    found = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: found.append((name, args)))
    return found


def file(text, name="scores.csv"):
    content = io.BytesIO(text.encode())
    content.name = name
    return content


def look(desk, study, text=CSV, **more):
    return desk.post(address(study, "judges_preview"), {"file": file(text), **more})


def token_in(response):
    return re.search(r'name="token" value="([^"]+)"', response.content.decode())[1]


def test_page_of_a_study_without_judges_offers_both_ways(desk, study):
    html = desk.get(address(study, "judges")).content.decode()

    assert "Bring scores as a file" in html
    assert "Language model as a judge" in html
    assert "Length in words" in html


def test_file_is_looked_at_and_kept_when_it_is_confirmed(desk, study):
    seen = look(desk, study)
    before = Judge.objects.count()

    done = desk.post(
        address(study, "judges_import"), {"token": token_in(seen), "description": "A reward model"}, follow=True
    )

    html = seen.content.decode()
    assert seen.status_code == 200
    assert "4 rows; 4 of the study’s 4 outputs were found in it." in html
    assert before == 0
    assert said(done) == ["3 scores by 1 judge added."]
    judge = Judge.objects.get()
    assert (judge.name, judge.description, judge.scores.count()) == ("rm", "A reward model", 3)
    assert score_uploads.default_storage.listdir("scores")[1] == []
    assert "3 of 4" in done.content.decode()


def test_file_with_problems_lists_them_and_keeps_nothing(desk, study):
    seen = look(desk, study, CSV.replace("2.5", "great").replace("p1,steered", "p9,steered"))

    html = seen.content.decode()
    assert seen.status_code == 422
    assert "is not a number: &#x27;great&#x27;" in html
    assert "the study has no prompt with the key &#x27;p9&#x27;" in html
    assert "Import these scores" not in html
    assert score_uploads.default_storage.listdir("scores")[1] == []


def test_token_of_another_study_or_a_forged_one_imports_nothing(desk, study):
    token = token_in(look(desk, study))
    other = StudyFactory(prompts=2, systems=("baseline", "steered"))

    answers = [
        said(desk.post(address(other, "judges_import"), {"token": one}, follow=True)) for one in (token, "forged:x:y")
    ]

    assert answers == [["The file is not kept any more; choose it again."]] * 2
    assert OutputScore.objects.count() == 0


def test_too_large_a_file_is_refused_in_words(desk, study, monkeypatch):
    monkeypatch.setattr(score_uploads, "MOST_BYTES", 10)

    html = look(desk, study).content.decode()

    assert "bring at most 0 MB at once" in html


def test_old_uploads_are_forgotten(study, monkeypatch, settings):
    import datetime as dt

    score_uploads.keep(study=study, filename="s.csv", content=score_uploads.File(file(CSV)))
    first = score_uploads.forget_old()
    monkeypatch.setattr(score_uploads, "KEPT", dt.timedelta(0))

    assert (first, score_uploads.forget_old()) == (0, 1)


def test_scorer_is_added_with_its_settings_and_sent_to_the_worker(desk, study, sent):
    with chat_server() as server:
        server.texts = lambda model, question, count: ["Rating: 6"]
        data = {"scorer": "lm_judge", "lm_judge-judge_name": "judge", "lm_judge-base_url": server.base_url}
        data |= {"lm_judge-model": "tiny", "lm_judge-secret_api_key": KEY, "lm_judge-rubric": "Rate {text} please."}
        first = desk.post(address(study, "judges_add"), data, follow=True)
        judge = Judge.objects.get()
        scoring.compute(judge_id=judge.pk)

        html = desk.get(address(study, "judges")).content.decode()
        page = desk.get(address(study, "judges_settings", judge.pk)).content.decode()
        log = desk.get(address(study, "log")).content.decode()

    assert sent == [("annotations.tasks.compute_scores", [judge.pk])]
    assert said(first) == ["The scores of judge are being computed. This page shows how far it is."]
    assert server.keys == [f"Bearer {KEY}"] * 4
    assert judge.settings["rubric"] == "Rate {text} please."
    assert "4 of 4" in html
    assert "6.00" in html
    assert "Rate {text} please." in page
    assert KEY not in html + page + log + first.content.decode()


def test_wrong_setting_is_said_at_its_field_and_the_form_stays_open(desk, study, sent):
    data = {"scorer": "lm_judge", "lm_judge-judge_name": "judge", "lm_judge-base_url": "ftp://x", "lm_judge-model": "m"}

    response = desk.post(address(study, "judges_add"), data)

    html = response.content.decode()
    assert response.status_code == 422
    assert "takes an address such as" in html
    assert "<details open><summary>Language model as a judge" in html
    assert sent == []


def test_without_a_worker_the_wish_is_kept(desk, study, monkeypatch):
    def refuse(*args, **kwargs):
        raise OperationalError

    monkeypatch.setattr(current_app, "send_task", refuse)

    data = {"scorer": "length", "length-judge_name": "length"}
    response = desk.post(address(study, "judges_add"), data, follow=True)

    assert "the background worker cannot be reached" in said(response)[0]
    assert Judge.objects.get().state == "queued"


@pytest.fixture
def judge(study):
    return scoring.add_judge(study=study, name="length", scorer="length", settings={})


def test_progress_is_shown_until_the_scores_are_there(desk, study, judge):
    during = desk.get(address(study, "judges_live")).json()
    scoring.compute(judge_id=judge.pk)
    after = desk.get(address(study, "judges_live")).json()

    assert "0 of 4 outputs" in during["panels"]["judges"]
    assert (during["reload"], after["reload"]) == (False, True)


def test_job_is_stopped_and_gone_on_with(desk, study, judge, sent):
    desk.post(address(study, "judges_stop", judge.pk))
    stopped = desk.get(address(study, "judges")).content.decode()
    desk.post(address(study, "judges_compute", judge.pk))
    scoring.compute(judge_id=judge.pk)

    assert ">Stopped<" in stopped
    assert sent == [("annotations.tasks.compute_scores", [judge.pk])]
    assert judge.scores.count() == 4


def test_texts_that_changed_are_counted(desk, study, judge):
    scoring.compute(judge_id=judge.pk)
    Output.objects.filter(prompt__key="p0").update(text="Another text.")

    html = desk.get(address(study, "judges")).content.decode()

    assert "2 of an earlier text" in html
    assert "Go on" in html


def test_judge_is_taken_out(desk, study, judge):
    scoring.compute(judge_id=judge.pk)

    response = desk.post(address(study, "judges_delete", judge.pk), follow=True)

    assert said(response) == ["length is taken out, with 4 scores."]
    assert OutputScore.objects.count() == 0


def test_changed_settings_are_saved_and_an_empty_key_keeps_the_stored_one(desk, study):
    settings = {"base_url": "http://127.0.0.1:1/v1", "model": "tiny"}
    judge = scoring.add_judge(study=study, name="judge", scorer="lm_judge", settings=settings, secrets={"api_key": KEY})
    Judge.objects.update(state="failed")

    data = {"base_url": "http://127.0.0.1:2/v1", "model": "tiny", "secret_api_key": ""}
    response = desk.post(address(study, "judges_save", judge.pk), data, follow=True)

    judge.refresh_from_db()
    assert said(response) == ["Saved. Compute what is missing when you are ready."]
    assert (judge.settings["base_url"], judge.secrets) == ("http://127.0.0.1:2/v1", {"api_key": KEY})


def test_judge_of_another_study_is_not_found(desk, judge, draft):
    assert desk.get(address(draft, "judges_settings", judge.pk)).status_code == 404
    for name in ("stop", "compute", "delete", "save"):
        assert desk.post(address(draft, f"judges_{name}", judge.pk)).status_code == 404


@pytest.mark.parametrize("role", ["observer", "analyst"])
def test_the_blinded_do_not_see_the_page(window, study, share, judge, role):  # noqa: PLR0917
    share(study, role)

    assert window.get(address(study, "judges")).status_code == 403
    assert window.post(address(study, "judges_delete", judge.pk)).status_code == 403


def test_report_tells_how_judges_agree_with_people_and_a_masked_one_names_no_system(desk):
    names = ("numbat-base", "quoll-steered", "bilby-human")
    design = {"raters_per_task": 3, "trials_per_rater": 6}
    asked = [{"key": "surprise", "label": "surprising"}]
    study = StudyFactory(open=True, prompts=8, systems=names, design=design, dimensions=asked)
    run_judges(study, raters=12)
    for output in Output.objects.filter(prompt__study=study):
        output.text += " really" * (output.pk % 5)
        output.save()
    length = scoring.add_judge(study=study, name="length", scorer="length", settings={})
    scoring.compute(judge_id=length.pk)

    reports = [reporting.request_report(study=study, masked=masked) for masked in (False, True)]
    plain, masked = (reporting.make_report(report_id=one.pk, without=PARTS) for one in reports)
    response = desk.get(address(study, "judges"))
    figure = desk.get(address(study, "judges_figure", plain.pk, "judges"))
    scoring.request_scores(judge=length)

    html = response.content.decode()
    rows = {row["dimension"]: row for row in plain.summary["judges"]["rows"]}
    assert {(row["dimension"], row["judge"], row["outputs"]) for row in rows.values()} == {("surprise", "length", 24)}
    assert "Judges against people" in html
    assert f"{rows['surprise']['spearman']:.2f}".replace("-", "\N{MINUS SIGN}") in html
    assert figure.headers["Content-Type"] == "image/svg+xml"
    assert "Scores have changed since" not in html
    assert "Scores have changed since" in desk.get(address(study, "judges")).content.decode()
    with masked.bundle.open("rb") as stream, zipfile.ZipFile(io.BytesIO(stream.read())) as bundle:
        told = b"".join(bundle.read(name) for name in bundle.namelist() if "judge" in name or name == "scores.csv")
    assert b"length" in told
    assert not [name for name in names if name.encode() in told]
    assert desk.get(address(study, "judges_figure", masked.pk, "judges")).status_code == 404
