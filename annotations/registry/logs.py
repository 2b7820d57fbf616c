"""Sources that read the logs of evaluation tools: files with names of their own, samples that may lack a text."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from annotations.errors import Problem

from .sources import Source


@dataclass(frozen=True)
class UnansweredProblem(Problem):
    """A sample of a log that holds no text to judge; it is left out, and counted, when the researcher allows it."""


class LogSource(Source):
    """The log that an evaluation tool wrote of one run.

    Its records say in their metadata which tool in which version wrote it, and what it says of the answer: scores, why
    it ended, settings. Rows count answers, from 1; problems name the sample as the tool does. Each answer of a sample
    that was asked several times has its number.
    """

    own_names: ClassVar[re.Pattern[str]]  # of the files that the tool writes, in lower case

    @abstractmethod
    def samples(self, path: Path, *, file: str, system: str = "") -> Iterator[Any]:
        """Yield ``OutputRecord`` or ``Problem``; `system` names the system in place of what the log says of its model.

        An answer that is missing or empty is an ``UnansweredProblem``. Raises ``MaterialRefused`` for what is no such
        log, and for one whose model nobody has named.
        """

    def companions(self, name: str) -> tuple[str, ...]:  # noqa: ARG002
        """Return the names of the files beside the file of this name that say more of the run, if they are there."""
        return ()

    def records(self, path: Path, *, file: str) -> Iterator[Any]:
        """Yield the samples under the name that the log gives its model."""
        return self.samples(path, file=file)
