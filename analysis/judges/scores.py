"""The table of scores: its columns, and every fault in it by row and column."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis.schema import MAX_ISSUES, Issue
from analysis.schema.cells import CellsError, read_cells

if TYPE_CHECKING:
    import pandas as pd

PLACE: Final = ("prompt", "system", "sample")
NEEDED: Final = ("judge", "value")
HEADER: Final = (
    "add it to the header: judge, value, and output (or prompt, system and, with several outputs of a system, sample)"
)


class ScoresError(ValueError):
    """The table does not hold usable scores; ``issues`` are its faults one by one."""

    def __init__(self, issues: list[Issue], *, source: str) -> None:
        """Keep the issues for a caller that shows them one by one."""
        self.issues = tuple(issues)
        self.source = source
        shown = [f"  {source}, {issue}" for issue in self.issues[:MAX_ISSUES]]
        if len(self.issues) > MAX_ISSUES:
            shown.append(f"  … and {len(self.issues) - MAX_ISSUES} more")
        super().__init__("\n".join([f"{source} is not a table of scores (the header is row 1):", *shown]))


def read_scores(path: Path | str) -> pd.DataFrame:
    """Read a CSV or Parquet file of scores, by its ending; faults of its rows are :func:`check_scores`' to find.

    Columns: ``judge`` (name), ``value`` (a number, higher is better), and which output it is about: ``output`` as the
    long table names it, or ``prompt``, ``system`` and, where a system has several outputs, ``sample``. Others are left.
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise ScoresError([Issue(None, "-", "no such file: check the path")], source=str(path))
    try:
        if path.suffix.lower() in {".parquet", ".pq"}:
            return pd.read_parquet(path)
        return read_cells(path)
    except CellsError as error:
        raise ScoresError([Issue(None, "-", str(error))], source=path.name) from error
    except (ValueError, OSError) as error:
        reason = f"cannot be read ({type(error).__name__}: {error}): save it as UTF-8 CSV or as Parquet"
        raise ScoresError([Issue(None, "-", reason)], source=path.name) from error


def check_scores(
    scores: pd.DataFrame, judgements: pd.DataFrame, *, source: str = "scores", ignore_unjudged: bool = False
) -> pd.DataFrame:
    """Return judge, output, value, sorted by judge and output; raise :class:`ScoresError` naming every fault.

    Faults: a missing column, an empty cell, a value that is no finite number, an output that the long table
    ``judgements`` does not hold (unless ``ignore_unjudged``), and two values of one judge for one output. An output
    that a judge gave no score simply has no row.
    """
    import pandas as pd

    _check_header(scores, source=source)
    rows = scores.reset_index(drop=True)
    value, issues = _values(rows)
    issues += [_cell(i, name, "is empty: every row needs it") for name in _filled(rows) for i in _blanks(rows[name])]
    known = _known(judgements)
    output, lost = _outputs(rows, known)
    if not ignore_unjudged:
        issues += [_cell(i, *_unknown(rows, i, known)) for i in lost if not _is_blank(rows, i)]
    judge = rows["judge"].astype(str).str.strip()
    found = pd.DataFrame({"judge": judge, "output": output, "value": value})
    twice = found["output"].ne("") & found.duplicated(["judge", "output"])
    issues += [
        _cell(
            i, "output" if "output" in rows else "prompt", f"{judge[i]!r} has a score for {output[i]!r} above: keep one"
        )
        for i in np.flatnonzero(twice)
    ]
    if issues:
        raise ScoresError(sorted(issues, key=lambda issue: (issue.row or 0, issue.column)), source=source)
    found = found[found["output"] != ""]
    if found.empty:
        raise ScoresError([Issue(None, "output", "no row is about an output that was judged")], source=source)
    return found.sort_values(["judge", "output"], kind="stable").reset_index(drop=True)


def hash_scores(found: pd.DataFrame) -> str:
    """Return the SHA-256 of checked scores, whatever the order of the rows in the file."""
    lines = (f"{judge}\x1f{output}\x1f{value!r}\n" for judge, output, value in found.itertuples(index=False, name=None))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _check_header(scores: pd.DataFrame, *, source: str) -> None:
    names = [str(name) for name in scores.columns]
    missing = [name for name in NEEDED if name not in names]
    if "output" not in names and not {"prompt", "system"} <= set(names):
        missing.append("output")
    if missing:
        issues = [Issue(1, name, f"the column is missing: {HEADER}") for name in missing]
        raise ScoresError(issues, source=source)
    twice = sorted({name for name in names if names.count(name) > 1} & {*NEEDED, *PLACE, "output"})
    if twice:
        raise ScoresError([Issue(1, name, "the column occurs twice: keep one") for name in twice], source=source)
    if len(scores) == 0:
        raise ScoresError([Issue(None, "-", "there is no row below the header")], source=source)


def _values(rows: pd.DataFrame) -> tuple[pd.Series, list[Issue]]:
    import pandas as pd

    number = pd.to_numeric(rows["value"], errors="coerce").astype("float64")
    issues = []
    for i in np.flatnonzero(~np.isfinite(number)):
        given = rows["value"].iloc[i]
        empty = given is None or str(given).strip().lower() in {"", "nan", "none", "<na>"}
        reason = (
            "has no value: leave the row out if the judge gave none" if empty else f"{given!r} is not a finite number"
        )
        issues.append(_cell(i, "value", reason))
    return number, issues


def _filled(rows: pd.DataFrame) -> list[str]:
    """Return the columns that no row may leave empty."""
    return ["judge", "output"] if "output" in rows else ["judge", "prompt", "system"]


def _blanks(column: pd.Series) -> list[int]:
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    return [int(i) for i in np.flatnonzero(text == "")]


def _is_blank(rows: pd.DataFrame, at: int) -> bool:
    return any(str(rows[name].iloc[at] or "").strip() in {"", "nan"} for name in _filled(rows) if name != "judge")


def _known(judgements: pd.DataFrame) -> pd.DataFrame:
    """Return every output of the long table with its system and prompt, once each."""
    import pandas as pd

    sides = [
        judgements[[f"output_{side}", f"system_{side}", "prompt"]].set_axis(["output", "system", "prompt"], axis=1)
        for side in "ab"
    ]
    both = pd.concat(sides, ignore_index=True).astype(str)
    return both[both["output"] != ""].drop_duplicates("output").reset_index(drop=True)


def _outputs(rows: pd.DataFrame, known: pd.DataFrame) -> tuple[pd.Series, list[int]]:
    """Return the output of each row, empty where the long table has none, and the rows where that is so."""
    if "output" in rows:
        given = rows["output"].astype(str).str.strip()
        output = given.where(given.isin(set(known["output"])), "")
    else:
        place = {name: rows[name].astype(str).str.strip() for name in PLACE if name in rows}
        output = _by_place(place, known)
    return output, [int(i) for i in np.flatnonzero(output == "")]


def _by_place(place: dict[str, pd.Series], known: pd.DataFrame) -> pd.Series:
    """Find outputs by prompt and system, and by sample where it is given (named prompt/system/sample)."""
    import pandas as pd

    names = set(known["output"])
    alone = known.groupby(["prompt", "system"])["output"].agg(list)
    only = {key: found[0] for key, found in alone.items() if len(found) == 1}
    sample = place.get("sample")
    found = []
    for i, (prompt, system) in enumerate(zip(place["prompt"], place["system"], strict=True)):
        whole = f"{prompt}/{system}/{_whole(sample.iloc[i])}" if sample is not None else ""
        found.append(whole if whole in names else "" if whole else only.get((prompt, system), ""))
    return pd.Series(found, dtype=object)


def _whole(sample: str) -> str:
    return sample.removesuffix(".0")


def _unknown(rows: pd.DataFrame, at: int, known: pd.DataFrame) -> tuple[str, str]:
    """Say what about a row is not in the long table."""
    advice = "score judged outputs only, or pass --ignore-unjudged"
    if "output" in rows:
        return "output", f"nobody judged an output {rows['output'].iloc[at]!r}: {advice}"
    prompt, system = (str(rows[name].iloc[at]).strip() for name in ("prompt", "system"))
    for name, value in (("prompt", prompt), ("system", system)):
        if value not in set(known[name]):
            return name, f"there is no {name} {value!r} among the judgements: {advice}"
    several = ((known["prompt"] == prompt) & (known["system"] == system)).sum() > 1
    if several and "sample" not in rows:
        return "system", f"{system!r} has several outputs for {prompt!r}: add a column sample, or output"
    where: Any = "sample" if "sample" in rows else "system"
    return where, f"nobody judged this output of {system!r} for {prompt!r}: {advice}"


def _cell(index: Any, column: str, reason: str) -> Issue:
    return Issue(int(index) + 2, column, reason)
