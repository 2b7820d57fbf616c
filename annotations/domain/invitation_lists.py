"""Reads a list of addresses or codes: CSV with a header (address or code, language), or one per line."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from annotations.errors import MaterialRefused, Problem

ADDRESS = ("address", "email", "e-mail", "mail", "code")
LANGUAGE = ("language", "lang")
CODE = re.compile(r"[\w.+-]{1,64}")
MOST, MOST_PROBLEMS = 50_000, 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One person: an address if it holds an @, else a code by which the researcher knows him."""

    address: str
    language: str = ""

    @property
    def key(self) -> str:
        """What makes two rows the same person."""
        return self.address.casefold()


def is_mail(address: str) -> bool:
    """Say whether a letter can be sent there."""
    return "@" in address


def read_list(*, name: str, data: bytes) -> list[Row]:
    """Return the rows; raises MaterialRefused with file, row and column of everything that is wrong."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MaterialRefused([Problem(name, 0, "", "is not UTF-8 text; save it as CSV UTF-8")]) from None
    cells = [
        row for row in csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)) if any(map(str.strip, row))
    ]
    if not cells:
        raise MaterialRefused([Problem(name, 0, "", "is empty")])
    header, body = _header(name, cells)
    if len(body) > MOST:
        raise MaterialRefused([Problem(name, 0, "", f"holds more than {MOST:,} rows; split it")])
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    rows = [_row(name, number, header, cell, seen=seen, problems=problems) for number, cell in enumerate(body, start=1)]
    if problems:
        raise MaterialRefused(problems[:MOST_PROBLEMS], truncated=len(problems) > MOST_PROBLEMS)
    return rows


def _delimiter(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return max(",;\t", key=first.count)


def _header(name: str, cells: list[list[str]]) -> tuple[dict[str, int], list[list[str]]]:
    """Return which column is which, and the rows below; a list without a header has one column."""
    names = [cell.strip().casefold() for cell in cells[0]]
    found = {"address": next((i for i, cell in enumerate(names) if cell in ADDRESS), -1)}
    found["language"] = next((i for i, cell in enumerate(names) if cell in LANGUAGE), -1)
    if found["address"] >= 0:
        return found, cells[1:]
    if len(cells[0]) == 1 and (is_mail(names[0]) or any(character.isdigit() for character in names[0])):
        return {"address": 0, "language": -1}, cells
    raise MaterialRefused([Problem(name, 0, "address", "is missing: the first row names the columns, address or code")])


def _row(
    name: str, number: int, header: dict[str, int], cells: list[str], *, seen: dict[str, int], problems: list[Problem]
) -> Row:
    row = Row(_cell(cells, header["address"]), _cell(cells, header["language"]).casefold())
    reason = _wrong_address(row.address)
    if not reason and row.key in seen:
        reason = f"stands in row {seen[row.key]} already"
    if reason:
        problems.append(Problem(name, number, "address", reason))
    seen.setdefault(row.key, number)
    known = dict(settings.LANGUAGES)
    if row.language and row.language not in known:
        problems.append(Problem(name, number, "language", f"is none of {', '.join(known)}"))
    return row


def _cell(cells: list[str], index: int) -> str:
    return cells[index].strip() if 0 <= index < len(cells) else ""


def _wrong_address(address: str) -> str:
    if not address:
        return "is empty"
    if not is_mail(address):
        return "" if CODE.fullmatch(address) else "is neither an e-mail address nor a code of letters, digits, . _ + -"
    try:
        validate_email(address)
    except ValidationError:
        return "is not a valid e-mail address"
    return "" if len(address) <= 254 else "is longer than 254 characters"  # noqa: PLR2004 - RFC 5321
