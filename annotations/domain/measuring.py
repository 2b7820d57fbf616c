"""Measures of diversity and mode collapse over a study's outputs, computed: a background job with a bundle of files."""

from __future__ import annotations

import csv
import json
import math
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as site
from django.core.files import File
from django.utils import timezone

from annotations.enums import JobState, SystemRole
from annotations.models import Measurement, Output, Study
from annotations.registry.endpoints import embedder_line

from .bundles import zip_folder
from .jobs import alone
from .measurements import LOCK, PLANES, UNDER_WAY, fingerprint

if TYPE_CHECKING:
    import pandas as pd

    from analysis.diversity.result import Diversity, Projection


LEAST_POINTS = 3
MOST_POINTS = 60_000  # of all prompts together, which the page can show one at a time
# Families of prompts whose answers have scores of their own, as the prompt sets name them.
USES, WORDS = "alternative_uses", "divergent_association"
THING = re.compile(r"\buses? (?:for|of) ([^.?!\n,;:]{2,60})", re.IGNORECASE)
NO_VECTORS = (
    "The words of the Divergent Association Task are not scored: the server has no word vectors "
    "(EVALPLATFORM_WORD_VECTORS names a file in GloVe’s format)."
)


class _Stopped(Exception):
    """Somebody asked the job to stop."""


def run_measurement(*, measurement_id: int) -> Measurement:
    """Measure and store the bundle; a failure is kept with its words. Done twice it is done once."""
    with alone(LOCK, measurement_id) as free:
        job = Measurement.objects.select_related("study").get(pk=measurement_id)
        if free and job.state in UNDER_WAY:
            Measurement.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
            _try(job)
    job.refresh_from_db()
    return job


def _try(job: Measurement) -> None:
    from analysis.diversity.table import DiversityError
    from analysis.embeddings import EmbeddingError

    try:
        _run(job)
    except _Stopped:
        _finish(job, JobState.CANCELLED, "Stopped; nothing of it is kept.")
    except (DiversityError, EmbeddingError) as error:
        _finish(job, JobState.FAILED, str(error))
    except Exception as error:
        _finish(job, JobState.FAILED, f"The measurement broke off ({type(error).__name__}).")
        raise


def _run(job: Measurement) -> None:
    from analysis.diversity import measure
    from analysis.embeddings import VectorCache, choose

    study, settings = job.study, job.settings
    tell = _progress_of(job)
    tell(0, 100, "Reading the texts")
    job.outputs, job.fingerprint = fingerprint(study=study)
    frame = frame_of(study=study)
    # What an endpoint was paid for, or a model took its time for, is kept on the worker's disk by text and model.
    cache = VectorCache(site.MEASURES_CACHE / "vectors.sqlite")
    embedder = choose(embedder_line(settings), key=job.secrets.get("api_key", ""), seed=settings["seed"])
    shown = _shown(frame)
    result = measure(
        frame[["prompt", "system", "sample", "text"]],
        baseline=settings["baseline"] or None,
        embedder=embedder,
        cache=cache,
        threshold=settings["threshold"],
        show=shown,
        seed=settings["seed"],
        progress=lambda done, total, what: tell(90 * done // max(total, 1), 100, what),
    )
    planes = _planes(result)
    result = replace(result, projections=_middling(result))  # one is drawn for paper, the page draws any of them
    tell(92, 100, "Tests of creativity")
    creativity, scores = creativity_of(frame=frame, embedder=embedder)
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "measures"
        result.write(target, title=study.title)
        (target / PLANES).write_text(json.dumps(planes, ensure_ascii=False), encoding="utf-8")
        if scores:
            _write_csv(target / "creativity.csv", scores)
        tell(99, 100, "Packing the bundle")
        with zip_folder(target, Path(folder) / "bundle.zip").open("rb") as packed:
            job.bundle.save(f"{study.slug}-measures-{job.pk}.zip", File(packed), save=False)
    job.summary = {**result.summary(), "creativity": creativity, "shown": shown}
    _finish(job, JobState.DONE, "")


def _shown(frame: pd.DataFrame) -> list[str]:
    """Return the prompts whose outputs can be looked at in the plane: all, or the first that a page can hold."""
    sizes = frame[frame["text"].str.strip() != ""].groupby("prompt", sort=False).size()
    return [str(prompt) for prompt in sizes.index[(sizes.cumsum() <= MOST_POINTS) & (sizes >= LEAST_POINTS)]]


def _planes(result: Diversity) -> dict[str, Any]:
    """Return the points of each prompt: place of the system in `order`, sample, x, y."""
    order = {name: at for at, name in enumerate(result.order)}
    known = result.outputs
    prompts: dict[str, Any] = {}
    for one in result.projections:
        points = [
            [order[known.systems[known.system[row]]], int(known.sample[row]), round(float(x), 4), round(float(y), 4)]
            for row, (x, y) in zip(one.rows, one.points, strict=True)
        ]
        prompts[one.prompt] = {"share": list(one.share), "points": points}
    return {"order": list(result.order), "prompts": prompts}


def _middling(result: Diversity) -> tuple[Projection, ...]:
    """Return the projection of the prompt whose outputs are of middling likeness."""
    import numpy as np

    with np.errstate(invalid="ignore"):
        inside = np.nan_to_num(result.likeness.within, nan=0.0).mean(axis=1)
    place = {prompt: at for at, prompt in enumerate(result.outputs.prompts)}
    ordered = sorted(result.projections, key=lambda one: (inside[place[one.prompt]], place[one.prompt]))
    return tuple(ordered[(len(ordered) - 1) // 2 :][:1])


def frame_of(*, study: Study) -> pd.DataFrame:
    """Return what raters may see: prompt, its text and family, system, sample, text."""
    import pandas as pd

    found = Output.objects.filter(prompt__study=study, left_out="").exclude(system__role=SystemRole.CHECK)
    names = ("prompt__key", "prompt__text", "prompt__task_family", "system__name", "sample", "text")
    rows = found.order_by("prompt__pk", "system__name", "sample").values_list(*names)
    columns = ["prompt", "prompt_text", "task_family", "system", "sample", "text"]
    return pd.DataFrame.from_records(list(rows.iterator(chunk_size=5000)), columns=columns)


def creativity_of(*, frame: pd.DataFrame, embedder: Any = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Score answers to the Alternative Uses Task and to the Divergent Association Task, told by the task family.

    Returns what the page shows, by system, and a row for each answer; both empty without such prompts.
    """
    rows: list[dict[str, Any]] = []
    summary: dict[str, Any] = {}
    for family, score in ((USES, _score_uses), (WORDS, _score_words)):
        part = frame[frame["task_family"] == family]
        if part.empty:
            continue
        found, note = score(part, embedder)
        about: list[Any] = part[["prompt", "system", "sample"]].to_dict("records")
        scored = [
            {**place, "test": family, "measure": name, "value": value}
            for place, values in zip(about, found, strict=True)
            for name, value in values.items()
        ]
        rows += scored
        summary[family] = {"note": note, "answers": len(part), "systems": _means(scored)}
    return summary, rows


def _score_uses(part: pd.DataFrame, embedder: Any) -> tuple[list[dict[str, float]], str]:
    from analysis.creativity import score_uses

    things = [found[1] if (found := THING.search(text)) else text for text in part["prompt_text"]]
    scores = score_uses(part["text"].tolist(), objects=things, embedder=embedder)
    names = ("fluency", "flexibility", "originality", "rarity", "elaboration")
    return [{name: float(getattr(score, name)) for name in names} for score in scores], ""


def _score_words(part: pd.DataFrame, _embedder: Any) -> tuple[Sequence[dict[str, float]], str]:
    from analysis.creativity import VectorsError, dat_of_answer, read_dictionary, read_vectors

    if not site.WORD_VECTORS:
        return [{} for _ in range(len(part))], NO_VECTORS
    try:
        vectors = read_vectors(site.WORD_VECTORS, cache=site.MEASURES_CACHE / "words")
        known = read_dictionary(site.WORD_LIST) if site.WORD_LIST else None
    except (VectorsError, OSError) as error:
        said = str(error).replace(site.WORD_VECTORS, Path(site.WORD_VECTORS).name)
        return [{} for _ in range(len(part))], f"The word vectors of the server cannot be used: {said}."
    note = "" if known else "Every word with a vector counts: the server has no list of words (EVALPLATFORM_WORD_LIST)."
    return [{"DAT score": dat_of_answer(text, vectors, dictionary=known).score} for text in part["text"]], note


def _means(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return system, measure, mean over the answers that have a score, and how many have one and how many none."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row["system"], row["measure"]), []).append(row["value"])
    made = []
    for (system, name), values in found.items():
        finite = [value for value in values if math.isfinite(value)]
        mean = sum(finite) / len(finite) if finite else None
        made.append(
            {"system": system, "measure": name, "mean": mean, "n": len(finite), "none": len(values) - len(finite)}
        )
    return made


def _write_csv(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["prompt", "system", "sample", "test", "measure", "value"])
        writer.writeheader()
        for row in rows:
            writer.writerow({**row, "value": row["value"] if math.isfinite(row["value"]) else ""})


def _progress_of(job: Measurement) -> Callable[[int, int, str], None]:
    def show(done: int, total: int, what: str) -> None:
        """Keep how far it is; whoever asked for the end is heard here."""
        share = min(100 * done // max(total, 1), 100)
        Measurement.objects.filter(pk=job.pk).update(progress=share, stage=what[:120])
        if Measurement.objects.filter(pk=job.pk, stop_asked=True).exists():
            raise _Stopped

    return show


def _finish(job: Measurement, state: JobState, message: str) -> None:
    job.state, job.message, job.finished_at, job.stage, job.stop_asked = state, message, timezone.now(), "", False
    job.progress = 100 if state == JobState.DONE else 0
    fields = ["state", "message", "finished_at", "stage", "stop_asked", "progress"]
    if state == JobState.DONE:
        fields += ["summary", "bundle", "outputs", "fingerprint"]
    job.save(update_fields=fields)
