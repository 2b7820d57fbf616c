"""The table of outputs: read, checked, and put into an order that does not depend on that of the file."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from analysis.schema.cells import CellsError, read_cells

if TYPE_CHECKING:
    import pandas as pd

IntArray = npt.NDArray[np.int64]
NEEDED: Final = ("prompt", "system", "text")
KNOWN: Final = (*NEEDED, "sample", "class")
SHOWN: Final = 20


class DiversityError(ValueError):
    """The outputs or an option cannot be used; names file, row and column and says what to do."""


@dataclass(frozen=True)
class Outputs:
    """Texts sorted by prompt, system, sample and text; those of one prompt and system stand together.

    Attributes
    ----------
    prompt, system
        Codes into ``prompts`` and ``systems``, shape (n,).
    classes
        Given equivalence classes as codes, or None.
    row
        Where each text stood in the table as it was given.
    empty
        Texts that were empty and are left out, by system.
    dropped
        Texts left out so that each system has as many for a prompt, by system.
    """

    prompts: tuple[str, ...]
    systems: tuple[str, ...]
    prompt: IntArray
    system: IntArray
    sample: tuple[str, ...]
    texts: tuple[str, ...]
    classes: IntArray | None
    row: IntArray
    empty: Mapping[str, int]
    dropped: Mapping[str, int]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    def cells(self) -> list[tuple[int, int, slice]]:
        """Return (prompt, system, where its texts stand) of every cell, in order."""
        if not len(self):
            return []
        key = self.prompt * len(self.systems) + self.system
        edges = np.concatenate([[0], np.flatnonzero(np.diff(key)) + 1, [len(key)]])
        return [
            (int(self.prompt[low]), int(self.system[low]), slice(int(low), int(high))) for low, high in pairwise(edges)
        ]

    def digest(self) -> str:
        """Return the SHA-256 of all that is measured; the order of the table does not matter."""
        found = hashlib.sha256()
        classes: Sequence[int] = [-1] * len(self) if self.classes is None else self.classes.tolist()
        for prompt, system, text, kind in zip(self.prompt, self.system, self.texts, classes, strict=True):
            line = json.dumps([self.prompts[prompt], self.systems[system], text, kind], ensure_ascii=True)
            found.update(line.encode() + b"\n")
        return found.hexdigest()


def read(path: Path | str) -> pd.DataFrame:
    """Return the table of a ``.csv``, ``.jsonl`` (both also ``.gz``) or ``.parquet`` file, checked.

    Raises
    ------
    DiversityError
        If the file cannot be read or its rows cannot be used.
    """
    import pandas as pd

    path = Path(path)
    kind = path.suffixes[-2] if path.suffix == ".gz" and len(path.suffixes) > 1 else path.suffix
    try:
        if kind == ".csv":
            frame = read_cells(path)
        elif kind in {".jsonl", ".ndjson"}:
            frame = _read_lines(path)
        elif kind == ".parquet":
            frame = pd.read_parquet(path)
        else:
            raise DiversityError(f"{path.name}: outputs come as .csv, .jsonl or .parquet")
    except CellsError as error:
        raise DiversityError(f"{path.name}: {error}") from error
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise DiversityError(f"{path.name} cannot be read ({error}): save it again in UTF-8") from error
    except ValueError as error:
        if isinstance(error, DiversityError):
            raise
        raise DiversityError(f"{path.name} cannot be read ({error}): save it again") from error
    check(frame, source=path.name, first=2 if kind == ".csv" else 1)
    return frame


def _read_lines(path: Path) -> pd.DataFrame:
    import pandas as pd

    rows: list[Any] = []
    opened = gzip.open if path.suffix == ".gz" else Path.open
    with opened(path, mode="rt", encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line) if line.strip() else {}
            except ValueError as error:
                raise DiversityError(
                    f"{path.name}, row {number}: is no JSON ({error}); write one object per line"
                ) from error
            if not isinstance(row, dict):
                raise DiversityError(f"{path.name}, row {number}: is no object; write one object per line")
            rows.append(row)
    while rows and not rows[-1]:
        rows.pop()
    return pd.DataFrame(rows)


def check(frame: pd.DataFrame, *, source: str = "the table", first: int = 1) -> None:
    """Refuse a table without what is needed; names up to twenty faults.

    Parameters
    ----------
    first
        The number of the first row of data, as a reader of the file counts.
    """
    missing = [name for name in NEEDED if name not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns)) or "none"
        # A table with one column is one whose cells are set apart by something else.
        what = "set the cells apart by commas" if len(frame.columns) == 1 else "write them so in the header"
        raise DiversityError(f"{source}: the columns {', '.join(missing)} are missing (found: {found}); {what}")
    twice = [str(name) for name in frame.columns[frame.columns.duplicated()] if name in KNOWN]
    if twice:
        raise DiversityError(f"{source}: the column {twice[0]} occurs twice; keep one")
    if not len(frame):
        raise DiversityError(f"{source}: there is no row of data")
    faults = [
        (at, name, "is empty; every row needs it")
        for name in ("prompt", "system")
        for at in np.flatnonzero(_as_text(frame[name]).str.strip() == "")
    ]
    if "class" in frame:
        faults += [
            (at, "class", "is empty; give every output its class, or leave the column out")
            for at in np.flatnonzero(_as_text(frame["class"]).str.strip() == "")
        ]
    if "sample" in frame:
        key = _as_text(frame["prompt"]) + "\0" + _as_text(frame["system"]) + "\0" + _as_text(frame["sample"])
        given = _as_text(frame["sample"]).str.strip() != ""
        again = key.duplicated() & given
        faults += [
            (at, "sample", "occurs before for this prompt and system; number the samples")
            for at in np.flatnonzero(again)
        ]
    if faults:
        lines = [f"{source}, row {at + first}, column {name}: {reason}" for at, name, reason in sorted(faults)[:SHOWN]]
        if len(faults) > SHOWN:
            lines.append(f"and {len(faults) - SHOWN} more")
        raise DiversityError("\n".join(lines))


def arrange(frame: pd.DataFrame, *, seed: int = 0, even: bool = True) -> Outputs:
    """Return the outputs in order, without empty ones, each system with as many for a prompt.

    Measures such as the number of classes grow with the number of samples, so a system that has more for a prompt is
    drawn down (by ``seed`` and the prompt's name) to the smallest number of two or more that a system has for it.
    """
    check(frame)
    prompt, system, text = (_as_text(frame[name]) for name in NEEDED)
    sample = _as_text(frame["sample"]) if "sample" in frame else prompt.map(lambda _: "")
    filled = (text.str.strip() != "").to_numpy()
    empty = system[~filled].value_counts().to_dict()
    order = np.flatnonzero(filled)
    keys = list(zip(prompt.iloc[order], system.iloc[order], sample.iloc[order], text.iloc[order], strict=True))
    order = order[sorted(range(len(order)), key=keys.__getitem__)]
    kept = _even(prompt.to_numpy()[order], system.to_numpy()[order], seed=seed) if even else np.ones(len(order), bool)
    dropped = system.iloc[order[~kept]].value_counts().to_dict()
    order = order[kept]
    prompts, systems = sorted(set(prompt.iloc[order])), sorted(set(system.iloc[order]))
    classes = None
    if "class" in frame:
        names = _as_text(frame["class"]).iloc[order]
        known = {name: at for at, name in enumerate(sorted(set(names)))}
        classes = np.asarray([known[name] for name in names], np.int64)
    place, where = ({name: at for at, name in enumerate(names)} for names in (prompts, systems))
    return Outputs(
        tuple(prompts),
        tuple(systems),
        np.asarray([place[name] for name in prompt.iloc[order]], np.int64),
        np.asarray([where[name] for name in system.iloc[order]], np.int64),
        tuple(sample.iloc[order]),
        tuple(text.iloc[order]),
        classes,
        order.astype(np.int64),
        {str(name): int(count) for name, count in sorted(empty.items())},
        {str(name): int(count) for name, count in sorted(dropped.items())},
    )


def _even(prompt: npt.NDArray[Any], system: npt.NDArray[Any], *, seed: int) -> npt.NDArray[np.bool_]:
    """Return which rows stay; both arrays are sorted by prompt, then system."""
    kept = np.ones(len(prompt), bool)
    change = np.flatnonzero((prompt[1:] != prompt[:-1]) | (system[1:] != system[:-1])) + 1
    groups: dict[str, list[npt.NDArray[np.int64]]] = {}
    for rows in np.split(np.arange(len(prompt)), change) if len(prompt) else []:
        groups.setdefault(prompt[rows[0]], []).append(rows)
    for name, cells in groups.items():
        sizes = [len(rows) for rows in cells if len(rows) > 1]
        least = min(sizes, default=1)
        key = hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
        rng = np.random.default_rng([seed, *key])
        for rows in cells:
            if len(rows) > least:
                kept[np.setdiff1d(rows, rng.choice(rows, least, replace=False))] = False
    return kept


def _as_text(values: pd.Series[Any]) -> pd.Series[str]:
    return values.astype(object).where(values.notna(), "").astype(str)
