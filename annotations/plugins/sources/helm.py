"""Outputs from HELM: the `scenario_state.json` of a run, read one request at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ijson

from annotations.errors import Problem
from annotations.registry import OutputRecord, sources
from annotations.registry.cells import quoted
from annotations.registry.logs import LogSource

from .chats import Asked, clipped, read_messages
from .evaluation_logs import (
    BROKEN,
    beside,
    big_json,
    family_of,
    fault,
    is_empty,
    items,
    key_of,
    metadata,
    require_system,
    short,
    system_name,
)
from .evaluation_logs import unanswered as left_out
from .files import refusal

WHAT = "a scenario_state.json of HELM (an object with 'adapter_spec' and 'request_states')"
NO_TEXTS = re.compile(r"multiple_choice|language_modeling|ranking")
SETTINGS = ("temperature", "max_tokens", "num_outputs", "stop_sequences", "method")


@sources.register
class Helm(LogSource):
    """One request a sample; each of its completions is an output, numbered over trials and completions.

    The prompt is the instance's own text. What HELM wrote around it (instructions, examples) is kept in the metadata as
    `prompt_as_sent`. The name of the run stands in the `run_spec.json` beside the file; without it, as in an upload,
    the task is unknown and prompts are told apart by their text. HELM does not write its version into its files.
    """

    name = "helm"
    label = "HELM scenario_state.json"
    suffixes = (".json", ".json.gz")
    own_names = re.compile(r"scenario_state.*\.json(\.gz)?")

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002
        """What the run is called."""
        return ("run_spec.json",)

    def samples(self, path: Path, *, file: str, system: str = "") -> Iterator[Any]:
        """Yield the completions of one request after the other."""
        adapter = _adapter(path, file=file)
        method = str(adapter.get("method", ""))
        if NO_TEXTS.match(method):
            reason = f"the run used the method {quoted(method)}, whose answers are letters or likelihoods, not texts"
            raise refusal(file, f"{reason}; bring a run with 'generation' or 'chat'")
        task = str(beside(path, "run_spec.json").get("name", "")).partition(":")[0]
        run = _Run(file, adapter, task=task, system=system)
        row = 0
        with big_json(path, file=file, first="start_map", what=WHAT) as stream:
            for found in items(stream, "request_states.item", file=file):
                if isinstance(found, Problem):
                    yield Problem(file, row + 1, found.column, found.reason)
                    return
                for item in run.read(found, row=row):
                    row += 1
                    yield item


def _adapter(path: Path, *, file: str) -> Mapping[str, Any]:
    """Return the adapter's settings, which stand at the head of the file."""
    with big_json(path, file=file, first="start_map", what=WHAT) as stream:
        try:
            found = next(ijson.items(stream, "adapter_spec", use_float=True), None)
        except BROKEN as error:
            raise refusal(file, f"is not {WHAT}: {fault(error)}") from error
    if not isinstance(found, Mapping):
        raise refusal(file, f"is not {WHAT}")
    return found


class _Run:
    """One scenario state: what is said of the whole of it, and how a request is read."""

    def __init__(self, file: str, adapter: Mapping[str, Any], *, task: str, system: str) -> None:
        self.file, self.task, self.adapter = file, task, adapter
        self.given = system
        self.model = str(adapter.get("model") or adapter.get("model_deployment") or "")
        self.outputs = max(1, int(adapter.get("num_outputs") or 1))

    def read(self, found: Mapping[str, Any], *, row: int) -> Iterator[Any]:
        """Yield a record or a problem for each completion of a request."""
        instance, request = _object(found, "instance"), _object(found, "request")
        result = _object(found, "result")
        name = f"instance {instance.get('id', row + 1)}"
        if found.get("reference_index") is not None:
            yield Problem(self.file, row + 1, "", f"{name}: asks about a given answer, so there is no text")
            return
        completions = result.get("completions") or []
        if not result.get("success", False) or not completions:
            reason = str(result.get("error") or "there is no completion")
            yield left_out(self.file, row + 1, sample=name, reason=f"the request failed: {reason}")
            return
        asked = _asked(instance, request)
        model = self.given or system_name(request.get("model") or self.model)
        require_system(model, file=self.file)
        trial = int(found.get("train_trial_index") or 0)
        for number, completion in enumerate(completions):
            row += 1
            text, why = str(completion.get("text") or ""), _object(completion, "finish_reason").get("reason")
            if is_empty(text):
                reason = f"completion {number + 1} is empty" + (f" (finish reason {why})" if why else "")
                yield left_out(self.file, row, sample=name, reason=reason)
                continue
            said = self._metadata(found, asked, finish_reason=why)
            sample = trial * self.outputs + number
            yield OutputRecord(row, asked.text, model, text, sample, self._key(instance), family_of(self.task), said)

    def _key(self, instance: Mapping[str, Any]) -> str:
        changed = _object(instance, "perturbation").get("name")
        name = instance.get("id")
        return key_of(self.task, f"{name}-{changed}" if changed else name) if name else ""

    def _metadata(self, found: Mapping[str, Any], asked: Asked, *, finish_reason: Any) -> dict[str, Any]:
        instance, request = _object(found, "instance"), _object(found, "request")
        return metadata(
            "helm",
            None,
            task=self.task,
            instance=instance.get("id"),
            split=instance.get("split"),
            perturbation=short(instance.get("perturbation")),
            trial=found.get("train_trial_index"),
            model_deployment=request.get("model_deployment"),
            generation={name: short(self.adapter[name]) for name in SETTINGS if name in self.adapter},
            finish_reason=finish_reason,
            prompt_truncated=found.get("prompt_truncated") or None,
            scores=short(found.get("annotations")),
            **asked.metadata,
        )


def _asked(instance: Mapping[str, Any], request: Mapping[str, Any]) -> Asked:
    """Return what stands in the instance; an instance that is a conversation gives its last message."""
    entry, sent = _object(instance, "input"), str(request.get("prompt") or "")
    messages = entry.get("messages") or (None if entry.get("text") else request.get("messages"))
    if messages:
        return read_messages(messages)
    text = str(entry.get("text") or sent)
    kept = {"prompt_as_sent": clipped(sent)} if sent.strip() and sent.strip() != text.strip() else {}
    return Asked(text, kept)


def _object(found: Any, name: str) -> Mapping[str, Any]:
    value = found.get(name) if isinstance(found, Mapping) else None
    return value if isinstance(value, Mapping) else {}
