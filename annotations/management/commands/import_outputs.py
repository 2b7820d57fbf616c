"""`manage.py import_outputs STUDY FILE`: bring model outputs into a draft."""

from __future__ import annotations

import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from annotations.domain.materials import ImportOptions, MissingCells, import_material, missing_cells, suffixes
from annotations.errors import MaterialRefused, PlatformError, Problem
from annotations.models import Study
from annotations.registry import sources


class Command(BaseCommand):
    """Import a file of outputs."""

    help = f"Import model outputs ({', '.join(suffixes())}) into a study that is a draft, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("study", help="slug or number of the study")
        parser.add_argument("file", type=Path, help="columns: prompt, system, text; optional: sample, prompt_key, …")
        parser.add_argument(
            "--source", choices=sources.names(), help="the format, when the file's ending does not tell"
        )
        parser.add_argument(
            "--role",
            action="append",
            default=[],
            type=role,
            metavar="SYSTEM=ROLE",
            help="e.g. vanilla=baseline; repeat",
        )
        parser.add_argument("--only-known-systems", action="store_true", help="refuse systems that the study lacks")
        parser.add_argument("--allow-extra-columns", action="store_true", help="keep unknown columns as metadata")
        parser.add_argument("--system", default="", help="the name of the system, of a log that names none or another")
        parser.add_argument(
            "--leave-out-unanswered", action="store_true", help="pass over samples of a log that have no text"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, then say what came of it and what is still missing."""
        study = find_study(options["study"])
        path: Path = options["file"]
        chosen = ImportOptions(
            roles=dict(options["role"]),
            only_known_systems=options["only_known_systems"],
            allow_extra_columns=options["allow_extra_columns"],
            system=options["system"],
            leave_out_unanswered=options["leave_out_unanswered"],
        )
        quiet = options["verbosity"] == 0 or not sys.stderr.isatty()
        try:
            with tqdm(desc=path.name, unit=" rows", disable=quiet) as bar:
                done = import_material(
                    study=study,
                    path=path,
                    filename=path.name,
                    source=options["source"],
                    options=chosen,
                    progress=lambda rows: bar.update(rows - bar.n),
                )
        except MaterialRefused as refused:
            message = f"{path.name} was refused; nothing was imported.\n\n{table(refused.problems)}"
            raise CommandError(message) from refused
        except PlatformError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(done.message))
        self._write_missing(missing_cells(study=study))

    def _write_missing(self, found: MissingCells) -> None:
        for sentence in found.words:
            self.stdout.write(self.style.WARNING(sentence))


def role(text: str) -> tuple[str, str]:
    """Parse SYSTEM=ROLE; the name of a system may hold an equals sign."""
    name, equals, value = text.rpartition("=")
    if not (name and equals and value):
        message = f"'{text}' is not SYSTEM=ROLE, e.g. vanilla=baseline"
        raise ArgumentTypeError(message)
    return name, value


def find_study(text: str) -> Study:
    """Return the study by slug, else by number; raises CommandError."""
    study = Study.objects.filter(slug=text).first()
    if study is None and text.isascii() and text.isdigit():
        study = Study.objects.filter(pk=int(text)).first()
    if study is None:
        message = f"There is no study '{text}'. Give its slug (the last part of its link) or its number."
        raise CommandError(message)
    return study


def table(problems: Sequence[Problem]) -> str:
    """Return the problems as aligned lines: row, column, reason."""
    rows = [("row", "column", "reason"), *((str(p.row or "–"), p.column or "–", p.reason) for p in problems)]
    first, second = (max(len(row[place]) for row in rows) for place in (0, 1))
    return "\n".join(f"{row:>{first}}  {column:<{second}}  {reason}" for row, column, reason in rows)
