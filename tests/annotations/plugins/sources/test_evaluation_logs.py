"""Logs of evaluation tools, as the tools wrote them (see logs/README.md): every sample arrives or is named."""

import gzip
import json
import math
import shutil
import tracemalloc
from pathlib import Path

import pytest

from annotations.errors import MaterialRefused, Problem
from annotations.plugins.sources import inspect_log
from annotations.registry import OutputRecord, sources
from annotations.registry.logs import LogSource, UnansweredProblem

LOGS = Path(__file__).parent / "logs"
PLAIN = next(LOGS.glob("lm_eval/plain/*/samples_*.jsonl"))
CHAT = next(LOGS.glob("lm_eval/chat/*/samples_*.jsonl"))
CHOICE = next(LOGS.glob("lm_eval/choice/*/samples_*.jsonl"))
INSPECT = next(LOGS.glob("inspect/*unusual*.eval"))
ALPACA = LOGS / "alpaca_eval" / "model_outputs.json"
HELM = LOGS / "helm" / "scenario_state.json"
FILES = {"lm_eval": PLAIN, "inspect": INSPECT, "alpaca_eval": ALPACA, "helm": HELM}
USES = [f"Name an unusual use for a {thing}." for thing in ("brick", "spoon", "hat")]
SYSTEM_PROMPT = "You answer in one short sentence."


def read(name, path, *, system="", file=""):
    return list(sources.get(name).samples(path, file=file or path.name, system=system))


def refused(name, path, **more):
    with pytest.raises(MaterialRefused) as caught:
        read(name, path, **more)
    [problem] = caught.value.problems
    return problem.reason


def cells(found):
    return [(one.prompt, one.sample) for one in found]


@pytest.fixture
def lines():
    return [json.loads(line) for line in PLAIN.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def state():
    return json.loads(HELM.read_text(encoding="utf-8"))


def write_lines(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_json(path, value):
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", FILES)
def test_log_yields_outputs_that_say_tool_and_can_be_stored(name):
    found = [one for one in read(name, FILES[name]) if isinstance(one, OutputRecord)]

    assert found
    assert [one.row for one in found] == list(range(1, len(found) + 1))
    for one in found:
        assert one.metadata["tool"]
        assert json.loads(json.dumps(one.metadata, allow_nan=False)) == one.metadata
        assert one.prompt.strip()
        assert one.text.strip()


@pytest.mark.parametrize("name", FILES)
def test_the_system_may_be_named_by_hand(name):
    found = [one for one in read(name, FILES[name], system="steered") if isinstance(one, OutputRecord)]

    assert {one.system for one in found} == {"steered"}


@pytest.mark.parametrize("name", FILES)
def test_name_that_the_tool_gives_its_files_is_recognised(name):
    owners = [one.name for one in sources if isinstance(one, LogSource) and one.own_names.fullmatch(FILES[name].name)]

    assert owners == [name]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("other", [*FILES, "outputs"])
def test_log_of_another_tool_is_refused_whole(name, other, tmp_path):
    if name == other:
        pytest.skip("its own")
    path = FILES.get(other) or write_lines(tmp_path / "o.jsonl", [{"prompt": "p", "system": "s", "text": "t"}])

    reason = refused(name, path, system="any")

    assert "is not a" in reason or "not text" in reason


# lm-evaluation-harness


def test_lm_eval_yields_each_repeat_once_although_two_filters_wrote_it(lines):
    found = read("lm_eval", PLAIN)

    assert len(lines) == 6  # 3 documents × 2 filters
    assert cells(found) == [(prompt, sample) for prompt in USES for sample in range(3)]
    assert [one.text for one in found] == [text for line in lines[:3] for text in line["resps"][0]]


def test_lm_eval_takes_model_and_version_from_the_results_beside_it():
    first = read("lm_eval", PLAIN)[0]

    assert (first.system, first.task_family, first.prompt_key) == ("tiny-random", "unusual_uses", "unusual_uses-0")
    assert first.metadata["tool"] == "lm-evaluation-harness"
    assert first.metadata["tool_version"] == "0.4.13"
    assert first.metadata["doc"] == {"thing": "brick"}
    assert first.metadata["generation"]["temperature"] == 1.0


def test_lm_eval_reads_a_chat_template_as_the_user_s_message():
    found = read("lm_eval", CHAT)

    assert "<|im_start|>" in CHAT.read_text(encoding="utf-8")
    assert cells(found) == [(prompt, sample) for prompt in USES for sample in range(3)]
    assert {one.metadata["system_prompt"] for one in found} == {SYSTEM_PROMPT}


def test_lm_eval_reads_a_chat_for_an_api_as_the_user_s_message(lines, tmp_path):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What now?"}]
    lines[0]["arguments"]["gen_args_0"]["arg_0"] = [json.dumps(messages)]

    found = read("lm_eval", write_lines(tmp_path / "samples.jsonl", lines[:1]), system="s")

    assert {one.prompt for one in found} == {"What now?"}
    assert found[0].metadata["system_prompt"] == "Be brief."


def test_lm_eval_reads_the_lists_of_older_versions(lines, tmp_path):
    old = [{**line, "arguments": [list(line["arguments"]["gen_args_0"].values())]} for line in lines[:3]]

    found = read("lm_eval", write_lines(tmp_path / "samples.jsonl", old), system="s")

    assert cells(found) == [(prompt, sample) for prompt in USES for sample in range(3)]


def test_inspect_log_in_json_says_how_it_becomes_an_eval_log(tmp_path):
    path = tmp_path / "log.json"
    path.write_text('{"version": 2, "status": "success"}', encoding="utf-8")

    assert "inspect log convert --to eval" in refused("inspect", path)


def test_lm_eval_upload_without_its_folder_asks_for_the_system_and_keeps_the_task(tmp_path):
    upload = tmp_path / "upload"
    shutil.copy(PLAIN, upload)

    reason = refused("lm_eval", upload, file=PLAIN.name)
    found = read("lm_eval", upload, file=PLAIN.name, system="steered")

    results = next(PLAIN.parent.glob("results_*")).name
    said = f"the log does not say which model wrote it (that stands in {results}, as model_name)"
    assert reason == f"{said}; type the name of the system beside the file"
    assert (found[0].system, found[0].prompt_key) == ("steered", "unusual_uses-0")


def test_lm_eval_folder_names_the_model_when_the_results_are_gone(tmp_path):
    folder = tmp_path / "org__small-model"
    folder.mkdir()
    shutil.copy(PLAIN, folder)

    found = read("lm_eval", folder / PLAIN.name)

    assert {one.system for one in found} == {"org/small-model"}


def test_lm_eval_says_that_multiple_choice_has_no_texts():
    assert refused("lm_eval", CHOICE).startswith("this task asked how likely given answers are (multiple choice")


def test_lm_eval_empty_response_is_named_and_the_others_arrive(lines, tmp_path):
    lines[1]["resps"][0][2] = "  \n"

    found = read("lm_eval", write_lines(tmp_path / "samples.jsonl", lines), system="s")

    [problem] = [one for one in found if isinstance(one, Problem)]
    assert isinstance(problem, UnansweredProblem)
    assert (problem.row, problem.reason) == (6, "document 1, response 3: the response is empty")
    assert len(found) == 9


def test_lm_eval_broken_line_is_named_and_the_others_arrive(tmp_path):
    text = PLAIN.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "samples.jsonl"
    path.write_text("\n".join([text[0], text[1][:50], "17", text[2]]), encoding="utf-8")

    found = read("lm_eval", path, system="s")

    reasons = [one.reason for one in found if isinstance(one, Problem)]
    assert len([one for one in found if isinstance(one, OutputRecord)]) == 6
    assert [reason.partition(":")[0] for reason in reasons] == ["line 2", "is missing"]


def test_lm_eval_score_that_is_no_number_can_be_stored(lines, tmp_path):
    row = {**lines[0], "metrics": ["bleu"], "bleu": math.nan}

    found = read("lm_eval", write_lines(tmp_path / "samples.jsonl", [row]), system="s")

    assert found[0].metadata["scores"] == {"bleu": "nan"}


# Inspect


def test_inspect_yields_epochs_as_samples_and_names_those_that_failed():
    found = read("inspect", INSPECT)

    records = [one for one in found if isinstance(one, OutputRecord)]
    failed = [one for one in found if isinstance(one, Problem)]
    assert [(one.prompt_key, one.sample) for one in records] == [
        (f"unusual_uses-{name}", epoch) for name in ("brick", "hat") for epoch in (0, 1)
    ]
    assert all(isinstance(one, UnansweredProblem) for one in failed)
    assert [(one.row, one.reason) for one in failed] == [
        (row, f"sample 'fails', epoch {row - 4}: ended in an error: RuntimeError('the sandbox is gone')")
        for row in (5, 6)
    ]


def test_inspect_keeps_scores_stop_reason_and_system_prompt():
    first = read("inspect", INSPECT)[0]

    assert (first.system, first.task_family, first.prompt) == ("hf/local", "unusual_uses", USES[0])
    assert first.metadata["tool_version"] == "0.3.285"
    assert first.metadata["scores"] == {"words": len(first.text.split())}
    assert first.metadata["stop_reason"] == "unknown"
    assert first.metadata["system_prompt"] == SYSTEM_PROMPT
    assert first.metadata["generation"] == {"temperature": 1.0, "max_tokens": 24, "seed": 1}


def test_inspect_conversation_becomes_its_last_message():
    third = read("inspect", INSPECT)[2]

    assert third.prompt == "Invent something for a hat."
    assert third.metadata["earlier_messages"] == [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Hello, what is it?"},
    ]


def test_inspect_reads_several_choices_long_texts_and_says_what_is_empty(tmp_path):
    from inspect_ai.log import read_eval_log, write_eval_log

    log = read_eval_log(INSPECT)
    long = "A long instruction of many words. " * 300
    for sample in log.samples:
        sample.error = None
        sample.input = long
        sample.output.choices = [
            sample.output.choices[0] if sample.output.choices else log.samples[0].output.choices[0],
            log.samples[0].output.choices[0].model_copy(deep=True),
        ]
    [second] = [one for one in log.samples if (one.id, one.epoch) == ("brick", 2)]
    second.output.choices[1].message.content = ""
    second.output.choices[1].stop_reason = "max_tokens"
    path = tmp_path / "made.eval"
    write_eval_log(log, path)

    found = read("inspect", path)

    assert [one.sample for one in found if isinstance(one, OutputRecord)] == [0, 1, 2, 0, 1, 2, 3, 0, 1, 2, 3]
    assert {one.prompt for one in found if isinstance(one, OutputRecord)} == {long}
    [empty] = [one for one in found if isinstance(one, Problem)]
    assert empty.reason == "sample 'brick', epoch 2: the answer is empty (stop reason max_tokens)"


def test_inspect_run_that_ended_early_says_how_many_samples_are_not_there(tmp_path):
    from inspect_ai.log import read_eval_log, write_eval_log

    log = read_eval_log(INSPECT)
    log.samples, log.status = log.samples[:2], "cancelled"
    path = tmp_path / "cut.eval"
    write_eval_log(log, path)

    found = read("inspect", path)

    assert [one.row for one in found] == [1, 2, 3]
    assert found[0].prompt_key == "unusual_uses-brick"
    assert found[-1].reason == "the run ended as 'cancelled': 4 of 6 samples are not there"


def test_inspect_log_that_is_damaged_is_refused(tmp_path):
    path = tmp_path / "damaged.eval"
    path.write_bytes(INSPECT.read_bytes()[:3000])

    assert refused("inspect", path).startswith("is not an .eval log of Inspect that can be read: ")


def test_inspect_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setattr(inspect_log, "find_spec", lambda name: None)

    assert refused("inspect", INSPECT) == (
        "reading Inspect logs needs the package inspect-ai; install it with: pip install 'evalplatform[logs]'"
    )


# AlpacaEval


def test_alpaca_eval_yields_one_output_an_instruction():
    found = read("alpaca_eval", ALPACA)

    assert cells(found) == [(prompt, 0) for prompt in USES]
    assert {(one.system, one.task_family, one.prompt_key) for one in found} == {("tiny-random", "things", "")}
    assert found[0].text == json.loads(ALPACA.read_text(encoding="utf-8"))[0]["output"]


def test_alpaca_eval_numbers_repeats_and_keeps_further_fields(tmp_path):
    row = {"instruction": "Why?", "input": "The sky.", "output": "So.", "generator": "g", "dataset": "d", "seed": 3}
    rows = [row, row, {**row, "generator": "h"}, {**row, "output": ""}, {**row, "output": None}, 17]

    found = read("alpaca_eval", write_json(tmp_path / "o.json", rows))

    assert [(one.system, one.sample) for one in found[:3]] == [("g", 0), ("g", 1), ("h", 0)]
    assert (found[0].prompt, found[0].metadata["fields"]) == ("Why?\n\nThe sky.", {"seed": 3})
    assert [type(one) for one in found[3:]] == [UnansweredProblem, UnansweredProblem, Problem]
    assert found[5].reason == "must be a JSON object, is a number"


def test_alpaca_eval_output_without_a_generator_asks_for_the_system(tmp_path):
    path = write_json(tmp_path / "o.json", [{"instruction": "Why?", "output": "So."}])

    assert refused("alpaca_eval", path).startswith("the log does not say which model wrote it")


# HELM


def test_helm_yields_every_completion_under_the_instance_s_own_text():
    found = read("helm", HELM)

    assert cells(found) == [(prompt, sample) for prompt in USES for sample in (0, 1)]
    assert {one.system for one in found} == {"huggingface/tiny-random"}
    assert found[0].metadata["prompt_as_sent"] == f"{SYSTEM_PROMPT}\n{USES[0]}\n"
    assert found[0].metadata["generation"]["num_outputs"] == 2


def test_helm_takes_the_task_from_the_run_beside_it(tmp_path):
    shutil.copy(HELM, tmp_path)
    write_json(tmp_path / "run_spec.json", {"name": "unusual_uses:model=huggingface_tiny-random"})

    found = read("helm", tmp_path / HELM.name)

    assert {one.task_family for one in found} == {"unusual_uses"}
    assert [one.prompt_key for one in found[::2]] == [f"unusual_uses-id{number}" for number in range(3)]


def test_helm_numbers_trials_and_tells_perturbed_instances_apart(state, tmp_path):
    first, second = state["request_states"][:2]
    again = json.loads(json.dumps(first)) | {"train_trial_index": 1}
    second["instance"]["perturbation"] = {"name": "typos"}
    state["request_states"] = [first, again, second]
    write_json(tmp_path / "run_spec.json", {"name": "task:model=m"})

    found = read("helm", write_json(tmp_path / "scenario_state.json", state))

    assert [(one.prompt_key, one.sample) for one in found] == [
        ("task-id0", 0),
        ("task-id0", 1),
        ("task-id0", 2),
        ("task-id0", 3),
        ("task-id1-typos", 0),
        ("task-id1-typos", 1),
    ]


def test_helm_failed_requests_and_empty_completions_are_named(state, tmp_path):
    first, second = state["request_states"][:2]
    first["result"] |= {"success": False, "error": "the server\nis down", "completions": []}
    second["result"]["completions"][1] |= {"text": "", "finish_reason": {"reason": "length"}}

    found = read("helm", write_json(tmp_path / "s.json", state))

    left = [one for one in found if isinstance(one, UnansweredProblem)]
    assert [(one.row, one.reason) for one in left] == [
        (1, "instance id0: the request failed: the server is down"),
        (3, "instance id1: completion 2 is empty (finish reason length)"),
    ]
    assert len(found) == 5


def test_helm_run_whose_answers_are_letters_is_refused(state, tmp_path):
    state["adapter_spec"]["method"] = "multiple_choice_joint"

    reason = refused("helm", write_json(tmp_path / "s.json", state))

    assert reason.startswith("the run used the method 'multiple_choice_joint', whose answers are letters")


def test_helm_chat_becomes_the_user_s_last_message(state, tmp_path):
    one = state["request_states"][0]
    one["instance"]["input"] = {
        "messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Who is there?"}]
    }

    found = read("helm", write_json(tmp_path / "s.json", state))

    assert (found[0].prompt, found[0].metadata["system_prompt"]) == ("Who is there?", "Be kind.")


@pytest.mark.parametrize("name", ["helm", "alpaca_eval"])
def test_big_json_that_is_cut_off_yields_what_came_before_and_says_so(name, tmp_path):
    path = tmp_path / "cut.json"
    path.write_bytes(FILES[name].read_bytes()[:-200])

    found = read(name, path)

    assert isinstance(found[0], OutputRecord)
    assert found[-1].row == len(found)
    assert found[-1].reason.startswith("the JSON cannot be read: ")
    assert found[-1].reason.endswith("; the rest of the file was not read")


@pytest.mark.parametrize("name", ["helm", "alpaca_eval", "lm_eval"])
def test_packed_logs_are_read_too(name, tmp_path):
    path = tmp_path / f"{FILES[name].name}.gz"
    path.write_bytes(gzip.compress(FILES[name].read_bytes()))

    found = read(name, path, system="s")

    assert [one.text for one in found] == [one.text for one in read(name, FILES[name])]


def test_big_json_is_never_whole_in_memory(state, tmp_path):
    one = json.dumps(state["request_states"][0])
    head = json.dumps(state["adapter_spec"])
    path = tmp_path / "large.json"
    path.write_text(f'{{"adapter_spec": {head}, "request_states": [{", ".join([one] * 1500)}]}}', encoding="utf-8")
    size = path.stat().st_size

    tracemalloc.start()
    count = sum(1 for _ in sources.get("helm").samples(path, file="large.json"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert count == 3000
    assert size > 5_000_000
    assert peak < size / 4  # one request and the buffers; the parsed whole would take several times the file
