"""What the logs of all evaluation tools share: keys, metadata that JSON can hold, streaming of big JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any

import ijson

from annotations.errors import MaterialRefused, Problem
from annotations.registry.cells import quoted
from annotations.registry.logs import UnansweredProblem

from .files import CUT_SHORT, damage, open_text, refusal

LONGEST_NAME = 120
LONGEST_VALUE = 4000  # characters of JSON of one value of the metadata
BROKEN = (ijson.JSONError, UnicodeDecodeError, *CUT_SHORT)
PATHS = ("/", "./", "../", "~")


def key_of(task: str, name: object) -> str:
    """Return the key of a sample of a task, the same for every system; none without a task, which it depends on."""
    return f"{task}-{name}".replace("/", "-")[:200] if task else ""


def family_of(task: str) -> str:
    """Return the task family of a task."""
    return task[:80]


def system_name(said: object) -> str:
    """Return the name of a model for its outputs; of a path only its end, which says more and tells less."""
    name = str(said or "").strip()
    if name.startswith(PATHS) or ":\\" in name:
        name = PurePath(name.replace("\\", "/").rstrip("/")).name
    return name[:LONGEST_NAME]


def require_system(name: str, *, file: str, where: str = "") -> str:
    """Return the name, or refuse the file; `where` says in which other file it stands."""
    if not name:
        reason = f"the log does not say which model wrote it{where}; type the name of the system beside the file"
        raise refusal(file, reason, column="system")
    return name


def metadata(tool: str, version: object, **found: Any) -> dict[str, Any]:
    """Return the metadata of an answer, without what the log does not say."""
    said = {"tool": tool, "tool_version": version, **found}
    return {name: kept for name, value in said.items() if (kept := plain(value)) not in (None, "", {}, [])}


def plain(value: Any) -> Any:
    """Return a value that JSON and the database can hold; a number that is not finite becomes its name."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        return value.replace("\0", "")
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else str(value)


def short(value: Any) -> Any:
    """Return the value when it is small enough to be kept with every answer."""
    found = plain(value)
    return found if len(json.dumps(found)) <= LONGEST_VALUE else None


def unanswered(file: str, row: int, *, sample: str, reason: str) -> UnansweredProblem:
    """Return the problem of a sample without a text; `sample` is its name in the log."""
    return UnansweredProblem(file, row, "text", f"{sample}: {' '.join(reason.split())[:300]}")


def is_empty(text: str) -> bool:
    """Whether there is nothing to read."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


@contextmanager
def big_json(path: Path, *, file: str, first: str, what: str) -> Iterator[Any]:
    """Open a JSON file that may be larger than memory; `first` is the event it must begin with.

    Raises MaterialRefused when it is no JSON or begins otherwise: then it is not `what`.
    """
    with open_text(path, file=file) as stream:
        try:
            event = next(iter(ijson.basic_parse(stream)), ("nothing", None))[0]
        except BROKEN as error:
            raise refusal(file, f"is not {what}: {fault(error)}") from error
    if event != first:
        raise refusal(file, f"is not {what}; choose another format")
    with open_text(path, file=file) as stream:
        yield stream


def items(stream: Any, prefix: str, *, file: str, row: int = 0) -> Iterator[Any]:
    """Yield the items below a prefix one at a time; a JSON error ends them with a Problem behind the last row."""
    found = iter(ijson.items(stream, prefix, use_float=True))
    while True:
        try:
            item = next(found)
        except StopIteration:
            return
        except BROKEN as error:
            yield Problem(file, row + 1, "", f"{fault(error)}; the rest of the file was not read")
            return
        row += 1
        yield item


def fault(error: Exception) -> str:
    """Say what reading JSON raised."""
    if isinstance(error, CUT_SHORT):
        return damage(error)
    lines = str(error).strip().splitlines()
    return f"the JSON cannot be read: {lines[0][:200] if lines else type(error).__name__}"


def absent(found: Any, *, names: tuple[str, ...], file: str, what: str) -> MaterialRefused | None:
    """Return the refusal of a file whose objects lack what the format always has."""
    if not isinstance(found, Mapping):
        return refusal(file, f"is not {what}: it does not hold objects")
    missing = [quoted(name) for name in names if name not in found]
    return refusal(file, f"is not {what}: its objects have no {', '.join(missing)}", row=1) if missing else None


def beside(path: Path, name: str) -> dict[str, Any]:
    """Return the JSON object in a file beside this one; nothing when there is none that can be read."""
    try:
        found = json.loads((path.parent / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
