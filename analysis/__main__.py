"""``python -m analysis judgements.parquet --plan plan.json --out report/``: the whole report, without Django."""

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
    """Return the parser of the command line; what is not given comes from the plan, else from the defaults."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis",
        description="From a table of judgements to a significance report.",
        epilog="Options given beside --plan win over it; the report says where they differ.",
    )
    parser.add_argument("judgements", type=Path, help="long table, .csv or .parquet (see analysis/README.md)")
    parser.add_argument("--out", type=Path, default=Path("report"), help="folder of the report (default: report)")
    parser.add_argument("--plan", type=Path, help="plan.json of the frozen study: contrasts, level, choices")
    parser.add_argument("--certificate", type=Path, help="certificate.json of the design, to be shown in the report")
    parser.add_argument(
        "--without",
        type=_names,
        default=(),
        metavar="P,Q",
        help="parts to leave out: agreement, diagnostics, quality, sensitivity",
    )
    parser.add_argument("--scores", type=Path, help="scores of automatic judges, .csv or .parquet")
    parser.add_argument(
        "--ignore-unjudged", action="store_true", help="leave out scores of outputs that nobody judged (else a fault)"
    )
    parser.add_argument("--title", default="", help="title of the report (default: the plan's, or the study's name)")
    parser.add_argument("--seed", type=int, default=0, help="of bootstrap and randomised residuals (default: 0)")
    parser.add_argument("--quiet", action="store_true")
    _add_choices(parser.add_argument_group("what to analyse and how"))
    return parser


def _add_choices(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--baseline", help="compare each system with this one (default: all pairs)")
    group.add_argument(
        "--contrast",
        dest="contrasts",
        action="append",
        type=_pair,
        metavar="'A vs B'",
        help="only this contrast; may be repeated",
    )
    group.add_argument("--systems", type=_names, metavar="A,B", help="only comparisons among these systems")
    group.add_argument("--dimensions", type=_names, metavar="X,Y", help="only these dimensions")
    group.add_argument("--random", type=_names, metavar="E,F", help="random effects of pairs, as output,rater:system")
    group.add_argument("--random-single", type=_names, metavar="E,F", help="random effects of single stimuli")
    group.add_argument("--fixed", metavar="FORMULA", help="utility of one text, as 'system * task_family + length'")
    group.add_argument("--side", metavar="FORMULA", help="what shifts the preference for the left, as '1 + position'")
    group.add_argument("--within", choices=("task_family",), help="each contrast within every task family too")
    group.add_argument("--standardise", choices=("rater",), help="interval answers as z scores per rater")
    group.add_argument("--ties", choices=("model", "drop"), help="ties of a forced choice (default: model)")
    group.add_argument("--thresholds", choices=("symmetric", "flexible", "equidistant"), help="of graded preferences")
    group.add_argument("--link", choices=("logit", "probit"), help="of choices and ordered answers (default: logit)")
    group.add_argument("--rankings", choices=("plackett_luce", "pairs"), help="model of rankings")
    group.add_argument("--degrees", choices=("satterthwaite", "kenward-roger"), help="of a linear model")
    group.add_argument(
        "--standard-errors",
        choices=("adjusted", "plain"),
        help="of choices and ordered answers: adjusted for the bias of maximum likelihood (default), or plain as in R",
    )
    group.add_argument(
        "--without-late",
        dest="late",
        action="store_const",
        const=False,
        help="leave out answers given after the lease or the study's end",
    )
    group.add_argument("--confidence", type=float, help="level of the intervals (default: 0.95)")
    group.add_argument("--correction", choices=("holm", "bh", "single-step", "none"), help="(default: holm)")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit code 0 if all went well, 1 if a model did not converge, 2 on bad input."""
    parser = build_parser()
    given = vars(parser.parse_args(arguments))
    source, out, quiet = given.pop("judgements"), given.pop("out"), given.pop("quiet")
    title, without = given.pop("title"), given.pop("without")
    plan, certificate = given.pop("plan"), given.pop("certificate")
    scores, ignore = given.pop("scores"), given.pop("ignore_unjudged")
    if certificate and not plan:
        parser.error("--certificate belongs to a plan: give --plan too")
    from analysis import report, schema, tables
    from analysis.declaration import DeclarationError, read_plan
    from analysis.judges import ScoresError, read_scores
    from analysis.prepare import OptionError

    def progress(done: int, total: int, what: str) -> None:
        if not quiet and sys.stderr.isatty():
            sys.stderr.write(f"\r{100 * done // total:3d}% {what:<60.60}" + ("\n" if done == total else ""))

    try:
        declared = read_plan(plan, certificate=certificate) if plan else None
        judged = read_scores(scores) if scores else None
        result = report.analyse(schema.read(source), plan=declared, **given)
        if judged is not None:
            result = report.with_judges(result, judged, source=scores.name, ignore_unjudged=ignore)
        written = report.write_report(result, out, title=title, without=without, progress=progress)
    except (schema.SchemaError, ScoresError, OptionError, DeclarationError, report.ReportError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not quiet:
        sys.stdout.write(
            f"{result.sentence}\n\n{tables.to_markdown(tables.significance_table(result))}\n{written.page}\n"
        )
    return 0 if result.converged else 1


if __name__ == "__main__":
    sys.exit(main())
