"""Importing: what a good file becomes, and what the same file becomes the second time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from annotations.domain import attention, editing, materials, planning, studies
from annotations.domain.materials import content_hash, import_material
from annotations.enums import JobState, StudyState, SystemRole
from annotations.errors import MaterialRefused, WrongState
from annotations.models import Event, MaterialImport, Output, Prompt, Study
from tests.annotations.plugins.sources.material_files import FORMATS, three, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def study(db: None) -> Study:
    return studies.create_study(title="What is original?", template="pairwise_creativity")


def bring(study: Study, path: Path, **options: Any) -> MaterialImport:
    return import_material(study=study, path=path, filename=path.name, **options)


def cells(study: Study) -> list[tuple[str, str, int, str]]:
    found = Output.objects.filter(prompt__study=study).order_by("pk")
    return list(found.values_list("prompt__text", "system__name", "sample", "text"))


@pytest.mark.parametrize("kind", FORMATS)
def test_import_writes_systems_prompts_and_outputs(study: Study, tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"outputs.{kind}", three(task_family="AUT", metadata={"seed": 1}))

    done = bring(study, path)

    assert cells(study) == [("A brick", row["system"], 0, row["text"]) for row in three()]
    assert (done.state, done.source, done.rows, done.added, done.unchanged) == (JobState.DONE, kind, 3, 3, 0)
    assert done.message == "3 outputs added (1 new prompt, 3 new systems)."
    assert list(Output.objects.order_by("pk").values_list("metadata", flat=True)) == [{}, {"seed": 1}, {}]
    assert set(Output.objects.values_list("source", flat=True)) == {done.pk}
    assert Prompt.objects.get().task_family == "AUT"


def test_import_writes_one_event_with_the_counts(study: Study, tmp_path: Path, admin_user: Any) -> None:
    done = bring(study, write(tmp_path / "outputs.csv", three()), actor=admin_user)

    event = Event.objects.get(name="material_imported")

    assert (event.study, event.actor) == (study, admin_user)
    assert event.data == {
        "import": done.pk,
        "file": "outputs.csv",
        "source": "csv",
        "rows": 3,
        "added": 3,
        "unchanged": 0,
        "new_prompts": 1,
        "new_systems": ["human", "steered", "vanilla"],
        "left_out": 0,
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("sample", [{}, {"sample": 4}])
def test_import_of_the_same_file_twice_adds_nothing(
    study: Study, tmp_path: Path, kind: str, sample: dict[str, int]
) -> None:
    path = write(tmp_path / f"outputs.{kind}", [row | sample for row in three()])
    bring(study, path)
    before = list(Output.objects.order_by("pk").values())

    again = bring(study, path)

    assert (again.state, again.rows, again.added, again.unchanged) == (JobState.DONE, 3, 0, 3)
    assert again.message == "Nothing new: 3 outputs of 3 were there already."
    assert list(Output.objects.order_by("pk").values()) == before
    assert Prompt.objects.count() == 1


def test_import_of_the_same_outputs_in_another_format_and_order_adds_nothing(study: Study, tmp_path: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": f"line one\nline {number}"} for number in range(4)]
    bring(study, write(tmp_path / "outputs.csv", rows))

    again = bring(study, write(tmp_path / "outputs.jsonl", rows[::-1]))

    assert (again.added, again.unchanged) == (0, 4)


def test_import_numbers_samples_in_order_of_appearance(study: Study, tmp_path: Path) -> None:
    rows = [
        {"prompt": prompt, "system": system, "text": f"{prompt}{system}{number}"}
        for number in range(2)
        for prompt in ("p", "q")
        for system in ("s", "t")
    ]

    bring(study, write(tmp_path / "outputs.csv", rows))

    assert cells(study) == [(row["prompt"], row["system"], int(row["text"][-1]), row["text"]) for row in rows]


def test_import_of_a_longer_file_adds_the_new_samples(study: Study, tmp_path: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": f"text {number}"} for number in range(5)]
    bring(study, write(tmp_path / "first.csv", rows[:2]))

    done = bring(study, write(tmp_path / "longer.csv", rows))

    assert (done.added, done.unchanged) == (3, 2)
    assert cells(study) == [("p", "s", number, f"text {number}") for number in range(5)]


def test_import_takes_the_same_text_twice_when_the_samples_are_numbered(study: Study, tmp_path: Path) -> None:
    rows = [{"prompt": "p", "system": "s", "text": "same", "sample": number} for number in (1, 5)]

    done = bring(study, write(tmp_path / "outputs.jsonl", rows))

    assert done.added == 2
    assert cells(study) == [("p", "s", 1, "same"), ("p", "s", 5, "same")]


def test_import_takes_one_text_under_two_keys_as_two_prompts(study: Study, tmp_path: Path) -> None:
    rows = [{"prompt": "p", "prompt_key": key, "system": "s", "text": "t"} for key in ("one", "two")]

    bring(study, write(tmp_path / "outputs.csv", rows))

    assert list(Prompt.objects.values_list("key", "text")) == [("one", "p"), ("two", "p")]
    assert len(set(Output.objects.values_list("content_hash", flat=True))) == 2


def test_import_adds_a_system_to_prompts_that_are_there(study: Study, tmp_path: Path) -> None:
    rows = three(task_family="AUT")
    bring(study, write(tmp_path / "first.csv", rows[:1]))

    done = bring(study, write(tmp_path / "second.csv", rows[1:]))

    assert (done.added, done.unchanged) == (2, 0)
    assert Prompt.objects.get().outputs.count() == 3
    assert Prompt.objects.get().task_family == "AUT"  # filled in: the first file did not say


def test_import_does_not_mix_studies(study: Study, tmp_path: Path) -> None:
    other = studies.create_study(title="Another", template="pairwise_creativity")
    path = write(tmp_path / "outputs.csv", three())
    bring(other, path)

    done = bring(study, path)

    assert done.added == 3
    assert len(cells(study)) == len(cells(other)) == 3


def test_import_makes_line_ends_and_blanks_around_names_alike(study: Study, tmp_path: Path) -> None:
    first = [{"prompt": " a\r\nb ", "system": "s ", "text": "x\r\ny\rz "}]
    second = [{"prompt": "a\nb", "system": "s", "text": "x\ny\nz "}]
    bring(study, write(tmp_path / "windows.jsonl", first))

    done = bring(study, write(tmp_path / "unix.jsonl", second))

    assert (done.added, done.unchanged) == (0, 1)
    assert cells(study) == [("a\nb", "s", 0, "x\ny\nz ")]


def test_content_hash_is_the_one_that_the_import_writes(study: Study, tmp_path: Path) -> None:
    rows = [{"prompt": "Ünïcode \N{BRICK}", "system": "s", "text": "t\n", "sample": 70_000, "prompt_key": "k"}]

    bring(study, write(tmp_path / "outputs.jsonl", rows))

    expected = content_hash(prompt_key="k", prompt="Ünïcode \N{BRICK}", system="s", sample=70_000, text="t\n")
    assert Output.objects.get().content_hash == expected


def test_content_hash_depends_on_every_part() -> None:
    parts: dict[str, Any] = {"prompt_key": "k", "prompt": "p", "system": "s", "sample": 0, "text": "t"}
    changes: list[dict[str, Any]] = [
        {},
        *({name: "x"} for name in ("prompt_key", "prompt", "system", "text")),
        {"sample": 1},
    ]

    found = {content_hash(**parts | change) for change in changes}

    assert len(found) == len(changes)


def test_import_sets_the_roles_that_are_given(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.csv", three())

    bring(study, path, roles={"vanilla": "baseline", "human": "reference"})

    roles = dict(study.systems.values_list("name", "role"))
    assert roles == {"vanilla": SystemRole.BASELINE, "steered": SystemRole.TREATMENT, "human": SystemRole.REFERENCE}


def test_import_keeps_roles_that_the_researcher_has_set(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.csv", three())
    bring(study, path)
    vanilla = study.systems.get(name="vanilla")
    editing.assign_roles(study=study, roles={vanilla.pk: "baseline"})

    bring(study, path)

    vanilla.refresh_from_db()
    assert vanilla.role == SystemRole.BASELINE


def test_import_keeps_extra_columns_as_metadata_when_allowed(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.csv", three(temperature="0.7"))

    bring(study, path, allow_extra_columns=True)

    assert [row["metadata"] for row in Output.objects.order_by("pk").values("metadata")] == [
        {},
        {"temperature": "0.7"},
        {},
    ]


def test_import_reads_a_file_by_the_source_that_is_named(study: Study, tmp_path: Path) -> None:
    path = write(tmp_path / "outputs.csv", three()).rename(tmp_path / "outputs.dat")

    done = bring(study, path, source="csv")

    assert done.added == 3


def test_import_tells_how_far_it_is(study: Study, tmp_path: Path) -> None:
    rows = [{"prompt": f"p{number}", "system": "s", "text": "t"} for number in range(1200)]
    told: list[int] = []

    bring(study, write(tmp_path / "outputs.jsonl", rows), progress=told.append)

    assert told == [500, 1000, 1200]


@pytest.mark.parametrize("state", [StudyState.FROZEN, StudyState.OPEN, StudyState.PAUSED, StudyState.CLOSED])
def test_import_is_for_drafts_only(study: Study, tmp_path: Path, state: StudyState) -> None:
    Study.objects.filter(pk=study.pk).update(state=state)

    with pytest.raises(WrongState, match=f"this one is {state}"):
        bring(study, write(tmp_path / "outputs.csv", three()))

    assert not Output.objects.exists()
    kept = MaterialImport.objects.get()
    assert (kept.state, kept.rows) == (JobState.REFUSED, 0)
    assert kept.message.startswith("Outputs can be imported only while a study is a draft")


def test_import_is_refused_when_the_study_is_frozen_while_the_file_is_read(study: Study, tmp_path: Path) -> None:
    def freeze(rows: int) -> None:
        del rows
        Study.objects.filter(pk=study.pk).update(state=StudyState.FROZEN)

    rows = [{"prompt": f"p{number}", "system": "s", "text": "t"} for number in range(3)]
    path = write(tmp_path / "outputs.csv", rows)

    # The last call comes behind the COPY, before the study is locked.
    with pytest.raises(WrongState):
        bring(study, path, progress=freeze)

    assert not Output.objects.exists()


def test_import_keeps_a_failure_that_nobody_foresaw(study: Study, tmp_path: Path) -> None:
    def stumble(rows: int) -> None:
        del rows
        message = "the disk is on fire"
        raise OSError(message)

    path = write(tmp_path / "outputs.csv", three())

    with pytest.raises(OSError, match="on fire"):
        bring(study, path, progress=stumble)

    kept = MaterialImport.objects.get()
    assert (kept.state, kept.added) == (JobState.FAILED, 0)
    assert kept.message == "The import failed and nothing was imported (OSError: the disk is on fire)."
    assert not Output.objects.exists()


def test_import_can_be_tried_again_after_a_refusal(study: Study, tmp_path: Path) -> None:
    with pytest.raises(MaterialRefused):
        bring(study, write(tmp_path / "outputs.csv", three(text="")))

    done = bring(study, write(tmp_path / "outputs.csv", three()))

    assert done.added == 3
    assert list(study.imports.values_list("state", flat=True)) == ["done", "refused"]


def test_import_material_can_be_planned_and_frozen(study: Study, tmp_path: Path) -> None:
    rows = [
        {"prompt": f"p{number}", "system": system, "text": f"text {number} {system}"}
        for number in range(6)
        for system in ("s", "t")
    ]
    bring(study, write(tmp_path / "outputs.csv", rows))
    study.design |= {"raters_per_task": 2, "trials_per_rater": 4, "attention_trials": 1, "repeat_trials": 0}
    study.save()

    plan = planning.freeze_study(study=study)

    assert plan.trials_planned > 12
    assert materials.missing_cells(study=study).is_complete
    assert attention.SYSTEM not in materials.missing_cells(study=study).systems
