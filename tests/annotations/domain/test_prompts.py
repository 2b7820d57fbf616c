"""Prompts come before outputs, from a set or a file, whole or not at all, and stay when outputs go."""

import gzip
import json

import pytest
from django.core.files.base import ContentFile

from annotations.domain import attention, materials, planning, prompts, uploads
from annotations.domain.readiness import readiness
from annotations.enums import GenerationState
from annotations.errors import MaterialRefused, PlatformError, WrongState
from annotations.models import Event, Generation, Output, Prompt
from annotations.registry import prompt_sets
from tests.annotations.factories import PromptFactory, StudyFactory

USES = prompt_sets.get("alternative_uses")


@pytest.fixture
def study(db, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return StudyFactory(prompts=0, systems=())


def bring(study, content, name="prompts.csv", **more):
    raw = content if isinstance(content, bytes) else content.encode()
    return prompts.import_prompts(study=study, filename=name, content=ContentFile(raw), **more)


def refusal(study, content, name="prompts.csv"):
    with pytest.raises(MaterialRefused) as refused:
        bring(study, content, name)
    assert not study.prompts.exists()
    return [(one.row, one.column, one.reason) for one in refused.value.problems]


def test_set_comes_whole_with_keys_family_and_origin_and_is_logged(study):
    added = prompts.add_prompt_set(study=study, name="alternative_uses")

    assert added.words == "40 prompts added."
    assert list(study.prompts.values_list("key", "text")) == [(one.key, one.text) for one in USES.prompts]
    first = study.prompts.first()
    assert (first.task_family, first.metadata, first.declared) == (
        "alternative_uses",
        {"prompt_set": "alternative_uses"},
        True,
    )
    assert Event.objects.get(study=study, name="prompts_added").data == {
        "prompt_set": "alternative_uses",
        "whole": True,
        "added": 40,
        "known": 0,
    }


def test_set_in_part_then_whole_adds_the_rest(study):
    keys = [one.key for one in USES.prompts[:3]]

    first = prompts.add_prompt_set(study=study, name="alternative_uses", keys=keys)
    again = prompts.add_prompt_set(study=study, name="alternative_uses", keys=keys)
    rest = prompts.add_prompt_set(study=study, name="alternative_uses")

    assert (first.added, again.words, rest.words) == (
        3,
        "Nothing new: 3 prompts were there already.",
        "37 prompts added. 3 prompts were there already.",
    )


@pytest.mark.parametrize(("name", "keys"), [("nothing", None), ("alternative_uses", ["no"]), ("alternative_uses", [])])
def test_set_or_prompt_that_does_not_exist_is_refused(study, name, keys):
    with pytest.raises(PlatformError, match=r"no prompt|at least one"):
        prompts.add_prompt_set(study=study, name=name, keys=keys)

    assert not study.prompts.exists()


def test_prompt_of_a_set_that_outputs_had_brought_keeps_its_key_and_is_declared(study):
    text = USES.prompts[0].text
    PromptFactory(study=study, key="mine", text=text, task_family="aut")

    added = prompts.add_prompt_set(study=study, name="alternative_uses")

    prompt = Prompt.objects.get(study=study, text=text)
    assert (added.added, added.known) == (39, 1)
    assert (prompt.key, prompt.task_family, prompt.declared) == ("mine", "aut", True)


def test_set_whose_key_stands_for_another_text_is_refused_whole(study):
    PromptFactory(study=study, key=USES.prompts[1].key, text="Something else.")

    with pytest.raises(MaterialRefused, match="the study has another prompt with the key 'use-umbrella'"):
        prompts.add_prompt_set(study=study, name="alternative_uses")

    assert study.prompts.count() == 1


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_brings_prompts_with_keys_families_and_metadata(study, delimiter):
    rows = [
        ["prompt", "prompt_key", "task_family", "metadata.level"],
        ["A brick", "brick", "uses", "easy"],
        ["A hat", "", "", ""],
    ]
    text = "\n".join(delimiter.join(row) for row in rows)

    added = bring(study, text, task_family="things")

    assert added.added == 2
    first, second = study.prompts.all()
    assert (first.key, first.text, first.task_family, first.metadata) == ("brick", "A brick", "uses", {"level": "easy"})
    assert (second.task_family, second.metadata, len(second.key)) == ("things", {}, 16)


def test_jsonl_brings_prompts_and_metadata_of_any_shape(study):
    rows = [{"prompt": "A brick", "prompt_id": 7, "metadata": {"a": [1]}}, {"prompt": "A hat", "metadata.b": 2}]

    bring(study, "\n".join(map(json.dumps, rows)), "prompts.jsonl")

    assert list(study.prompts.values_list("text", "metadata")) == [("A brick", {"a": [1]}), ("A hat", {"b": 2})]
    assert study.prompts.first().key == "7"


@pytest.mark.parametrize(("name", "pack"), [("prompts.txt", bytes), ("prompts.txt.gz", gzip.compress)])
def test_plain_text_is_one_prompt_a_line(study, name, pack):
    bring(study, pack("\ufeffA brick, please.\r\n\n  Ein Hütchen\n".encode()), name)

    assert list(study.prompts.values_list("text", flat=True)) == ["A brick, please.", "Ein Hütchen"]


def test_key_of_a_prompt_without_one_is_that_of_an_import(study):
    bring(study, "A brick\n", "prompts.txt")
    outputs = b"prompt,system,text\nA brick,baseline,A doorstop.\nA brick,steered,Pigment.\n"
    job = uploads.queue_import(study=study, filename="outputs.csv", content=ContentFile(outputs))

    materials.run_import(material_import_id=job.pk)

    assert [(one.text, one.count) for one in prompts.prompts_of(study=study)] == [("A brick", 2)]


@pytest.mark.parametrize(
    ("content", "name", "expected"),
    [
        ("prompt\nA brick\nA hat\nA brick\n", "p.csv", [(3, "prompt", "is the same as in row 1; leave one out")]),
        (
            "prompt,prompt_key\nA brick,k\nA hat,k\n",
            "p.csv",
            [(2, "prompt_key", "the key 'k' stands for another prompt in row 1")],
        ),
        ('prompt,prompt_key\nA brick,k\n" ",l\n', "p.csv", [(2, "prompt", "is empty")]),
        ('{"prompt": 5}\n', "p.jsonl", [(1, "prompt", "must be text, is a number")]),
        ("question\nA brick\n", "p.csv", None),
        ("", "p.txt", [(0, "", "the file is empty")]),
        ("\n\n", "p.txt", [(0, "", "there are no prompts in the file")]),
        ("A brick\n", "p.docx", None),
        (b"\xff\xfeA\x00", "p.txt", None),
        (
            b"A brick\nA h\xffat\n",
            "p.txt",
            [(2, "prompt", "byte 0xff at offset 11 is not UTF-8; save the file as UTF-8")],
        ),
    ],
)
def test_bad_file_is_refused_whole_by_row_and_column(study, content, name, expected):
    found = refusal(study, content, name)

    assert found == expected or expected is None
    assert all(reason for _, _, reason in found)


def test_file_of_outputs_is_sent_where_it_belongs(study):
    found = refusal(study, "prompt,system,text\nA brick,baseline,A doorstop.\n")

    assert [column for _, column, _ in found] == ["system", "text"]
    assert found[0][2] == "this looks like a file of outputs; bring it under “What is there”, its prompts come with it"


def test_misspelt_column_is_guessed(study):
    assert refusal(study, "Promt\nA brick\n")[1][2] == (
        "unknown column 'Promt'; did you mean 'prompt'? Else call it 'metadata.Promt' to keep it as metadata"
    )


def test_file_that_clashes_with_the_study_says_where_and_changes_nothing(study):
    PromptFactory(study=study, key="brick", text="A brick", task_family="uses")
    rows = "prompt,prompt_key,task_family\nA brick,stone,uses\nA tile,brick,\nA brick,brick,other\nX,{check},\n"

    with pytest.raises(MaterialRefused) as refused:
        bring(study, rows.format(check=attention.KEYS[0]))

    reasons = [one.reason for one in refused.value.problems]
    assert reasons == [
        "the study has this prompt with the key 'brick'; use that key, or none",
        "the study has another prompt with the key 'brick'; use another key",
        "is the same as in row 1; leave one out",
        f"the key '{attention.KEYS[0]}' is kept for attention checks; use another",
    ]
    assert list(study.prompts.values_list("key", flat=True)) == ["brick"]
    assert not Event.objects.filter(name="prompts_added").exists()


def test_declared_prompts_stay_when_an_import_is_taken_back(study):
    bring(study, "A brick\nA hat\n", "prompts.txt")
    outputs = b"prompt,system,text\nA brick,baseline,A doorstop.\nA tyre,steered,A swing.\n"
    job = uploads.queue_import(study=study, filename="outputs.csv", content=ContentFile(outputs))
    materials.run_import(material_import_id=job.pk)

    uploads.withdraw_import(material_import=job)

    assert list(study.prompts.values_list("text", flat=True)) == ["A brick", "A hat"]
    assert not study.systems.exists()


def test_prompts_without_outputs_are_named_at_the_station_and_as_missing_cells(study):
    before = readiness(study=study)[0].missing
    bring(study, "A brick\nA hat\n", "prompts.txt")
    waiting = readiness(study=study)[0].missing
    outputs = b"prompt,system,text\nA brick,baseline,A doorstop.\nA brick,steered,Pigment.\n"
    job = uploads.queue_import(study=study, filename="outputs.csv", content=ContentFile(outputs))
    materials.run_import(material_import_id=job.pk)

    cells = materials.missing_cells(study=study)

    assert before == ("There are no outputs yet: upload a file with the texts of your systems.",)
    assert waiting == ("There are 2 prompts and no outputs yet: generate, fetch or upload them.",)
    assert (cells.prompts, cells.missing_count) == (2, 2)
    assert readiness(study=study)[0].state == "done"


def test_prompts_without_outputs_do_not_hinder_freezing(study):
    outputs = b"prompt,system,text\nA brick,baseline,A doorstop.\nA brick,steered,Pigment.\n"
    job = uploads.queue_import(study=study, filename="outputs.csv", content=ContentFile(outputs))
    materials.run_import(material_import_id=job.pk)
    bring(study, "A hat\n", "prompts.txt")
    study.design |= {"trials_per_rater": 1}
    study.save()

    planning.freeze_study(study=study)

    assert study.plan.canonical.count("A hat") == 0


def test_removing_takes_outputs_along_only_when_asked(db):
    study = StudyFactory(prompts=3)
    bring(study, "A hat\n", "prompts.txt")
    every = list(study.prompts.values_list("pk", flat=True))

    with pytest.raises(WrongState, match="3 prompts of these would take their outputs along"):
        prompts.remove_prompts(study=study, prompts=every)
    kept = study.prompts.count()
    removed = prompts.remove_prompts(study=study, prompts=every[2:], with_outputs=True)

    assert (kept, removed) == (4, 2)
    assert Output.objects.count() == 6
    data = Event.objects.get(study=study, name="prompts_removed").data
    assert (data["removed"], data["outputs"]) == (2, 3)
    assert data["keys"][0] == "p2"


def test_prompts_of_another_study_are_not_removed(study):
    other = PromptFactory(study=StudyFactory(prompts=0, systems=()))

    removed = prompts.remove_prompts(study=study, prompts=[other.pk], with_outputs=True)

    assert removed == 0
    assert Prompt.objects.filter(pk=other.pk).exists()


def test_nothing_is_removed_while_outputs_are_generated(study):
    bring(study, "A hat\n", "prompts.txt")
    Generation.objects.create(study=study, state=GenerationState.RUNNING)

    with pytest.raises(WrongState, match="being generated"):
        prompts.remove_prompts(study=study, prompts=list(study.prompts.values_list("pk", flat=True)))


def test_frozen_study_keeps_its_prompts(db):
    study = StudyFactory(frozen=True)
    every = list(study.prompts.values_list("pk", flat=True))

    for deed in (
        lambda: prompts.add_prompt_set(study=study, name="alternative_uses"),
        lambda: bring(study, "A hat\n", "prompts.txt"),
        lambda: prompts.remove_prompts(study=study, prompts=every, with_outputs=True),
    ):
        with pytest.raises(WrongState, match="frozen"):
            deed()

    assert study.prompts.count() == len(every)


def test_thawed_study_may_lose_prompts(db):
    from annotations.domain.freezing import thaw_study

    study = StudyFactory(frozen=True)
    thaw_study(study=study)
    first = study.prompts.filter(is_check=False).first()

    assert prompts.remove_prompts(study=study, prompts=[first.pk], with_outputs=True) == 1
