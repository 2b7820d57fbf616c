"""Logs of evaluation tools at addresses: many runs at once, each under the name that its log gives the model."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar
from urllib.parse import urlsplit

from annotations.errors import MaterialRefused, Problem
from annotations.registry import Option, remote_sources, sources
from annotations.registry.logs import LogSource

from .addresses import Addresses
from .opening import MEGABYTE, MOST_KEPT, opened
from .tables import AUTO, Place

FORMATS = (
    (AUTO, "By the name of the file"),
    ("lm_eval", "lm-evaluation-harness samples"),
    ("inspect", "Inspect .eval log"),
    ("alpaca_eval", "AlpacaEval model_outputs.json"),
    ("helm", "HELM scenario_state.json"),
)


@remote_sources.register
class EvaluationLogs(Addresses):
    """Each log is copied to a folder of its own with the files beside it that name its model or task."""

    name = "evaluation_logs"
    label = "Logs of evaluation tools at addresses"
    reads_logs = True
    takes: ClassVar[tuple[Option, ...]] = (
        Option(
            "addresses",
            "Addresses",
            "lines",
            [],
            "A line each, with * for many: …/results/*/samples_*.jsonl, …/*.eval, …/model_outputs.json, "
            "…/scenario_state.json.",
            most=1000,
            many=100,
        ),
        Option("format", "Format", "one_of", AUTO, among=FORMATS),
        Option("system_name", "Name of the system", "words", "", "In place of what the logs say.", most=120),
        Option(
            "leave_out_unanswered",
            "Leave out samples without an answer, and list them",
            "yes_no",
            default=False,
            help="Errors and empty texts; else they refuse the whole.",
        ),
        *(option for option in Addresses.takes if option.name == "endpoint"),
    )

    def check_reading(self, found: Mapping[str, Any]) -> None:
        """There is nothing to map."""

    def outputs(self, place: Place, *, settings: Mapping[str, Any]) -> Iterator[Any]:
        """Yield the samples of one log."""
        name = PurePosixPath(urlsplit(place.shown).path).name
        source = _source(name, asked=settings["format"], shown=place.shown)
        with tempfile.TemporaryDirectory() as kept:
            folder = Path(kept) / (PurePosixPath(urlsplit(place.shown).path).parent.name or "log")
            folder.mkdir()
            _copy(place, folder / name)
            for other in source.companions(name):
                with suppress(MaterialRefused):  # it need not be there
                    _copy(_beside(place, name, other), folder / other)
            yield from _shown(source.samples(folder / name, file=name, system=settings["system_name"]), place.shown)

    def expected(self, *, settings: Mapping[str, Any], secrets: Mapping[str, str]) -> int | None:  # noqa: ARG002
        """It takes reading them."""
        return None


def _source(name: str, *, asked: str, shown: str) -> LogSource:
    known = [one for one in sources if isinstance(one, LogSource)]
    for one in known:
        if one.name == asked or (asked == AUTO and one.own_names.fullmatch(name.lower())):
            return one
    reason = "the name tells no tool; choose the format, or keep the names that the tools give"
    raise MaterialRefused([Problem(shown, 0, "", reason)])


def _copy(place: Place, path: Path) -> None:
    with opened(place.fs, place.path, file=place.shown, jumping=False) as stream, path.open("wb") as copy:
        while chunk := stream.read(MEGABYTE):
            copy.write(chunk)
            if copy.tell() > MOST_KEPT:
                reason = f"is larger than {MOST_KEPT // 1024**3} GB"
                raise MaterialRefused([Problem(place.shown, 0, "", reason)])


def _beside(place: Place, name: str, other: str) -> Place:
    """Return the place of another file in the same folder; a query goes with it."""
    head, _, tail = place.path.rpartition(name)
    shown, _, _ = place.shown.rpartition(name)
    return Place(place.fs, f"{head}{other}{tail}", f"{shown}{other}")


def _shown(items: Iterator[Any], shown: str) -> Iterator[Any]:
    """Name the whole address in problems."""
    try:
        for item in items:
            yield replace(item, file=shown) if isinstance(item, Problem) else item
    except MaterialRefused as refused:
        raise MaterialRefused([replace(one, file=shown) for one in refused.problems]) from refused
