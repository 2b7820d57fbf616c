"""Outputs from lm-evaluation-harness: `samples_<task>_<time>.jsonl`, which `--log_samples` writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from annotations.errors import Problem
from annotations.registry import OutputRecord, sources
from annotations.registry.cells import quoted
from annotations.registry.logs import LogSource

from .chats import Asked, read_messages, read_prompt
from .columns import json_fault
from .evaluation_logs import absent, beside, family_of, is_empty, key_of, metadata, require_system, short, system_name
from .evaluation_logs import unanswered as left_out
from .files import each_line, open_text, refusal

WHAT = "a samples file of lm-evaluation-harness (made with --log_samples)"
NAME = re.compile(
    r"samples_(?P<task>.+)_(?P<time>\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d(?:\.\d+)?)\.jsonl(?:\.gz)?", re.IGNORECASE
)
FIELDS = ("doc_id", "arguments", "resps")
CHOICE = (
    "this task asked how likely given answers are (multiple choice or perplexity), so the log holds no texts; "
    "bring the samples of a task with output_type generate_until"
)


@sources.register
class LmEval(LogSource):
    """One line a document and filter. Each response as the model gave it (`resps`) is an output, numbered by repeat.

    Filters only cut the same responses, so the lines of the first one are read; what it made of them stands in the
    metadata (`filtered`, `scores`). The prompt is the text that was sent, examples and all; of a chat it is the user's
    last message, also where a chat template was applied (see chats.py). Model and version stand in the
    `results_<time>.json` beside the file, else the folder is named after the model; of an uploaded file neither is
    known, and the system must be named.
    """

    name = "lm_eval"
    label = "lm-evaluation-harness samples"
    suffixes = (".jsonl", ".jsonl.gz")
    own_names = NAME

    def companions(self, name: str) -> tuple[str, ...]:
        """The results of the run."""
        found = NAME.fullmatch(name)
        return (f"results_{found['time']}.json",) if found else ()

    def samples(self, path: Path, *, file: str, system: str = "") -> Iterator[Any]:
        """Yield the responses of one line after the other."""
        run = _Run(path, file=file, system=system)
        with open_text(path, file=file) as stream:
            row = 0
            for found in _objects(stream, file=file):
                if isinstance(found, Problem):
                    if not run.checked:
                        raise refusal(file, f"is not {WHAT}: {found.reason}")
                    yield Problem(file, row + 1, found.column, found.reason)
                    row += 1
                    continue
                for item in run.read(found, row=row):
                    row += 1
                    yield item


def _objects(stream: Any, *, file: str) -> Iterator[Any]:
    """Yield the objects of the lines; for one that cannot be read a Problem that names the line."""
    for line in each_line(stream):
        fault, found = line.fault, None
        try:
            found = None if fault else json.loads(line.text)
        except (ValueError, RecursionError) as error:
            fault = f"is not JSON: {json_fault(error)}"
        yield Problem(file, line.number, "", f"line {line.number}: {fault}") if fault else found


class _Run:
    """One samples file: what is said of the whole of it, and how one of its lines is read."""

    def __init__(self, path: Path, *, file: str, system: str) -> None:
        self.file = file
        named = NAME.fullmatch(PurePath(file).name)
        there = NAME.fullmatch(path.name)
        self.task = named["task"] if named else ""
        self.where = f" (that stands in results_{named['time']}.json, as model_name)" if named else ""
        results = beside(path, f"results_{there['time']}.json") if there else {}
        self.version = results.get("lm_eval_version")
        folder = path.parent.name.replace("__", "/") if there else ""
        self.system = system or system_name(results.get("model_name")) or folder
        self.filter: str | None = None
        self.checked = False

    def read(self, found: Any, *, row: int) -> Iterator[Any]:
        """Yield a record or a problem for each response of a line."""
        if not self.checked:
            self._check(found)
        problem = self._fault(found, row=row + 1)
        if problem is not None:
            yield problem
            return
        if self.filter is None:
            self.filter = str(found.get("filter", ""))
        if str(found.get("filter", "")) != self.filter:
            return
        for place, responses in enumerate(found["resps"]):
            asked = _asked(found["arguments"], place)
            for number, text in enumerate(responses):
                row += 1
                name = f"document {found['doc_id']}, response {number + 1}"
                if not isinstance(text, str):
                    yield Problem(self.file, row, "resps", f"{name}: {CHOICE}")
                elif is_empty(text):
                    yield left_out(self.file, row, sample=name, reason="the response is empty")
                else:
                    yield self._record(found, asked, text=text, row=row, sample=number, place=place)

    def _check(self, found: Any) -> None:
        """Refuse by its first line what is another format, or has no texts, or no model."""
        refused = absent(found, names=FIELDS, file=self.file, what=WHAT)
        if refused is not None:
            raise refused
        if _settings(found["arguments"], 0) is None:  # only requests for a text have settings
            raise refusal(self.file, CHOICE, column="resps")
        require_system(self.system, file=self.file, where=self.where)
        self.checked = True

    def _fault(self, found: Any, *, row: int) -> Problem | None:
        missing = [name for name in FIELDS if not isinstance(found, Mapping) or name not in found]
        if missing:
            return Problem(self.file, row, missing[0], "is missing")
        responses = found["resps"]
        if not (isinstance(responses, list) and all(isinstance(one, list) for one in responses)):
            return Problem(self.file, row, "resps", "must be a list of lists")
        if not all(_asked(found["arguments"], place) for place in range(len(responses))):
            reason = f"document {quoted(found['doc_id'])}: there is no prompt for every response"
            return Problem(self.file, row, "arguments", reason)
        return None

    def _record(
        self, found: Mapping[str, Any], asked: Asked | None, *, text: str, row: int, sample: int, place: int
    ) -> OutputRecord:
        prompt = asked or Asked("")
        scores = {name: found[name] for name in found.get("metrics", ()) if found.get(name) is not None}
        said = metadata(
            "lm-evaluation-harness",
            self.version,
            task=self.task,
            doc_id=found["doc_id"],
            doc=short(found.get("doc")),
            target=short(found.get("target")),
            generation=short(_settings(found["arguments"], place)),
            scores=short(scores),
            filter=self.filter,
            filtered=short(_filtered(found, place)),
            **prompt.metadata,
        )
        name = found["doc_id"] if place == 0 else f"{found['doc_id']}-{place + 1}"
        key = key_of(self.task, name)
        return OutputRecord(row, prompt.text, self.system, text, sample, key, family_of(self.task), said)


def _argument(arguments: Any, place: int, number: int) -> Any:
    """Return an argument of a request; older versions wrote lists."""
    if isinstance(arguments, Mapping):
        request = arguments.get(f"gen_args_{place}", {})
        return request.get(f"arg_{number}") if isinstance(request, Mapping) else None
    try:
        return arguments[place][number]
    except (LookupError, TypeError):
        return None


def _asked(arguments: Any, place: int) -> Asked | None:
    sent = _argument(arguments, place, 0)
    if isinstance(sent, list) and len(sent) == 1 and isinstance(sent[0], str):  # a chat for an API, as JSON in a tuple
        sent = sent[0]
    if isinstance(sent, list) and all(isinstance(one, Mapping) for one in sent):
        return read_messages(sent)
    return read_prompt(sent) if isinstance(sent, str) else None


def _filtered(found: Mapping[str, Any], place: int) -> Any:
    """Return what the filter made of the responses, unless it only chose among them."""
    filtered = found.get("filtered_resps")
    chosen = isinstance(filtered, list) and all(one in found["resps"][place] for one in filtered)
    return None if chosen else filtered


def _settings(arguments: Any, place: int) -> Any:
    found = _argument(arguments, place, 1)
    return found if isinstance(found, Mapping) else None
