#!/usr/bin/env python
"""Command line of the platform; starts the embedded servers first where a command needs them."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from evalplatform import embedded

WITHOUT_SERVERS = {"check", "collectstatic", "compilemessages", "findstatic", "help", "makemessages", "version"}


def main() -> None:
    """Run the command that the arguments name."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    try:
        if command not in WITHOUT_SERVERS and not {"-h", "--help", "--version"} & set(sys.argv):
            embedded.ensure_running()
        execute_from_command_line(sys.argv)
    except (embedded.EmbeddedError, ImproperlyConfigured) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
