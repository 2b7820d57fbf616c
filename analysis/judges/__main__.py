"""The shell: ``python -m analysis.judges judgements.csv scores.csv --out folder``."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

if TYPE_CHECKING:
    from analysis.results.judges import JudgeComparison


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 2 for bad input or options (then nothing is written)."""
    given = vars(_parser().parse_args(arguments))
    judgements, scores, out = given.pop("judgements"), given.pop("scores"), given.pop("out")
    ignore, late, quiet = given.pop("ignore_unjudged"), given.pop("late"), given.pop("quiet")
    dimensions = given.pop("dimensions")
    from analysis import schema
    from analysis.judges import JudgeOptions, ScoresError, compare_judges, read_scores
    from analysis.prepare import OptionError
    from analysis.tables import (
        judge_accuracy_table,
        judge_difference_table,
        judge_subset_table,
        judge_table,
        to_markdown,
    )
    from analysis.wording import judges_verdict

    try:
        found = compare_judges(
            schema.read(judgements),
            read_scores(scores),
            options=JudgeOptions(**{name: value for name, value in given.items() if value is not None}),
            late=late,
            dimensions=dimensions,
            source=scores.name,
            ignore_unjudged=ignore,
            progress=None if quiet else _show,
        )
        if out is not None:
            write_folder(found, out)
    except (schema.SchemaError, ScoresError, OptionError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not quiet:
        shown = [
            judge_table(found),
            judge_accuracy_table(found),
            judge_subset_table(found),
            judge_difference_table(found),
        ]
        text = "\n".join(f"{one.caption}\n\n{to_markdown(one)}" for one in shown if one.rows)
        sys.stdout.write("\n".join([*judges_verdict(found), "", text]))
        sys.stdout.write("" if out is None else f"\n{out}\n")
    return 0


def write_folder(found: JudgeComparison, out: Path) -> tuple[str, ...]:
    """Write tables, figures, methods and numbers into a folder and return their names."""
    from analysis import figures, tables
    from analysis.wording import judges_methods, judges_notes, judges_verdict

    main_tables = (tables.judge_table(found), tables.judge_accuracy_table(found))
    subsets = tables.judge_subset_table(found)
    differences = tables.judge_difference_table(found)
    said = [f"- {line}" for line in (*judges_verdict(found), *judges_notes(found))]
    record = {"judges": found.judges, "human": dict(found.human), "options": dict(found.options)}
    record |= {"scores_sha256": found.scores_hash, "left_out": dict(found.left_out)}
    files: dict[str, bytes | str] = {
        "judges.csv": tables.to_csv(found.rows),
        "judges.md": "\n".join(map(tables.to_markdown, main_tables)),
        "judges.tex": "\n".join(map(tables.to_latex, main_tables)),
        "judge-subsets.md": tables.to_markdown(subsets),
        "judge-subsets.tex": tables.to_latex(subsets),
        "judge-differences.csv": tables.to_csv(found.differences),
        "judge-differences.md": tables.to_markdown(differences),
        "summary.md": "\n".join(said) + "\n",
        "methods.md": f"{judges_methods(found)}\n",
        "results.json": json.dumps(record | {"rows": _plain(found)}, indent=2, ensure_ascii=False) + "\n",
    }
    for name, figure in (("judges", figures.judge_forest(found)), ("judge-accuracy", figures.judge_accuracy(found))):
        if figure is not None:
            files[f"figures/{name}.svg"] = figures.to_svg(figure, salt=name)
            files[f"figures/{name}.pdf"] = figures.to_pdf(figure)
            files[f"figures/{name}.png"] = figures.to_png(figure)
    for name, content in files.items():
        if content:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return tuple(sorted(name for name, content in files.items() if content))


def _plain(found: JudgeComparison) -> list[dict[str, Any]]:
    """Return the rows as plain JSON: NaN as null."""
    return [{key: None if value != value else value for key, value in asdict(row).items()} for row in found.rows]  # noqa: PLR0124


def _show(done: int, total: int, what: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{100 * done // total:3d}% {what:<60.60}" + ("\n" if done == total else ""))


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _parser() -> argparse.ArgumentParser:
    from analysis.judges.study import CHOICES

    parser = argparse.ArgumentParser(
        prog="python -m analysis.judges", description="Automatic judges against human judgements of the same outputs."
    )
    parser.add_argument("judgements", type=Path, help="long table, .csv or .parquet (see analysis/README.md)")
    parser.add_argument("scores", type=Path, help="scores, .csv or .parquet: judge, output (or prompt, system), value")
    parser.add_argument("--out", type=Path, help="folder for tables, figures, methods (default: print the tables only)")
    parser.add_argument("--dimensions", type=_names, metavar="X,Y", help="only these dimensions")
    parser.add_argument("--clusters", choices=CHOICES["clusters"], help="what is resampled (default: prompts)")
    parser.add_argument("--majority-ties", choices=CHOICES["majority_ties"], help="pairs without one (default: drop)")
    parser.add_argument("--judge-ties", choices=CHOICES["judge_ties"], help="equal scores (default: half)")
    parser.add_argument("--split", choices=CHOICES["split"], help="of the entropies (default: median)")
    parser.add_argument("--fence", type=float, help="Tukey's k (default: 1.5)")
    parser.add_argument("--ratings", choices=CHOICES["ratings"], help="human score of ratings (default: mean)")
    parser.add_argument("--resamples", type=int, help="of the bootstrap (default: 2000)")
    parser.add_argument("--seed", type=int, help="(default: 0)")
    parser.add_argument("--confidence", type=float, help="level of the intervals (default: 0.95)")
    parser.add_argument("--without-late", dest="late", action="store_false", help="leave out answers given too late")
    parser.add_argument("--ignore-unjudged", action="store_true", help="leave out scores of outputs that nobody judged")
    parser.add_argument("--quiet", action="store_true")
    return parser


if __name__ == "__main__":
    sys.exit(main())
