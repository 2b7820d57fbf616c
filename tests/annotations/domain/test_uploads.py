"""Uploads wait as records, and what they brought can be taken back out of a draft."""

import pytest
from django.core.files.base import ContentFile

from annotations.domain import materials, planning, uploads
from annotations.errors import WrongState
from annotations.models import MaterialImport, Output, Prompt, System
from tests.annotations.factories import StudyFactory

FIRST = b"prompt,system,text\nA brick,baseline,A doorstop.\nA brick,steered,Pigment.\n"
SECOND = b"prompt,system,text\nA brick,baseline,A doorstop.\nA tyre,steered,A swing.\n"


@pytest.fixture
def study(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return StudyFactory(prompts=0, systems=())


def bring(study, content, name="outputs.csv"):
    job = uploads.queue_import(study=study, filename=name, content=ContentFile(content))
    return materials.run_import(material_import_id=job.pk)


def test_upload_waits_with_its_options_and_a_neutral_file_name(study):
    options = materials.ImportOptions(allow_extra_columns=True)

    job = uploads.queue_import(study=study, filename="steered\n.csv", content=ContentFile(FIRST), options=options)

    assert (job.state, job.filename) == ("queued", "steered\N{REPLACEMENT CHARACTER}.csv")
    assert materials.ImportOptions.from_json(job.options) == options
    assert "steered" not in job.file.name
    assert not Output.objects.exists()


def test_taking_back_leaves_what_an_earlier_import_brought(study):
    bring(study, FIRST)
    second = bring(study, SECOND)

    removed = uploads.withdraw_import(material_import=second)

    assert removed == 1
    assert sorted(Output.objects.values_list("text", flat=True)) == ["A doorstop.", "Pigment."]
    assert list(Prompt.objects.values_list("text", flat=True)) == ["A brick"]
    assert sorted(System.objects.values_list("name", flat=True)) == ["baseline", "steered"]


def test_taken_back_file_can_be_brought_again(study):
    job = bring(study, FIRST)
    uploads.withdraw_import(material_import=job)

    again = bring(study, FIRST)

    assert again.added == 2
    assert Output.objects.count() == 2


def test_taking_back_leaves_attention_checks_after_a_thaw(db):
    from annotations.domain.freezing import thaw_study

    study = StudyFactory(design={"attention_trials": 1})
    planning.freeze_study(study=study)
    thaw_study(study=study)
    job = MaterialImport.objects.create(study=study, filename="f.csv", source="csv", state="done")
    Output.objects.filter(system__study=study).exclude(system__role="check").update(source=job)

    uploads.withdraw_import(material_import=job)

    assert set(System.objects.values_list("role", flat=True)) == {"check"}
    assert Prompt.objects.filter(is_check=True).exists()


@pytest.mark.parametrize("state", ["queued", "running", "refused", "failed"])
def test_only_a_finished_import_can_be_taken_back(study, state):
    job = MaterialImport.objects.create(study=study, filename="f.csv", source="csv", state=state)

    with pytest.raises(WrongState, match="Only an import that is done"):
        uploads.withdraw_import(material_import=job)


def test_frozen_study_neither_takes_nor_gives_material(study):
    job = bring(study, FIRST)
    study.design |= {"trials_per_rater": 1, "attention_trials": 0, "repeat_trials": 0}
    study.save()
    planning.freeze_study(study=study)

    with pytest.raises(WrongState, match="frozen"):
        uploads.withdraw_import(material_import=job)
    with pytest.raises(WrongState, match="frozen"):
        uploads.queue_import(study=study, filename="f.csv", content=ContentFile(SECOND))

    assert Output.objects.count() == 2
    assert MaterialImport.objects.count() == 1
