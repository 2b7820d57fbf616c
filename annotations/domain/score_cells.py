"""The cells of a file of scores: which output a row is about, which columns are judges, and what a score may be."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from hashlib import sha256
from typing import Any

from annotations.enums import SystemRole
from annotations.models import Output, Study
from annotations.plugins.sources.columns import IGNORED, PREFIX
from annotations.registry.cells import UNNUMBERED, kind_of, quoted, sample_number
from annotations.registry.cells import CellError as SourceCellError

from .freezing import output_name

HASHES = ("content_hash", "output_hash", "hash")
KEYS = ("prompt_key", "prompt_id")
ABOUT = (*HASHES, *KEYS, "output", "prompt", "system", "sample", "text", "task_family", "metadata")
VALUES = ("value", "score")
LONGEST_NAME = 80
LEAVE = "leave the cell empty where there is no score"
DIGITS = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)$", re.IGNORECASE)
NO_SCORE = re.compile(r"(na|n/a|null|none|-|–)$", re.IGNORECASE)


class CellError(ValueError):
    """One cell does not hold what its column wants; `column` names it when it is not the one that was read."""

    def __init__(self, column: str, reason: str) -> None:
        self.column = column
        super().__init__(reason)


@dataclass(frozen=True)
class Layout:
    """How the columns stand: long (`judge`, `value`) or wide, a column for each judge."""

    wide: tuple[str, ...] = ()
    judge: str = ""
    value: str = ""
    ignored: tuple[str, ...] = ()
    missing: str = ""

    def judges(self, cells: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """Yield (column of the score, name of the judge) of a row."""
        if self.value:
            yield self.value, cells.get(self.judge)
        else:
            yield from ((name, name) for name in self.wide)


@lru_cache(maxsize=256)
def layout_of(names: tuple[str, ...]) -> Layout:
    """Tell the layout by the names of the columns; their case does not count for those that say which output it is."""
    lowered = {name.lower(): name for name in names}
    rest = [name for name in names if name.lower() not in ABOUT]
    aside = {name for name in rest if not name or name.lower().startswith((PREFIX, "unnamed:")) or IGNORED.match(name)}
    missing = _missing(set(lowered))
    if "judge" in lowered:
        judge, value = lowered["judge"], next((lowered[name] for name in VALUES if name in lowered), "")
        left = tuple(name for name in rest if name and name not in (judge, value))
        return Layout(judge=judge, value=value, ignored=left, missing=missing if value else missing or "value")
    return Layout(wide=tuple(name for name in rest if name not in aside), ignored=tuple(aside - {""}), missing=missing)


def _missing(there: set[str]) -> str:
    """Return the column without which no row tells its output, if there is one."""
    if there & {*HASHES, "output"}:
        return ""
    if not there & {*KEYS, "prompt"}:
        return "prompt"
    return "" if "system" in there else "system"


def judge_name(value: Any) -> str:
    """Return the name of a judge; raises CellError."""
    name = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not name:
        raise CellError("judge", "is empty; name the judge")
    if len(name) > LONGEST_NAME:
        raise CellError("judge", f"has {len(name)} characters; a judge's name has at most {LONGEST_NAME}")
    if name.startswith(("=", "+", "-", "@")):
        raise CellError("judge", f"begins as a formula of a spreadsheet does: {quoted(name)}")
    if not name.isprintable():
        raise CellError("judge", f"holds characters that do not print: {quoted(name)}")
    return name


def number_of(value: Any) -> float | None:
    """Return a score, None for an empty cell; raises CellError for what is no finite number."""
    if value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if not text or NO_SCORE.match(text):
            return None
        if DIGITS.match(text):
            value = float(text)
        elif NOT_FINITE.match(text):
            value = math.nan
        else:
            hint = "; write a decimal point" if DIGITS.match(text.replace(",", ".", 1)) else ""
            raise CellError("", f"is not a number: {quoted(value)}{hint}")
    if isinstance(value, bool | dict | list | bytes):
        raise CellError("", f"is {kind_of(value)}, not a number; {LEAVE}")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise CellError("", f"is not a finite number; {LEAVE}")
    return number


class Places:
    """The outputs of a study by all that a file may call them."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._samples: dict[tuple[str, str], dict[int, int]] = {}
        self._hashes: dict[str, int] = {}
        self._texts: dict[int, frozenset[str]] | None = None
        found = Output.objects.filter(prompt__study=study).exclude(system__role=SystemRole.CHECK)
        fields = ("pk", "prompt__key", "system__name", "sample", "content_hash")
        for pk, prompt, system, sample, content in found.values_list(*fields).iterator(chunk_size=5000):
            self._samples.setdefault((prompt, system), {})[sample] = pk
            self._hashes[content] = pk
        self.count = sum(map(len, self._samples.values()))
        self._keys = {text.strip(): key for text, key in study.prompts.values_list("text", "key")}
        self._prompts = set(self._keys.values())
        self._systems = sorted({system for _, system in self._samples})
        self._names: dict[str, int] = {}

    def find(self, cells: Mapping[str, Any]) -> int:
        """Return the output of a row; raises CellError that names the column."""
        given = {name.lower(): value for name, value in cells.items() if name.lower() in ABOUT}
        output = self._by_hash(given) or self._by_name(given) or self._by_cell(given)
        text = given.get("text")
        if isinstance(text, str) and text and _digest(text) not in self._known_texts()[output]:
            raise CellError("text", "is not the text that the study has; were the scores made for another version?")
        return output

    def _by_hash(self, given: Mapping[str, Any]) -> int:
        for column in HASHES:
            if value := str(given.get(column) or "").strip():
                if value not in self._hashes:
                    raise CellError(column, f"the study has no output with the hash {quoted(value)}")
                return self._hashes[value]
        return 0

    def _by_name(self, given: Mapping[str, Any]) -> int:
        value = str(given.get("output") or "").strip()
        if not value:
            return 0
        self._names = self._names or {
            output_name(prompt=prompt, system=system, sample=sample): pk
            for (prompt, system), samples in self._samples.items()
            for sample, pk in samples.items()
        }
        if value not in self._names:
            raise CellError("output", f"the study has no output {quoted(value)} (prompt/system/sample)")
        return self._names[value]

    def _by_cell(self, given: Mapping[str, Any]) -> int:
        prompt = self._prompt(given)
        system = str(given.get("system") or "").strip()
        samples = self._samples.get((prompt, system))
        if samples is None:
            if system not in self._systems:
                near = get_close_matches(system, self._systems, n=1, cutoff=0.6)
                hint = f"did you mean {quoted(near[0])}?" if near else f"there are: {', '.join(self._systems[:20])}"
                raise CellError("system", f"the study has no system {quoted(system)}; {hint}" if system else "is empty")
            raise CellError("system", f"{quoted(system)} has no output for this prompt")
        try:
            sample = sample_number(given.get("sample"))
        except SourceCellError as error:
            raise CellError("sample", str(error)) from None
        if sample == UNNUMBERED:
            if len(samples) > 1:
                raise CellError("sample", f"there are {len(samples)} samples of this cell; say which is scored")
            return next(iter(samples.values()))
        if sample not in samples:
            raise CellError("sample", f"there is no sample {sample}; there are: {_listed(sorted(samples))}")
        return samples[sample]

    def _prompt(self, given: Mapping[str, Any]) -> str:
        """Return the key of the prompt that a row names by key or by text; a column `prompt` may hold either."""
        for column in KEYS:
            if value := _plain(given.get(column)):
                if value not in self._prompts:
                    raise CellError(column, f"the study has no prompt with the key {quoted(value)}")
                return value
        value = _plain(given.get("prompt"))
        key = self._keys.get(value.replace("\r\n", "\n").replace("\r", "\n")) or (value in self._prompts and value)
        if not key:
            raise CellError("prompt", f"the study has no prompt {quoted(value)}" if value else "is empty")
        return key

    def _known_texts(self) -> dict[int, frozenset[str]]:
        if self._texts is None:
            rows = Output.objects.filter(prompt__study=self._study).values_list("pk", "text", "raw_text")
            self._texts = {
                pk: frozenset(_digest(one) for one in (text, raw) if one is not None)
                for pk, text, raw in rows.iterator(chunk_size=2000)
            }
        return self._texts


def _plain(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _digest(text: str) -> str:
    return sha256(text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")).hexdigest()


def _listed(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + (", …" if len(numbers) > 10 else "")  # noqa: PLR2004 - enough to see
