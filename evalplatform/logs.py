"""Log lines: short, without raters' tokens, which open the page to whoever reads them, and without ids of people."""

import logging
import re
from typing import Any

from gunicorn.glogging import Logger

TOKEN = re.compile(r"(/r/)[^/\s\"'?#&]+")
QUERY = re.compile(r"(/s/[^/\s\"'?#&]+/[a-z]*)\?[^\s\"']*")  # of the entrance: it names the person
NAMED = re.compile(r"\b(workerId|assignmentId|PROLIFIC_PID|SESSION_ID|pid|i)=[^&\s\"']+")  # a query by itself


def mask(text: str) -> str:
    """`/r/<token>/answer` becomes `/r/***/answer`, and `/s/<study>/?workerId=…` becomes `/s/<study>/?***`."""
    return NAMED.sub(r"\1=***", QUERY.sub(r"\1?***", TOKEN.sub(r"\1***", text)))


class MaskingFormatter(logging.Formatter):
    """One line an event; tokens are masked last, in the message and in the traceback alike."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s", "%Y-%m-%d %H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


class MaskingLogger(Logger):
    """gunicorn's logger with tokens masked in the access log."""

    def atoms(self, resp: Any, req: Any, environ: Any, request_time: Any) -> dict[str, Any]:
        """The fields of an access log line."""
        atoms = super().atoms(resp, req, environ, request_time)
        return {key: mask(value) if isinstance(value, str) else value for key, value in atoms.items()}
