"""Outputs from Inspect: an `.eval` log, read by Inspect's own reader, one sample at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from annotations.registry import OutputRecord, sources
from annotations.registry.logs import LogSource

from .chats import Asked, clipped, read_messages
from .evaluation_logs import family_of, is_empty, key_of, metadata, require_system, short, system_name
from .evaluation_logs import unanswered as left_out
from .files import check_file, refusal

MISSING = "reading Inspect logs needs the package inspect-ai; install it with: pip install 'evalplatform[logs]'"
ZIP = b"PK\x03\x04"
WHAT = "an .eval log of Inspect"
CONVERT = "inspect log convert --to eval --output-dir DIR FILE"
AS_JSON = f"is not {WHAT} but JSON; what Inspect wrote as JSON becomes one by: {CONVERT}"
AT_ONCE = 16  # samples in memory
HEAVY = {"events", "events_data", "store", "timelines"}  # what a transcript holds beside the answer
SETTINGS = (
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "seed",
    "num_choices",
    "frequency_penalty",
    "presence_penalty",
)


@sources.register
class InspectLog(LogSource):
    """One sample and epoch; each choice of its output is an output of ours, numbered over epochs and choices.

    The prompt is the sample's input, of a conversation its last message by the user; the system prompt that a solver
    put before it, and the message as a solver rewrote it, are kept in the metadata. Samples with an error or an empty
    answer are reported as such, and so is it when a run that ended early holds fewer samples than it should.
    """

    name = "inspect"
    label = "Inspect .eval log"
    suffixes = (".eval",)
    own_names = re.compile(r".+\.eval")

    def samples(self, path: Path, *, file: str, system: str = "") -> Iterator[Any]:
        """Yield the choices of one sample after the other."""
        check_file(path, file=file)
        with path.open("rb") as raw:
            head = raw.read(4)
        if head.lstrip().startswith(b"{"):
            raise refusal(file, AS_JSON)
        if head != ZIP:
            raise refusal(file, f"is not {WHAT}")
        if find_spec("inspect_ai") is None:
            raise refusal(file, MISSING)
        run = _Run(path, file=file, system=system)
        row = read = 0
        for sample in run.read():
            read += 1
            for item in run.items(sample, row=row):
                row += 1
                yield item
        if read < run.expected:
            reason = f"{run.expected - read:,} of {run.expected:,} samples are not there"
            yield left_out(file, row + 1, sample=f"the run ended as '{run.header.status}'", reason=reason)


class _Run:
    """One log: its header, and how a sample is read."""

    def __init__(self, path: Path, *, file: str, system: str) -> None:
        from inspect_ai.log import read_eval_log

        self.path, self.file = path, file
        try:
            self.header = read_eval_log(path, header_only=True, format="eval")
        except Exception as error:  # Inspect raises whatever zipfile, JSON and pydantic raise
            raise refusal(file, f"is not {WHAT} that can be read: {_first_line(error)}") from error
        spec = self.header.eval
        self.task = str(spec.task)
        self.system = system or require_system(system_name(spec.model), file=file)
        self.version = spec.packages.get("inspect_ai")
        self.expected = len(spec.dataset.sample_ids or ()) * (spec.config.epochs or 1)
        config = self.header.plan.config.model_dump(exclude_none=True)
        self.generation = {name: config[name] for name in SETTINGS if name in config}

    def read(self) -> Iterator[Any]:
        """Yield the samples that are there, a few read at a time: one by one the archive's index is read for each."""
        from inspect_ai.log import read_eval_log_sample_summaries, read_eval_log_samples_by_id

        try:
            there = [(one.id, one.epoch) for one in read_eval_log_sample_summaries(self.path, format="eval")]
            places = {name: place for place, name in enumerate(self.header.eval.dataset.sample_ids or ())}
            there.sort(key=lambda one: (places.get(one[0], len(places)), one[1]))
            for start in range(0, len(there), AT_ONCE):
                yield from read_eval_log_samples_by_id(
                    self.path,
                    there[start : start + AT_ONCE],
                    resolve_attachments="core",
                    format="eval",
                    exclude_fields=HEAVY,
                )
        except Exception as error:
            raise refusal(self.file, f"a sample cannot be read: {_first_line(error)}") from error

    def items(self, sample: Any, *, row: int) -> Iterator[Any]:
        """Yield a record or a problem for each choice of a sample."""
        name = f"sample '{sample.id}', epoch {sample.epoch}"
        if sample.error is not None:
            yield left_out(self.file, row + 1, sample=name, reason=f"ended in an error: {sample.error.message}")
            return
        choices = sample.output.choices
        if not choices:
            yield left_out(self.file, row + 1, sample=name, reason=f"there is no answer{_limit(sample)}")
            return
        asked = _asked(sample)
        for number, choice in enumerate(choices):
            row += 1
            text = choice.message.text
            if is_empty(text):
                reason = f"the answer is empty (stop reason {choice.stop_reason}){_limit(sample)}"
                yield left_out(self.file, row, sample=name, reason=reason)
                continue
            place = (sample.epoch - 1) * len(choices) + number
            said = self._metadata(sample, asked, stop_reason=choice.stop_reason)
            key = key_of(self.task, sample.id)
            yield OutputRecord(row, asked.text, self.system, text, place, key, family_of(self.task), said)

    def _metadata(self, sample: Any, asked: Asked, *, stop_reason: str) -> dict[str, Any]:
        scores = {name: score.value for name, score in (sample.scores or {}).items()}
        return metadata(
            "inspect",
            self.version,
            task=self.task,
            sample_id=sample.id,
            epoch=sample.epoch,
            model=self.header.eval.model,
            model_said=sample.output.model,
            stop_reason=stop_reason,
            limit=sample.limit.type if sample.limit else None,
            scores=short(scores),
            target=short(sample.target),
            generation=short(self.generation),
            sample_metadata=short(sample.metadata),
            **asked.metadata,
        )


def _asked(sample: Any) -> Asked:
    """Return the sample's input, and for the metadata what the solvers made of it."""
    if isinstance(sample.input, str):
        asked = Asked(sample.input)
    else:
        asked = read_messages({"role": one.role, "content": one.text} for one in sample.input)
    sent = read_messages(
        {"role": one.role, "content": one.text} for one in sample.messages if one.role in ("system", "user")
    )
    kept = dict(asked.metadata)
    if "system_prompt" in sent.metadata:
        kept["system_prompt"] = sent.metadata["system_prompt"]
    if sent.text.strip() and sent.text.strip() != asked.text.strip():
        kept["prompt_as_sent"] = clipped(sent.text)
    return Asked(asked.text, kept)


def _limit(sample: Any) -> str:
    return f", stopped by the {sample.limit.type} limit" if sample.limit else ""


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__
