"""The shell: ``python -m analysis.creativity dat words.csv --vectors glove.txt`` and ``… aut answers.csv``."""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

for _name in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

TEXT: Final = ("text", "answer", "output")
THING: Final = ("object", "prompt")
DAT: Final = ("dat", "valid_words", "words", "dropped")
AUT: Final = ("fluency", "flexibility", "originality", "rarity", "elaboration")
USES: Final = ("row", "object", "use", "cluster", "distance", "rarity", "words")
DIGITS: Final = 10


class InputError(ValueError):
    """The table of answers cannot be used; names file, row and column."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or 2 for input that cannot be used (then nothing is written)."""
    given = _parser().parse_args(arguments)
    try:
        header, rows = read_answers(given.answers)
        names, found = _dat(given, header, rows) if given.test == "dat" else _aut(given, header, rows)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    carried = [name for name in header if name not in TEXT and not _is_word(name)]
    table = [[*(row[name] for name in carried), *line] for row, line in zip(rows, found, strict=True)]
    if given.out is None:
        _write(sys.stdout, [*carried, *names], table)
        return 0
    with given.out.open("w", newline="", encoding="utf-8") as stream:
        _write(stream, [*carried, *names], table)
    return 0


def read_answers(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the rows of a CSV file in UTF-8."""
    from analysis.schema.cells import CellsError, read_cells

    if not path.is_file():
        raise InputError(f"{path}: no such file: check the path")
    try:
        table = read_cells(path)
    except CellsError as error:
        raise InputError(f"{path.name}: {error}") from error
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise InputError(f"{path.name}: the column {twice[0]!r} occurs twice: keep one")
    if not len(table):
        raise InputError(f"{path.name}: there is no row below the header")
    return [str(name) for name in table.columns], table.to_dict("records")  # type: ignore[return-value]


def _dat(
    given: argparse.Namespace, header: list[str], rows: list[dict[str, str]]
) -> tuple[tuple[str, ...], list[list[object]]]:
    from analysis.creativity import dat_score, read_dictionary, read_vectors, words_of

    text, columns = _column(header, TEXT), [name for name in header if _is_word(name)]
    if text is None and not columns:
        raise InputError(f"{given.answers.name}: give a column {TEXT[0]!r} with whole answers, or word1, word2, …")
    dictionary = read_dictionary(given.dictionary) if given.dictionary else None
    vectors = read_vectors(given.vectors, cache=given.cache)
    found: list[list[object]] = []
    for row in rows:
        words = words_of(row[text]) if text else [row[name] for name in columns if row[name].strip()]
        score = dat_score(words, vectors, dictionary=dictionary)
        dropped = "; ".join(f"{word} ({why})" for word, why in score.dropped)
        found.append([score.score, len(score.words), " ".join(score.words), dropped])
    return DAT, found


def _aut(
    given: argparse.Namespace, header: list[str], rows: list[dict[str, str]]
) -> tuple[tuple[str, ...], list[list[object]]]:
    from analysis.creativity import score_uses
    from analysis.embeddings import choose

    text, thing = _column(header, TEXT), _column(header, THING)
    for column, names in ((text, TEXT), (thing, THING)):
        if column is None:
            raise InputError(f"{given.answers.name}: the column {names[0]!r} is missing: add it to the header")
    objects = [row[thing or ""] for row in rows]
    for number, name in enumerate(objects, start=2):
        if not name.strip():
            raise InputError(f"{given.answers.name}, row {number}, column {thing!r}: is empty: name the thing")
    embedder = choose(given.embedder, key=os.environ.get(given.key_variable, ""))
    scores = score_uses(
        [row[text or ""] for row in rows],
        objects=objects,
        embedder=embedder,
        cluster_distance=given.cluster_distance,
        radius=given.radius,
    )
    if given.uses is not None:
        lines = [
            [at + 2, objects[at], use.text, use.cluster, use.distance, use.rarity, use.words]
            for at, score in enumerate(scores)
            for use in score.uses
        ]
        with given.uses.open("w", newline="", encoding="utf-8") as stream:
            _write(stream, USES, lines)
    sys.stderr.write(f"Embedder: {embedder.name}{_caution(embedder.name)}\n")
    return (*AUT, "embedder"), [[*(getattr(score, name) for name in AUT), embedder.name] for score in scores]


def _caution(name: str) -> str:
    weak = " (words, not meaning: originality and flexibility are rough; see analysis.creativity.score_uses)"
    return weak if name == "tfidf-svd" else ""


def _column(header: list[str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in header), None)


def _is_word(name: str) -> bool:
    return name.startswith("word") and name[4:].strip("_ ").isdigit()


def _write(stream: IO[str], header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> object:
    if not isinstance(value, float):
        return value
    return "" if math.isnan(value) else f"{value:.{DIGITS}g}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m analysis.creativity", description="Scores of creativity tests.")
    tests = parser.add_subparsers(dest="test", required=True)
    dat = tests.add_parser("dat", help="Divergent Association Task (Olson et al. 2021)")
    dat.add_argument("answers", type=Path, help="CSV with a column text (whole answers), or word1, word2, …")
    dat.add_argument("--vectors", type=Path, required=True, help="GloVe's text format, plain or .gz")
    dat.add_argument("--dictionary", type=Path, help="words that count, one a line (published: Hunspell's)")
    dat.add_argument("--cache", type=Path, help="folder in which the vectors are kept ready for the next time")
    aut = tests.add_parser("aut", help="Alternative Uses Task: fluency, flexibility, originality, elaboration")
    aut.add_argument("answers", type=Path, help="CSV with columns object (or prompt) and text (whole answers)")
    aut.add_argument("--embedder", default="tfidf-svd", help="see analysis.embeddings")
    aut.add_argument(
        "--key-variable",
        default="OPENAI_API_KEY",
        metavar="NAME",
        help="environment variable that holds an endpoint's key (default: OPENAI_API_KEY)",
    )
    aut.add_argument("--cluster-distance", type=float, default=0.7, help="where clusters are cut (default: 0.7)")
    aut.add_argument("--radius", type=float, default=0.8, help="similarity of uses that say the same (default: 0.8)")
    aut.add_argument("--uses", type=Path, help="write one row per use to this file")
    for one in (dat, aut):
        one.add_argument("--out", type=Path, help="file to write (default: standard output)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
