"""A study whose baseline repeats itself, and its measurement: made once a run, and put into each test that wants it."""

from __future__ import annotations

from functools import cache

from django.core.files.base import ContentFile

from annotations.domain import measurements, measuring
from annotations.models import Measurement, Output, Study, System
from tests.annotations.factories import StudyFactory

WORDS = tuple("red boat under seven quiet hills while nobody counts falling green lamps near salt rivers".split())  # noqa: SIM905
_KEPT: dict[str, tuple[dict, bytes]] = {}


@cache
def text_of(system: str, prompt: int, sample: int) -> str:
    """The baseline says the same each time; the others say something else."""
    if system == "baseline":
        return f"A doorstop for the old door of room {prompt}."
    start = 3 * sample + prompt
    return " ".join(WORDS[(start + step * (sample + 2)) % len(WORDS)] for step in range(8))


def repetitive_study(**more: object) -> Study:
    """Four prompts, two systems, four samples."""
    study = StudyFactory(prompts=4, systems=("baseline", "steered"), samples=4, **more)
    System.objects.filter(study=study, name="baseline").update(role="baseline")
    for output in Output.objects.filter(prompt__study=study).select_related("prompt", "system"):
        output.text = text_of(output.system.name, int(output.prompt.key[1:]), output.sample)
        output.save()
    return study


def measured(study: Study) -> Measurement:
    """Return a finished measurement: computed for the first study of a process, for equal ones what came of that."""
    job = measurements.request_measurement(study=study, settings={"baseline": "baseline"})
    _, fingerprint = measurements.fingerprint(study=study)
    if fingerprint not in _KEPT:
        done = measuring.run_measurement(measurement_id=job.pk)
        with done.bundle.open("rb") as stream:
            _KEPT[fingerprint] = (done.summary, stream.read())
        return done
    job.summary, content = _KEPT[fingerprint]
    job.bundle.save("measures.zip", ContentFile(content), save=False)
    job.state, job.progress, job.fingerprint, job.outputs = "done", 100, fingerprint, 32
    job.finished_at = job.created_at
    job.save()
    return job
