"""``python -m analysis judgements.csv --out report/``: the whole report from a table of judgements, without Django."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

# Before NumPy loads: the blocks are small, and several BLAS threads make them slower.
for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _pair(text: str) -> tuple[str, str]:
    parts = [part.strip() for part in text.split(" vs ")]
    if len(parts) != 2 or not all(parts):  # noqa: PLR2004
        message = f"{text!r}: write a contrast as 'steered vs baseline'"
        raise argparse.ArgumentTypeError(message)
    return parts[0], parts[1]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis", description="From a table of judgements to a significance report."
    )
    parser.add_argument("judgements", type=Path, help="long table, .csv or .parquet (see analysis/README.md)")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default: report)")
    parser.add_argument("--baseline", help="compare each system with this one (default: all pairs)")
    parser.add_argument(
        "--contrast",
        dest="contrasts",
        action="append",
        type=_pair,
        metavar="'A vs B'",
        help="only this contrast; may be repeated",
    )
    parser.add_argument("--systems", type=_names, metavar="A,B", help="only comparisons among these systems")
    parser.add_argument("--dimensions", type=_names, metavar="X,Y", help="only these dimensions")
    parser.add_argument(
        "--random", type=_names, metavar="E,F", default=("output", "prompt:system", "rater:system"),
        help="random effects out of output, prompt:system, rater:system, rater (default: the first three)",
    )  # fmt: skip
    parser.add_argument("--ties", choices=("model", "drop"), default="model", help="ties of a forced choice")
    parser.add_argument("--thresholds", choices=("symmetric", "flexible", "equidistant"), default="symmetric")
    parser.add_argument(
        "--without-late",
        dest="late",
        action="store_false",
        help="leave out answers given after the lease or the study's end",
    )
    parser.add_argument("--title", default="", help="title of the report (default: the study as the table names it)")
    parser.add_argument("--confidence", type=float, default=0.95)
    parser.add_argument("--seed", type=int, default=0, help="written into the manifest")
    parser.add_argument("--quiet", action="store_true")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit code 0 if all went well, 1 if a model did not converge, 2 on bad input."""
    given = vars(build_parser().parse_args(arguments))
    source, out, quiet = given.pop("judgements"), given.pop("out"), given.pop("quiet")
    title = given.pop("title")
    from analysis import report, schema, tables
    from analysis.prepare import OptionError

    def progress(done: int, total: int, what: str) -> None:
        if not quiet and sys.stderr.isatty():
            sys.stderr.write(f"\r{done}/{total} {what:<40}" + ("\n" if done == total else ""))

    try:
        result = report.analyse(schema.read(source), **given, progress=progress)
        written = report.write_report(result, out, title=title)
    except (schema.SchemaError, OptionError, report.ReportError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not quiet:
        sys.stdout.write(
            f"{result.sentence}\n\n{tables.to_markdown(tables.significance_table(result))}\n{written.page}\n"
        )
    return 0 if result.converged else 1


if __name__ == "__main__":
    sys.exit(main())
