"""The family of exports: what can be taken along from a study, as a file."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, ClassVar, Literal, Protocol

from .base import Plugin, Registry

Row = Mapping[str, Any]
Needs = Literal["download", "read", "person", "log"]
"""Which action of ``annotations.access.TABLE`` a role must allow: answers; texts and names; what people said of
themselves; who did what."""


class StudyRows(Protocol):
    """What an export reads: the same rows for all, streamed, however many there are (``annotations.domain.exporting``).

    `masked` puts the study's letters in place of the systems' names. People appear by pseudonym only; a recruiter's id
    is in none of them.
    """

    @property
    def columns(self) -> Sequence[tuple[str, str]]:
        """The long table's columns in order: (name, type), the type one of str, int64, float64, bool."""

    def long(self, *, masked: bool) -> Iterator[Row]:
        """Yield the long table: one row per judgement, dimension and slot."""

    def answers(self, *, masked: bool) -> Iterator[Row]:
        """Yield each judgement with its answers as they were given, timing and what the page noticed."""

    def preferences(self) -> Iterator[Row]:
        """Yield each pair of texts of which one was put before the other."""

    def questionnaire(self) -> Iterator[Row]:
        """Yield what people answered outside the trials."""

    def scores(self, *, masked: bool) -> Iterator[Row]:
        """Yield what each automatic judge gave each output."""

    def outputs(self) -> Iterator[Row]:
        """Yield each output: what it answers, as raters see it, as it was brought, and where it comes from."""

    def plan(self, *, masked: bool) -> str:
        """Return the canonical JSON of the frozen design, empty before freezing."""

    def certificate(self, *, masked: bool) -> Mapping[str, Any]:
        """Return the certificate of balance, empty before freezing."""

    def log(self) -> Iterator[Row]:
        """Yield the study's events, oldest first."""


class Export(Plugin):
    """One kind of file. `write` streams: what it holds at a time does not grow with the study."""

    suffix: ClassVar[str]
    media_type: ClassVar[str]
    about: ClassVar[str]
    needs: ClassVar[Needs] = "download"
    maskable: ClassVar[bool] = True

    @abstractmethod
    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write the file and return the number of rows; one that is not `maskable` is never asked to mask."""


class JsonLines(Export):
    """An export of which each row is one JSON object on a line of its own."""

    media_type = "application/jsonl"

    @abstractmethod
    def rows(self, study: StudyRows, *, masked: bool) -> Iterator[Row]:
        """Yield what is written."""

    def write(self, study: StudyRows, target: BinaryIO, *, masked: bool) -> int:
        """Write line by line."""
        count = 0
        for row in self.rows(study, masked=masked):
            target.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
            count += 1
        return count


exports: Registry[Export] = Registry("exports")
