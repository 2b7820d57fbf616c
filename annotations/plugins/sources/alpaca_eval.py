"""Outputs from AlpacaEval: the `model_outputs.json` of one or several generators, an array of objects."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from annotations.errors import Problem
from annotations.registry import OutputRecord, sources
from annotations.registry.cells import kind_of, quoted
from annotations.registry.logs import LogSource

from .evaluation_logs import absent, big_json, family_of, is_empty, items, metadata, plain, require_system, system_name
from .evaluation_logs import unanswered as left_out

WHAT = "a model_outputs.json of AlpacaEval (an array of objects with 'instruction' and 'output')"
FIELDS = ("instruction", "output")
NO_METADATA = {*FIELDS, "generator", "dataset", "input"}


@sources.register
class AlpacaEval(LogSource):
    """One object an output: `instruction` is the prompt, `generator` the system, `dataset` the task family.

    An `input`, which older data sets have, is put below the instruction. The file has no numbers: the same instruction
    several times by one generator is as many samples, in the order of the file. Nor does it say the tool's version.
    """

    name = "alpaca_eval"
    label = "AlpacaEval model_outputs.json"
    suffixes = (".json", ".json.gz")
    own_names = re.compile(r"model_outputs.*\.json(\.gz)?")

    def samples(self, path: Path, *, file: str, system: str = "") -> Iterator[Any]:
        """Yield the objects of the array, one at a time."""
        seen: Counter[bytes] = Counter()
        with big_json(path, file=file, first="start_array", what=WHAT) as stream:
            for row, found in enumerate(items(stream, "item", file=file), start=1):
                if isinstance(found, Problem):
                    yield found
                    return
                refused = absent(found, names=FIELDS, file=file, what=WHAT) if row == 1 else None
                if refused is not None:
                    raise refused
                if not isinstance(found, Mapping):
                    yield Problem(file, row, "", f"must be a JSON object, is {kind_of(found)}")
                    continue
                yield _record(found, seen, row=row, file=file, system=system)


def _record(found: Mapping[str, Any], seen: Counter[bytes], *, row: int, file: str, system: str) -> Any:
    for name in FIELDS:
        if not isinstance(found.get(name), str):
            kind = kind_of(found.get(name))
            if name == "output" and found.get(name) is None:
                return left_out(file, row, sample=f"instruction {quoted(found['instruction'])}", reason="has no output")
            return Problem(file, row, name, f"must be text, is {kind}")
    prompt, text = found["instruction"], found["output"]
    if found.get("input"):
        prompt = f"{prompt}\n\n{found['input']}"
    if is_empty(text):
        return left_out(file, row, sample=f"instruction {quoted(prompt)}", reason="the output is empty")
    name = system or require_system(system_name(found.get("generator")), file=file)
    cell = hashlib.sha256(f"{name}\0{prompt}".encode(errors="replace")).digest()
    number = seen[cell]
    seen[cell] += 1
    more = {key: plain(value) for key, value in found.items() if key not in NO_METADATA}
    dataset = str(found.get("dataset") or "")
    said = metadata("alpaca_eval", None, task=dataset, generator=found.get("generator"), **_apart(more))
    return OutputRecord(row, prompt, name, text, number, "", family_of(dataset), said)


def _apart(more: dict[str, Any]) -> dict[str, Any]:
    """Return further fields under one name, so that they cannot be mistaken for ours."""
    return {"fields": more} if more else {}
