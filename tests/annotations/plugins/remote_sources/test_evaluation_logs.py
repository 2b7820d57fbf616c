"""Logs of evaluation tools at addresses: a folder of runs at once, with the files beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from annotations.domain import fetching
from annotations.enums import JobState
from annotations.errors import MaterialRefused, Problem
from annotations.models import Output
from annotations.registry import OutputRecord, Part, remote_sources
from tests.annotations.factories import PromptFactory, StudyFactory
from tests.annotations.plugins.remote_sources.web import Web

LOGS = Path(__file__).parent.parent / "sources" / "logs"
LM_EVAL = next(LOGS.glob("lm_eval/plain/*/samples_*.jsonl"))
RESULTS = next(LOGS.glob("lm_eval/plain/*/results_*.json"))
INSPECT = next(LOGS.glob("inspect/*unusual*.eval"))
BRICK = "Name an unusual use for a brick."


def fetched(*addresses: str, secrets: dict[str, str] | None = None, **settings: Any) -> list[Any]:
    source = remote_sources.get("evaluation_logs")
    clean = source.clean_settings({"addresses": list(addresses), **settings})
    return list(source.fetch(settings=clean, secrets=secrets or {}))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    shutil.copytree(LOGS, tmp_path / "runs", ignore=shutil.ignore_patterns("*.py", "*.md", "__pycache__"))
    return tmp_path / "runs"


def test_folder_of_runs_is_read_with_the_names_of_their_models(runs: Path) -> None:
    found = fetched(
        f"{runs}/lm_eval/plain/*/samples_*.jsonl", f"{runs}/*/scenario_state.json", f"{runs}/*/model_outputs.json"
    )

    records = [item for item in found if isinstance(item, OutputRecord)]
    assert len([item for item in found if isinstance(item, Part)]) == 3
    assert [item.row for item in records] == list(range(1, 19))
    assert {item.system for item in records} == {"tiny-random", "huggingface/tiny-random"}
    assert records[0].metadata["tool_version"] == "0.4.13"


def test_log_on_the_web_takes_the_results_beside_it_along(web: Web) -> None:
    web.files[f"/runs/{LM_EVAL.name}"] = LM_EVAL.read_bytes()
    web.files[f"/runs/{RESULTS.name}"] = RESULTS.read_bytes().replace(b'"tiny-random"', b'"org/steered"')

    found = fetched(web.url(f"/runs/{LM_EVAL.name}"))

    assert {item.system for item in found if isinstance(item, OutputRecord)} == {"org/steered"}


def test_log_without_results_is_named_after_its_folder_or_by_hand(web: Web) -> None:
    web.files[f"/org__model/{LM_EVAL.name}"] = LM_EVAL.read_bytes()
    address = web.url(f"/org__model/{LM_EVAL.name}")

    folder, given = fetched(address), fetched(address, system_name="steered")

    assert {item.system for item in folder if isinstance(item, OutputRecord)} == {"org/model"}
    assert {item.system for item in given if isinstance(item, OutputRecord)} == {"steered"}


def test_name_that_tells_no_tool_asks_for_the_format(runs: Path) -> None:
    path = runs / "mine.json"
    shutil.copy(runs / "alpaca_eval" / "model_outputs.json", path)

    with pytest.raises(MaterialRefused, match="the name tells no tool; choose the format"):
        fetched(str(path))

    assert len(fetched(str(path), format="alpaca_eval")) == 4


def test_problems_name_the_whole_address_and_samples_without_answer_stay_problems(runs: Path) -> None:
    address = f"{runs}/inspect/{INSPECT.name}"

    found = fetched(address)

    assert {item.file for item in found if isinstance(item, Problem)} == {address}
    with pytest.raises(MaterialRefused) as refused:
        fetched(f"{runs}/lm_eval/choice/*/samples_*.jsonl")
    assert refused.value.problems[0].file.startswith(f"{runs}/lm_eval/choice/")


@pytest.mark.parametrize("leave_out", [True, False])
def test_fetched_logs_meet_the_study_s_prompts_and_leave_out_what_is_allowed(
    db: None, runs: Path, *, leave_out: bool
) -> None:
    study = StudyFactory(prompts=0, systems=())
    PromptFactory(study=study, key="brick", text=BRICK, declared=True)
    before, log = f"{runs}/lm_eval/plain/*/samples_*.jsonl", f"{runs}/inspect/{INSPECT.name}"
    settings = {"addresses": [before, log], "leave_out_unanswered": leave_out}

    queued = fetching.queue_fetch(study=study, source="evaluation_logs", settings=settings)
    job = fetching.run_fetch(material_import_id=queued.pk)

    assert job.state == (JobState.DONE if leave_out else JobState.REFUSED)
    assert [(one["file"], one["row"]) for one in job.problems] == [(log, 5), (log, 6)]
    assert Output.objects.filter(prompt__key="brick").count() == (5 if leave_out else 0)
