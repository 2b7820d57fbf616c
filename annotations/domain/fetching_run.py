"""A fetch at work: once, whole or not at all, stoppable, and begun again when its process dies.

The job is held by an advisory lock, not by a lock on its row: whoever wants to stop it must be able to write there.
Progress goes to the cache, outside the transaction in which everything is staged.
"""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import Any, Final

import tenacity
from django.core.cache import cache
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.timezone import now

from annotations.enums import JobState
from annotations.errors import MaterialRefused, PlatformError, SourceUnreachable
from annotations.models import MaterialImport
from annotations.registry import RemoteSource, remote_sources

from .jobs import alone
from .material_logs import known_keys
from .material_merging import bring

LOCK: Final = 20_2617  # a first key of our advisory locks: fetches
TRIES: Final = 5  # of a source that does not answer, about two minutes in all
WAIT = tenacity.wait_random_exponential(multiplier=4, max=60)
MOST_ATTEMPTS: Final = 5  # processes that may die over one job
TOLD_EVERY: Final = 0.5  # seconds
KEPT: Final = 24 * 3600  # seconds that progress stays in the cache
SHORTEST_SECRET: Final = 4  # characters from which a text can be searched for a secret
UNDER_WAY: Final = (JobState.QUEUED, JobState.RUNNING)

logger = logging.getLogger(__name__)


class StoppedError(Exception):
    """A person stopped the fetch."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a fetch is; `share` from 0 to 1 where the source says how many rows there are."""

    rows: int = 0
    seconds: float = 0.0
    expected: int | None = None

    @property
    def rate(self) -> float:
        """Rows a second."""
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def clock(self) -> str:
        """The time that it has taken, in minutes and seconds."""
        minutes, seconds = divmod(int(self.seconds), 60)
        return f"{minutes}:{seconds:02d}"

    @property
    def share(self) -> float | None:
        """Which part of the rows is there."""
        return min(self.rows / self.expected, 1.0) if self.expected else None

    @property
    def percent(self) -> int:
        """The same in whole percents."""
        return int(100 * (self.share or 0))

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this rate."""
        return (self.expected - self.rows) / self.rate if self.expected and self.rate else None


def run_fetch(*, material_import_id: int) -> MaterialImport:
    """Fetch what a record says and return it; what goes wrong is kept there, in words, and not raised.

    A record that is finished, or that another process is at, is left alone; one whose process died is begun again.
    Raises MaterialImport.DoesNotExist.
    """
    job = MaterialImport.objects.select_related("study").get(pk=material_import_id)
    with alone(LOCK, job.pk) as free:
        if free and _begin(job):
            _fetch(job)
    return job


def _begin(job: MaterialImport) -> bool:
    """Take the job up, and say whether it is to be done."""
    waiting = MaterialImport.objects.filter(pk=job.pk, state__in=UNDER_WAY).exclude(settings={})
    waiting.update(
        state=JobState.RUNNING, attempts=F("attempts") + 1, started_at=Coalesce(F("started_at"), now()), message=""
    )
    job.refresh_from_db()
    if job.state != JobState.RUNNING or not job.settings:
        return False
    if job.stop_asked:
        end(job, JobState.CANCELLED, "Stopped; nothing was imported.")
    elif job.attempts > MOST_ATTEMPTS:
        said = f"The worker died {MOST_ATTEMPTS} times over this; nothing was imported. Is the memory too small?"
        end(job, JobState.FAILED, said)
    return job.state == JobState.RUNNING


def _fetch(job: MaterialImport) -> None:
    """Carry a running job to its end, whatever that is."""
    secrets = job.secrets
    try:
        for attempt in _tries(job):
            with attempt:
                _bring(job)
    except StoppedError:
        end(job, JobState.CANCELLED, "Stopped; nothing was imported.")
    except MaterialRefused as refused:
        end(job, JobState.REFUSED, str(refused), problems=[problem.as_dict() for problem in refused.problems])
    except SourceUnreachable as error:
        end(job, JobState.FAILED, f"{error} It was tried {TRIES} times and nothing was imported; try again later.")
    except PlatformError as error:
        end(job, JobState.REFUSED, str(error))
    except Exception as error:  # noqa: BLE001 - the record says so, and the log what it was
        said = log_quietly(error, secrets.values())
        end(job, JobState.FAILED, f"The fetch failed and nothing was imported ({said}).")


def _tries(job: MaterialImport) -> tenacity.Retrying:
    def note(state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        seconds = state.next_action.sleep if state.next_action else 0
        said = f"{error} Trying again in {seconds:.0f} s ({state.attempt_number + 1} of {TRIES})."
        MaterialImport.objects.filter(pk=job.pk).update(message=said)

    def wait(seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            _heed(job)
            time.sleep(min(left, 1.0))

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(SourceUnreachable),
        stop=tenacity.stop_after_attempt(TRIES),
        wait=WAIT,
        before_sleep=note,
        sleep=wait,
        reraise=True,
    )


def _bring(job: MaterialImport) -> None:
    plugin = remote_sources.get(job.source)
    known: dict[str, Any] = {"settings": job.settings, "secrets": job.secrets}
    watch = Watch(job, expected=_expected(plugin, known))
    with transaction.atomic(), closing(_generator(plugin.fetch(**known))) as records:
        found = known_keys(records, study=job.study) if plugin.reads_logs else records
        bring(job=job, records=found, progress=watch, before_merge=lambda: _heed(job, lock=True))
        job.secrets, job.finished_at, job.stop_asked = {}, now(), False
        job.save(update_fields=["secrets", "finished_at", "stop_asked"])


def _generator(records: Iterator[Any]) -> Any:
    """Return records as something that can be closed."""
    yield from records


def _expected(plugin: RemoteSource, known: Mapping[str, Any]) -> int | None:
    """Return how many rows there will be; what goes wrong shows again when they are fetched."""
    with suppress(PlatformError):
        return plugin.expected(**known)
    return None


class Watch:
    """Called while rows are staged: tells how far it is, and notices that somebody wants it stopped."""

    def __init__(self, job: MaterialImport, *, expected: int | None) -> None:
        self._job, self._expected = job, expected
        self._begun = time.monotonic()
        self._told = 0.0
        MaterialImport.objects.filter(pk=job.pk).update(message="")
        self(0)

    def __call__(self, rows: int) -> None:
        """Tell at most twice a second."""
        at = time.monotonic()
        if at - self._told < TOLD_EVERY:
            return
        self._told = at
        tell(self._job.pk, Progress(rows, at - self._begun, self._expected))
        _heed(self._job)


def tell(job_id: int, progress: Progress) -> None:
    """Write progress where pages read it. The fetch goes on when that place is down."""
    with suppress(Exception):
        cache.set(f"fetch:{job_id}", (progress.rows, progress.seconds, progress.expected), KEPT)


def progress_of(job: MaterialImport) -> Progress:
    """Return how far a fetch is."""
    found = None
    with suppress(Exception):
        found = cache.get(f"fetch:{job.pk}")
    return Progress(*found) if found else Progress()


def _heed(job: MaterialImport, *, lock: bool = False) -> None:
    """Raise StoppedError when somebody asked for that; READ COMMITTED sees it in the middle of our transaction."""
    rows = MaterialImport.objects.filter(pk=job.pk)
    if lock:  # from here on a stop comes too late, and waits to see that
        rows = rows.select_for_update()
    if rows.values_list("stop_asked", flat=True).get():
        raise StoppedError


def end(job: MaterialImport, state: JobState, message: str, *, problems: list[dict[str, Any]] | None = None) -> None:
    """Keep what came of a fetch that was rolled back."""
    job.state, job.problems, job.finished_at, job.stop_asked = state, problems or [], now(), False
    job.message = quiet(message, job.secrets.values())
    job.rows = job.added = job.unchanged = 0
    fields = ("state", "message", "problems", "rows", "added", "unchanged", "finished_at", "stop_asked")
    MaterialImport.objects.filter(pk=job.pk).update(**{name: getattr(job, name) for name in fields})


def quiet(text: str, secrets: Collection[str]) -> str:
    """Return a text without the secrets in it."""
    for secret in secrets:
        if len(secret) >= SHORTEST_SECRET:
            text = text.replace(secret, "•••")
    return text


def log_quietly(error: Exception, secrets: Collection[str]) -> str:
    """Log what nobody foresaw, and return it in one line; both without secrets."""
    logger.error("fetch failed\n%s", quiet("".join(traceback.format_exception(error)), secrets))
    return quiet(f"{type(error).__name__}: {error}", secrets)
