"""Rankings taken apart into the pairs they imply, as a long table: ``python -m analysis.rankings in.csv out.csv``.

The pairs of one ranking cannot contradict one another; the model takes them for separate answers. Their
dependence within
rater and prompt is held by the random effects, what is left of it is not. Each pair shows its smaller display
slot as a.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis import schema

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class RankingColumns:
    """Which column of the input holds what; ``block`` columns, comma-separated, identify one ranking with the rater."""

    rater: str = "rater"
    prompt: str = "item"
    system: str = "system"
    rank: str = "rank"
    slot: str = "display_slot"
    output: str = ""
    block: str = "item"


def rankings_to_pairs(
    frame: pd.DataFrame,
    *,
    columns: RankingColumns | None = None,
    study: str = "rankings",
    dimension: str = "preference",
) -> pd.DataFrame:
    """Return the long table of all pairs within each ranking; equal ranks become ties.

    Parameters
    ----------
    frame
        One row per rater, prompt and system, with a rank (1 = best) and the slot it was shown in.
    """
    import pandas as pd

    columns = columns or RankingColumns()
    blocks = [name.strip() for name in columns.block.split(",") if name.strip()]
    _check(frame, columns, blocks)
    ties = frame.duplicated([*blocks, columns.rater, columns.rank]).any()
    rows: list[dict[str, Any]] = []
    by = list(dict.fromkeys([*blocks, columns.rater]))
    for key, block in frame.groupby(by, sort=True):
        block = block.sort_values(columns.slot, kind="stable")  # noqa: PLW2901
        name = "/".join(map(str, key))  # a list of columns groups by tuples, even a list of one
        records = block.to_dict("records")
        for (i, a), (j, b) in combinations(enumerate(records), 2):
            rows.append({**_pair(a, b, columns), "judgement": f"{name}/{i + 1}-{j + 1}", "booklet": name, "task": name})
    table = pd.DataFrame(rows).assign(
        study=study, dimension=dimension, measure="pairwise_choice", question_type="ranking", levels=3 if ties else 2
    )
    table["position"] = table.groupby("booklet").cumcount() + 1
    return schema.validate(table, source="pairs")


def _pair(a: dict[Any, Any], b: dict[Any, Any], columns: RankingColumns) -> dict[str, Any]:
    row: dict[str, Any] = {"rater": str(a[columns.rater]), "prompt": str(a[columns.prompt])}
    for side, record in (("a", a), ("b", b)):
        row[f"system_{side}"] = str(record[columns.system])
        name = columns.output or ""
        row[f"output_{side}"] = str(record[name]) if name else f"{record[columns.prompt]}/{record[columns.system]}"
    difference = float(b[columns.rank]) - float(a[columns.rank])
    row["answer"] = 0.5 if difference == 0 else float(difference > 0)
    return row


def _check(frame: pd.DataFrame, columns: RankingColumns, blocks: list[str]) -> None:
    named = [columns.rater, columns.prompt, columns.system, columns.rank, columns.slot, *blocks]
    missing = [name for name in dict.fromkeys([*named, columns.output]) if name and name not in frame.columns]
    if missing:
        issues = [schema.Issue(1, name, "the column is missing: name the right one by an option") for name in missing]
        raise schema.SchemaError(issues, source="table of rankings")
    twice = frame.duplicated([*blocks, columns.rater, columns.system])
    issues = [
        schema.Issue(int(i) + 2, columns.system, "occurs twice in one ranking") for i, bad in enumerate(twice) if bad
    ]
    ranks = frame[columns.rank].astype(str).str.fullmatch(r"\d+(\.\d+)?")
    issues += [schema.Issue(int(i) + 2, columns.rank, "is not a number") for i, good in enumerate(ranks) if not good]
    if issues:
        raise schema.SchemaError(issues, source="table of rankings")


def main(arguments: list[str] | None = None) -> int:
    """Convert a file; return the exit code."""
    import pandas as pd

    parser = argparse.ArgumentParser(prog="python -m analysis.rankings", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("source", type=Path, help="CSV, one row per rater, prompt and system")
    parser.add_argument("target", type=Path, help="long table to write, .csv or .parquet")
    for column in fields(RankingColumns):
        parser.add_argument(
            f"--{column.name}", default=column.default, help=f"column of the input (default {column.default!r})"
        )
    parser.add_argument("--study", default="rankings")
    parser.add_argument("--dimension", default="preference")
    given = vars(parser.parse_args(arguments))
    columns = RankingColumns(**{column.name: given[column.name] for column in fields(RankingColumns)})
    try:
        frame = pd.read_csv(given["source"])
        table = rankings_to_pairs(frame, columns=columns, study=given["study"], dimension=given["dimension"])
    except (schema.SchemaError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    schema.write(table, given["target"])
    sys.stdout.write(f"{len(frame)} ranks became {len(table)} pairs in {given['target']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
