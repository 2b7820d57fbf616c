"""Logs of evaluation tools become material, and samples without an answer are refused or left out, never lost."""

import json
from pathlib import Path

import pytest

from annotations.domain import materials
from annotations.domain.material_logs import recognised
from annotations.domain.materials import ImportOptions
from annotations.errors import MaterialRefused
from annotations.models import Event, MaterialImport, Output, Prompt
from tests.annotations.factories import PromptFactory, StudyFactory

LOGS = Path(__file__).parent.parent / "plugins" / "sources" / "logs"
LM_EVAL = next(LOGS.glob("lm_eval/plain/*/samples_*.jsonl"))
INSPECT = next(LOGS.glob("inspect/*unusual*.eval"))
ALPACA = LOGS / "alpaca_eval" / "model_outputs.json"
HELM = LOGS / "helm" / "scenario_state.json"
USES = [f"Name an unusual use for a {thing}." for thing in ("brick", "spoon", "hat")]


@pytest.fixture
def study(db):
    return StudyFactory(prompts=0, systems=())


def bring(study, path, *, filename="", source=None, **options):
    return materials.import_material(
        study=study, path=path, filename=filename or path.name, source=source, options=ImportOptions(**options)
    )


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("samples_my_task_2026-11-21T19-08-24.205837.jsonl", "lm_eval"),
        ("runs/samples_my_task_2026-11-21T19-08-24.jsonl.gz", "lm_eval"),
        ("samples_brick.jsonl", "jsonl"),
        ("outputs.jsonl", "jsonl"),
        ("2026-11-21_task.eval", "inspect"),
        ("model_outputs.json", "alpaca_eval"),
        ("scenario_state.json", "helm"),
        ("outputs.json", ""),
        ("outputs.csv", "csv"),
    ],
)
def test_file_s_name_tells_its_format(name, source):
    assert recognised(name) == source


@pytest.mark.parametrize(("path", "count"), [(LM_EVAL, 9), (HELM, 6), (ALPACA, 3)])
def test_log_is_imported_by_its_name_and_again_adds_nothing(study, path, count):
    first = bring(study, path)
    again = bring(study, path)

    assert (first.rows, first.added, again.added, again.unchanged) == (count, count, 0, count)
    assert list(study.prompts.values_list("text", flat=True)) == USES
    assert sorted(set(Output.objects.values_list("sample", flat=True))) == list(range(count // 3))


def test_logs_of_four_tools_meet_at_the_same_prompts(study):
    PromptFactory(study=study, key="brick", text=USES[0])

    bring(study, LM_EVAL, system="one")
    bring(study, HELM, system="two")
    bring(study, ALPACA, system="three")
    bring(study, INSPECT, system="four", leave_out_unanswered=True)

    brick = Prompt.objects.get(study=study, text=USES[0])
    assert brick.key == "brick"
    assert set(brick.outputs.values_list("system__name", flat=True)) == {"one", "two", "three", "four"}
    assert study.prompts.count() == 4  # Inspect asked about a brick and about something else


def test_samples_without_an_answer_refuse_the_log_whole(study):
    with pytest.raises(MaterialRefused) as refused:
        bring(study, INSPECT)

    assert [problem.row for problem in refused.value.problems] == [5, 6]
    assert not Output.objects.exists()


def test_samples_without_an_answer_are_left_out_when_allowed_and_stay_listed(study):
    job = bring(study, INSPECT, leave_out_unanswered=True)

    assert (job.added, job.unchanged) == (4, 0)
    assert job.message == ("4 outputs added (2 new prompts, 1 new system). 2 samples without an answer left out.")
    assert [problem["reason"] for problem in MaterialImport.objects.get(pk=job.pk).problems] == [
        f"sample 'fails', epoch {epoch}: ended in an error: RuntimeError('the sandbox is gone')" for epoch in (1, 2)
    ]
    assert Event.objects.get(study=study, name="material_imported").data["left_out"] == 2


def test_log_without_any_answer_says_so_and_why(study, tmp_path):
    path = tmp_path / LM_EVAL.name
    line = json.loads(LM_EVAL.read_text(encoding="utf-8").splitlines()[0])
    path.write_text(json.dumps({**line, "resps": [["", " "]]}) + "\n", encoding="utf-8")

    with pytest.raises(MaterialRefused, match="none of the 2 samples has an answer; the first: document 0"):
        bring(study, path, system="one", leave_out_unanswered=True)


def test_json_of_another_name_asks_for_its_format(study, tmp_path):
    path = tmp_path / "mine.json"
    path.write_bytes(ALPACA.read_bytes())

    with pytest.raises(MaterialRefused, match="may be a log of several tools; say which format it has"):
        bring(study, path)
    job = bring(study, path, source="alpaca_eval")

    assert job.added == 3


def test_name_of_a_system_is_for_logs_only(study, tmp_path):
    path = tmp_path / "outputs.csv"
    path.write_text("prompt,system,text\nA brick,baseline,A doorstop.\n", encoding="utf-8")

    with pytest.raises(MaterialRefused, match="a table names the system in every row"):
        bring(study, path, system="steered")


def test_known_systems_are_asked_for_of_logs_too(study):
    bring(study, ALPACA, system="baseline")

    with pytest.raises(MaterialRefused, match="unknown system 'basline'"):
        bring(study, ALPACA, system="basline", only_known_systems=True)
