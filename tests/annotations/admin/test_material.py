"""Material: files come in whole or not at all, and what is wrong with them is said by file, row and column."""

import gzip
import json
from pathlib import Path

import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile

from annotations.admin.stations import material
from annotations.domain import planning
from annotations.enums import JobState, StudyState
from annotations.models import MaterialImport, Output, Study, System
from tests.annotations.factories import StudyFactory

from .conftest import address, said

LOGS = Path(__file__).parent.parent / "plugins" / "sources" / "logs"
GOOD = 'prompt,system,text\nA brick,baseline,"A doorstop."\nA brick,steered,"Pigment."\n'
BAD = 'prompt,system,text\nA brick,baseline,"A doorstop."\nA brick,steered,\n,steered,"Pigment."\n'


@pytest.fixture
def empty(db):
    return StudyFactory(prompts=0, systems=())


@pytest.fixture
def upload(desk, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    def send(study, content, name="outputs.csv", **fields):
        file = SimpleUploadedFile(name, content if isinstance(content, bytes) else content.encode())
        return desk.post(address(study, "material_upload"), {"file": file, **fields}, follow=True)

    return send


def test_small_file_is_imported_at_once(upload, empty):
    response = upload(empty, GOOD)

    assert said(response) == ["outputs.csv: 2 outputs added (1 new prompt, 2 new systems)."]
    assert Output.objects.filter(system__study=empty).count() == 2
    assert response.context["here"].state == "done"


def test_same_file_again_adds_nothing(upload, empty):
    upload(empty, GOOD)

    response = upload(empty, GOOD)

    assert Output.objects.count() == 2
    assert response.context["newest"].unchanged == 2


def test_bad_file_is_refused_whole_and_its_problems_are_listed(upload, empty):
    response = upload(empty, BAD)

    html = response.content.decode()
    assert said(response) == ["outputs.csv was refused and nothing was imported: 2 problems, listed below."]
    assert not Output.objects.exists()
    assert response.context["newest"].state == JobState.REFUSED
    for problem in response.context["newest"].problems:
        assert problem["reason"] in html
    assert [(problem["row"], problem["column"]) for problem in response.context["newest"].problems] == [
        (2, "text"),
        (3, "prompt"),
    ]


def test_file_that_would_be_markup_is_shown_as_text(upload, empty):
    response = upload(empty, 'prompt,system,text\n"<script>alert(1)</script>",,x\n', name="<b>.csv")

    assert "<script>alert(1)" not in response.content.decode()
    assert "<b>.csv" not in response.content.decode()


@pytest.mark.parametrize(("name", "content"), [("outputs.exe", GOOD), ("", GOOD)])
def test_file_of_another_kind_is_refused_at_the_field(desk, empty, name, content):
    data = {"file": SimpleUploadedFile(name, content.encode())} if name else {}

    response = desk.post(address(empty, "material_upload"), data)

    assert response.status_code == 422
    assert response.context["form"].errors["file"]
    assert not MaterialImport.objects.exists()


def test_unknown_columns_are_kept_only_when_asked(upload, empty):
    content = 'prompt,system,text,temperature\nA brick,baseline,"A doorstop.",0.7\n'

    refused = upload(empty, content)
    taken = upload(empty, content, allow_extra_columns="on")

    assert refused.context["newest"].state == JobState.REFUSED
    assert taken.context["newest"].state == JobState.DONE
    assert Output.objects.get().metadata == {"temperature": "0.7"}


def test_large_file_waits_for_the_worker_and_can_be_imported_here(upload, desk, empty, monkeypatch):
    sent = []
    monkeypatch.setattr(material, "SMALL", 1)
    monkeypatch.setattr(current_app, "send_task", lambda name, args, **_: sent.append((name, args)))

    waiting = upload(empty, GOOD)
    job = MaterialImport.objects.get()
    done = desk.post(address(empty, "material_run", job.pk), follow=True)

    assert sent == [("annotations.tasks.import_material", [job.pk])]
    assert waiting.context["under_way"] == [job]
    assert waiting.context["here"].missing[0] == "A file is being imported."
    assert said(done) == ["outputs.csv: 2 outputs added (1 new prompt, 2 new systems)."]


def test_import_that_is_run_twice_happens_once(upload, desk, empty):
    upload(empty, GOOD)
    job = MaterialImport.objects.get()

    response = desk.post(address(empty, "material_run", job.pk), follow=True)

    assert response.status_code == 200
    assert Output.objects.count() == 2
    assert MaterialImport.objects.count() == 1


def test_progress_ends_with_a_reload(upload, desk, empty, monkeypatch):
    monkeypatch.setattr(material, "SMALL", 1)
    monkeypatch.setattr(current_app, "send_task", lambda *_, **__: None)
    upload(empty, GOOD)

    before = desk.get(address(empty, "material_live")).json()
    MaterialImport.objects.update(state=JobState.DONE)
    after = desk.get(address(empty, "material_live")).json()

    assert "outputs.csv" in before["panels"]["imports"]
    assert (before["rest"], before["reload"]) == (False, False)
    assert (after["rest"], after["reload"]) == (True, True)


def test_import_can_be_taken_back(upload, desk, empty):
    upload(empty, GOOD)
    job = MaterialImport.objects.get()

    first = desk.post(address(empty, "material_withdraw", job.pk), follow=True)
    second = desk.post(address(empty, "material_withdraw", job.pk), follow=True)

    assert said(first) == ["2 outputs removed."]
    assert said(second) == ["0 outputs removed."]
    assert not Output.objects.exists()
    assert not System.objects.exists()


def test_import_of_another_study_cannot_be_touched(upload, desk, empty, draft):
    upload(empty, GOOD)
    job = MaterialImport.objects.get()

    response = desk.post(address(draft, "material_withdraw", job.pk))

    assert response.status_code == 404
    assert Output.objects.filter(system__study=empty).count() == 2


def test_frozen_study_takes_no_material(upload, draft):
    planning.freeze_study(study=draft)
    before = Output.objects.count()

    response = upload(draft, GOOD)

    assert said(response) == ["The design is frozen, so the material cannot be changed any more."]
    assert Output.objects.count() == before


def test_summary_shows_systems_and_missing_cells(desk, draft):
    Output.objects.filter(system__name="steered", prompt__key="p0").delete()

    response = desk.get(address(draft, "material"))

    assert response.context["summary"].prompts == 6
    assert response.context["cells"].missing_count == 1
    html = response.content.decode()
    assert "1 of 18 cells of prompt × system have no output." in html
    assert "5 of 6" in html


def test_roles_are_saved_for_all_systems(desk, draft):
    page = desk.get(address(draft, "material"))
    roles = dict(zip(["baseline", "reference", "steered"], ["baseline", "reference", "treatment"], strict=True))
    data = {f"role-{system.pk}": roles[system.name] for system in draft.systems.all()}

    response = desk.post(address(draft, "material_roles"), {**data, "stamp": page.context["stamp"]}, follow=True)

    assert said(response) == ["The roles are saved."]
    assert dict(draft.systems.values_list("name", "role")) == roles


@pytest.mark.parametrize(
    ("role", "words"),
    [
        ("baseline", "There can be one baseline, not 3"),
        ("check", "There is no role check."),
        ("x", "There is no role x."),
    ],
)
def test_impossible_roles_are_refused_in_words(desk, draft, role, words):
    page = desk.get(address(draft, "material"))
    data = {f"role-{system.pk}": role for system in draft.systems.all()}

    response = desk.post(address(draft, "material_roles"), {**data, "stamp": page.context["stamp"]}, follow=True)

    assert said(response)[0].startswith(words)
    assert set(draft.systems.values_list("role", flat=True)) == {"treatment"}


def test_stale_roles_change_nothing(desk, draft):
    stale = desk.get(address(draft, "material")).context["stamp"]
    Study.objects.filter(pk=draft.pk).update(title="Another title")
    data = {f"role-{system.pk}": "reference" for system in draft.systems.all()}

    response = desk.post(address(draft, "material_roles"), {**data, "stamp": stale}, follow=True)

    assert "changed in another window" in said(response)[0]
    assert set(draft.systems.values_list("role", flat=True)) == {"treatment"}


def test_upload_is_kept_under_a_neutral_name(upload, empty):
    upload(empty, GOOD, name="steered-vs-baseline.csv")

    assert "steered" not in MaterialImport.objects.get().file.name


def test_import_leaves_the_options_with_the_record(upload, empty):
    upload(empty, GOOD, allow_extra_columns="on")

    assert json.loads(json.dumps(MaterialImport.objects.get().options))["allow_extra_columns"] is True
    assert empty.state == StudyState.DRAFT


def test_misspelt_system_is_refused_once_there_are_systems(upload, empty):
    upload(empty, GOOD)

    response = upload(empty, GOOD.replace("steered", "steerd"))

    assert response.context["newest"].state == JobState.REFUSED
    assert [problem["column"] for problem in response.context["newest"].problems] == ["system"]
    assert set(empty.systems.values_list("name", flat=True)) == {"baseline", "steered"}


def test_new_systems_come_when_announced(upload, empty):
    upload(empty, GOOD)

    response = upload(empty, GOOD.replace("steered", "another"), new_systems="on")

    assert response.context["newest"].state == JobState.DONE
    assert set(empty.systems.values_list("name", flat=True)) == {"baseline", "steered", "another"}


def test_new_systems_are_asked_about_only_once_there_are_systems(upload, desk, empty):
    before = desk.get(address(empty, "material")).content.decode()

    after = upload(empty, GOOD).content.decode()

    assert "This file brings new systems" not in before
    assert "This file brings new systems" in after


@pytest.mark.parametrize("name", ["outputs.csv.gz", "OUTPUTS.CSV.GZ"])
def test_packed_file_is_imported(upload, empty, name):
    response = upload(empty, gzip.compress(GOOD.encode()), name=name)

    assert response.context["newest"].state == JobState.DONE
    assert Output.objects.filter(system__study=empty).count() == 2


def test_packed_file_of_another_kind_is_refused(upload, empty):
    response = upload(empty, gzip.compress(b"x"), name="outputs.tar.gz")

    assert response.status_code == 422
    assert not MaterialImport.objects.exists()


def test_refused_form_says_so_on_top_and_not_what_an_older_file_was(upload, empty):
    upload(empty, BAD, name="older.csv")

    response = upload(empty, GOOD, name="outputs.exe")

    html = response.content.decode()
    endings = ", ".join(response.context["suffixes"])
    assert said(response) == [f"Nothing was imported. outputs.exe cannot be read; bring one of {endings}."]
    assert html.count("older.csv was refused; nothing of it was imported") == 1  # closed, in the list of imports
    assert '<details class="ev-card ev-problems" open>' not in html


def test_log_of_a_tool_is_uploaded_under_its_own_name_and_a_name_for_the_system(upload, empty):
    log = next(LOGS.glob("lm_eval/plain/*/samples_*.jsonl"))

    refused = upload(empty, log.read_bytes(), log.name)
    taken = upload(empty, log.read_bytes(), log.name, system="steered")

    assert refused.context["newest"].problems[0]["column"] == "system"
    assert said(taken) == [f"{log.name}: 9 outputs added (3 new prompts, 1 new system)."]
    assert set(System.objects.values_list("name", flat=True)) == {"steered"}


def test_format_can_be_chosen_when_the_name_does_not_tell_it(upload, empty):
    content = (LOGS / "alpaca_eval" / "model_outputs.json").read_bytes()

    refused = upload(empty, content, "mine.json")
    taken = upload(empty, content, "mine.json", source="alpaca_eval")

    assert "say which format it has" in refused.content.decode()
    assert said(taken) == ["mine.json: 3 outputs added (3 new prompts, 1 new system)."]


def test_samples_without_an_answer_are_left_out_when_asked_and_shown(upload, empty):
    log = next(LOGS.glob("inspect/*unusual*.eval"))

    response = upload(empty, log.read_bytes(), log.name, leave_out_unanswered="on")

    html = response.content.decode()
    assert "2 samples without an answer left out." in said(response)[0]
    assert f"What was left out of {log.name}" in html
    assert "the sandbox is gone" in html
    assert "was refused" not in html
