"""`manage.py import_invitations STUDY FILE`: give everybody in a list of addresses or codes a personal link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from annotations.domain import invitations
from annotations.errors import PlatformError

from .import_outputs import find_study


class Command(BaseCommand):
    """Import an invitation list."""

    help = "Give everybody in a CSV of addresses or codes a personal link, all or nothing; letters only with --send."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the arguments."""
        parser.add_argument("study", help="slug or number of the study")
        parser.add_argument("file", type=Path, help="a column address or code, and language if you like")
        parser.add_argument(
            "--send", metavar="SITE", help="queue the letters; SITE is this site's address in the links"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Import, and say how many are new."""
        study, path = find_study(options["study"]), options["file"]
        try:
            made, known = invitations.import_list(study=study, name=path.name, data=path.read_bytes())
            queued = invitations.queue_letters(study=study, site=options["send"]) if options["send"] else 0
        except (OSError, PlatformError) as error:
            raise CommandError(str(error)) from None
        letters = f", {queued} letters wait for the worker" if options["send"] else ""
        self.stdout.write(f"{made} new, {known} known{letters}.")
