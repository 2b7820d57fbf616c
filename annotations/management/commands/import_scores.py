"""`manage.py import_scores STUDY FILE`: bring what automatic judges gave each output."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.domain.score_files import SUFFIXES
from annotations.domain.scores import import_scores
from annotations.errors import MaterialRefused, PlatformError

from .import_outputs import find_study, table


class Command(BaseCommand):
    """Import a file of scores."""

    help = f"Import scores of automatic judges ({', '.join(SUFFIXES)}) into a study, all or nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("study", help="slug or number of the study")
        parser.add_argument(
            "file",
            type=Path,
            help="prompt_key (or prompt), system, sample (or content_hash); a column for each judge, or judge, value",
        )
        parser.add_argument("--replace", action="store_true", help="let the file's scores replace earlier ones")
        parser.add_argument("--description", default="", help="what the judges are, kept beside them")

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say what came of it."""
        study = find_study(options["study"])
        path: Path = options["file"]
        try:
            said = import_scores(
                study=study,
                path=path,
                filename=path.name,
                replace=options["replace"],
                description=options["description"],
            )
        except MaterialRefused as refused:
            message = f"{path.name} was refused; nothing was imported.\n\n{table(refused.problems)}"
            raise CommandError(message) from refused
        except PlatformError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(self.style.SUCCESS(said))
