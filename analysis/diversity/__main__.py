"""``python -m analysis.diversity outputs.csv --baseline base --out folder``: all measures, without Django."""

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


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis.diversity",
        description="From a table of outputs (prompt, system, text; sample and class if there are) to measures of mode "
        "collapse with tests: CSV tables, figures, an HTML page, JSON.",
    )
    parser.add_argument("outputs", type=Path, help=".csv, .jsonl (also .gz) or .parquet")
    parser.add_argument("--out", type=Path, default=Path("diversity"), help="folder (default: diversity)")
    parser.add_argument("--baseline", help="compare each system with this one (default: all pairs)")
    parser.add_argument(
        "--embedder",
        default="tfidf-svd",
        help="tfidf-svd (default; words, not meaning), sentence-transformers:PATH-OR-NAME[@REVISION], "
        "endpoint:URL#MODEL or vectors:FILE",
    )
    parser.add_argument(
        "--key-variable",
        default="OPENAI_API_KEY",
        metavar="NAME",
        help="environment variable that holds the endpoint's key (default: OPENAI_API_KEY)",
    )
    parser.add_argument("--cache", type=Path, metavar="FILE", help="keep vectors here between runs")
    parser.add_argument(
        "--threshold", type=float, default=0.8, help="pairs above it are near repetitions (default: 0.8)"
    )
    parser.add_argument("--class-threshold", type=float, help="similarity within a class (default: --threshold)")
    parser.add_argument("--classes", choices=("average", "components", "given"), help="how classes are made")
    parser.add_argument("--measures", type=_names, metavar="A,B", help="only these measures")
    parser.add_argument(
        "--primary",
        default="similarity",
        metavar="MEASURE",
        help="named beforehand, corrected over contrasts alone (default: similarity; '' for one family of all)",
    )
    parser.add_argument(
        "--show", action="append", default=[], metavar="PROMPT", help="draw this prompt; may be repeated"
    )
    parser.add_argument("--uneven", action="store_true", help="keep all samples where systems have different numbers")
    parser.add_argument("--confidence", type=float, default=0.95, help="level of the intervals (default: 0.95)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--title", default="")
    parser.add_argument("--quiet", action="store_true")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the command; exit code 0, or 2 on bad input or options (nothing is written)."""
    given = build_parser().parse_args(arguments)
    from analysis.diversity import DiversityError, measure, read
    from analysis.embeddings import EmbeddingError, VectorCache, choose

    def progress(done: int, total: int, what: str) -> None:
        if not given.quiet and sys.stderr.isatty():
            sys.stderr.write(f"\r{100 * done // total:3d}% {what:<60.60}" + ("\n" if done == total else ""))

    try:
        frame = read(given.outputs)
        embedder = choose(given.embedder, key=os.environ.get(given.key_variable, ""), seed=given.seed)
        result = measure(
            frame,
            baseline=given.baseline,
            embedder=embedder,
            cache=VectorCache(given.cache) if given.cache else None,
            threshold=given.threshold,
            class_threshold=given.class_threshold,
            classes=given.classes,
            measures=given.measures,
            primary=given.primary,
            show=given.show,
            even=not given.uneven,
            confidence=given.confidence,
            seed=given.seed,
            progress=progress,
        )
        page = result.write(given.out, title=given.title)
    except (DiversityError, EmbeddingError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if not given.quiet:
        sys.stdout.write("".join(f"{line}\n" for line in (*result.sentences, *result.warnings, page)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
