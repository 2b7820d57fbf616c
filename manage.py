#!/usr/bin/env python
"""Command line of the platform; starts the embedded servers first where a command needs them."""

import os
import sys

WITHOUT_SERVERS = {"check", "collectstatic", "compilemessages", "findstatic", "help", "makemessages", "version"}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalplatform.settings")

    from django.core.management import execute_from_command_line

    from evalplatform import embedded

    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command not in WITHOUT_SERVERS and not {"-h", "--help", "--version"} & set(sys.argv):
        try:
            embedded.ensure_running()
        except embedded.EmbeddedError as error:
            sys.exit(f"error: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
