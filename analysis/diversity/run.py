"""The verb: a table of outputs in, all measures of diversity with their tests out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
import numpy.typing as npt

from analysis.diversity.inference import compare_systems
from analysis.diversity.lexical import compression_measures, split_words, word_measures
from analysis.diversity.names import BY_KEY, MEASURES
from analysis.diversity.result import Diversity, Projection, Settings, summarise_systems
from analysis.diversity.similarity import Likeness, compare_texts, project
from analysis.diversity.table import DiversityError, Outputs, arrange
from analysis.diversity.wording import methods_of, sentences_of, warnings_of
from analysis.embeddings import Embedder, TfidfSvd, VectorCache, embed

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int, str], None]
Rule = Literal["average", "components", "given"]
FloatArray = npt.NDArray[np.float64]
FROM_LIKENESS: Final = {
    "similarity": "within", "share_above": "share", "classes": "classes", "modes_1": "modes_1", "modes_2": "modes_2",
    "vendi": "vendi",
}  # fmt: skip


def measure(  # noqa: PLR0913 - the options of one run, all by name
    frame: pd.DataFrame,
    *,
    baseline: str | None = None,
    embedder: Embedder | None = None,
    cache: VectorCache | None = None,
    threshold: float = 0.8,
    class_threshold: float | None = None,
    classes: Rule | None = None,
    measures: Sequence[str] | None = None,
    primary: str = "similarity",
    show: Sequence[str] = (),
    even: bool = True,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> Diversity:
    """Measure repetition within systems, likeness between them, and how steered systems differ from the baseline.

    Parameters
    ----------
    frame
        Columns ``prompt``, ``system``, ``text``; ``sample`` (unique for a prompt and system) and ``class`` (a given
        partition into equivalence classes) are optional. Validated here; the order does not matter. Empty texts are
        left out and counted.
    baseline
        Compare each system with this one; None compares all pairs.
    embedder
        None is ``TfidfSvd(seed=seed)``. Vectors that go by rows belong to the rows of ``frame``.
    cache
        Where vectors are kept between runs.
    threshold
        Pairs above it count as near repetitions (Artificial Hivemind: 0.8).
    classes, class_threshold
        How texts are put into equivalence classes: ``given`` (the column ``class``; the default where there is one),
        ``average`` linkage or ``components`` of the graph of pairs, at a similarity of ``class_threshold`` (None:
        ``threshold``).
    measures
        Only these (see ``analysis.diversity.MEASURES``), which also makes the family of tests smaller.
    primary
        The measure that decides, to be named before the outputs are seen: Holm's correction of its tests is over
        contrasts alone, that of the others over the others. Empty (or a measure that is not computed): one family of
        all measures × contrasts.
    show
        Prompts whose outputs are drawn; by default the one of middling similarity.
    even
        Draw each prompt's systems down to the same number of samples (by ``seed``).
    progress
        Called with (done, 100, what); an exception raised there ends the run and leaves nothing.

    Returns
    -------
    Diversity
        ``.tables`` (data frames by name), ``.summary()`` (plain JSON for a page), ``.sentences``, ``.warnings``,
        ``.methods``, and ``.write(folder, title="")`` (CSV, figures, HTML page, JSON, manifest; all or nothing).

    Raises
    ------
    DiversityError
        If the table or an option cannot be used; names row, column and what to do.
    EmbeddingError
        If the texts could not be embedded.
    """
    tell = progress or _silent
    outputs = arrange(frame, seed=seed, even=even)
    settings = _settings(
        outputs, baseline=baseline, threshold=threshold, class_threshold=class_threshold, classes=classes,
        measures=measures, primary=primary, show=show, even=even, confidence=confidence, seed=seed,
    )  # fmt: skip
    used = embedder or TfidfSvd(seed=seed)
    vectors = _vectors(frame, outputs, used, cache=cache, tell=tell)
    likeness = compare_texts(
        outputs if settings.classes == "given" else replace(outputs, classes=None),
        vectors,
        threshold=threshold,
        class_threshold=settings.class_threshold,
        rule="components" if settings.classes == "components" else "average",
        progress=lambda done, total: tell(50 + 15 * done // total, 100, "Similarities"),
    )
    values = {name: getattr(likeness, part) for name, part in FROM_LIKENESS.items()} | lexical_table(
        outputs, progress=tell
    )
    values = {one.key: values[one.key] for one in MEASURES if one.key in {*settings.measures, "words"}}
    contrasts = compare_systems(
        values,
        outputs.systems,
        baseline=baseline,
        primary=settings.primary,
        confidence=confidence,
        seed=seed,
        progress=lambda done, total: tell(80 + 15 * done // total, 100, "Tests"),
    )
    result = Diversity(
        outputs,
        likeness,
        values,
        summarise_systems(values, outputs.systems, confidence=confidence, seed=seed),
        contrasts,
        _collapsed(likeness, outputs, threshold),
        _projections(outputs, vectors, likeness, settings.shown),
        settings,
        _provenance(outputs, used, vectors),
    )
    result = replace(result, sentences=sentences_of(result), methods=methods_of(result), warnings=warnings_of(result))
    tell(100, 100, "measured")
    return result


def _settings(
    outputs: Outputs,
    *,
    baseline: str | None,
    threshold: float,
    class_threshold: float | None,
    classes: str | None,
    measures: Sequence[str] | None,
    primary: str,
    show: Sequence[str],
    even: bool,
    confidence: float,
    seed: int,
) -> Settings:
    """Return the options, each checked."""
    if not len(outputs):
        raise DiversityError("every text is empty: there is nothing to measure")
    if baseline is not None and baseline not in outputs.systems:
        why = (
            f"every text of {baseline!r} is empty" if baseline in outputs.empty else f"there is no system {baseline!r}"
        )
        raise DiversityError(f"{why}: the baseline is one of {', '.join(outputs.systems)}")
    least = threshold if class_threshold is None else class_threshold
    for name, value in (("threshold", threshold), ("class_threshold", least)):
        if not -1.0 < value < 1.0:
            raise DiversityError(f"{name} is a cosine between −1 and 1, not {value}")
    if not 0.5 <= confidence < 1.0:  # noqa: PLR2004
        raise DiversityError(f"confidence is at least 0.5 and below 1, not {confidence}")
    rule = classes or ("average" if outputs.classes is None else "given")
    if rule not in {"average", "components", "given"}:
        raise DiversityError(f"there is no rule of classes {rule!r}: choose average, components or given")
    if rule == "given" and outputs.classes is None:
        raise DiversityError("classes are to be taken as given, but the table has no column class")
    wrong = [name for name in measures or () if name not in BY_KEY]
    if wrong:
        raise DiversityError(f"there is no measure {wrong[0]!r}: choose from {', '.join(BY_KEY)}")
    wrong = [name for name in show if name not in outputs.prompts]
    if wrong:
        raise DiversityError(f"there is no prompt {wrong[0]!r} to be shown")
    chosen = tuple(one.key for one in MEASURES if measures is None or one.key in measures)
    first = _primary(primary, chosen)
    return Settings(baseline, threshold, least, rule, chosen, confidence, seed, even, tuple(show), first)


def _primary(name: str, chosen: Sequence[str]) -> str:
    """Return the primary measure, empty where it is not among those that are computed."""
    tested = [one.key for one in MEASURES if one.family]
    if name and name not in tested:
        raise DiversityError(f"{name!r} cannot be the primary measure: choose from {', '.join(tested)}, or none")
    return name if name in chosen else ""


def _vectors(
    frame: pd.DataFrame, outputs: Outputs, embedder: Embedder, *, cache: VectorCache | None, tell: Progress
) -> npt.NDArray[np.float32]:
    """Return the vectors in the order of the outputs; those that go by rows are made for the whole table first."""
    show: Progress = lambda done, total, what: tell(50 * done // max(total, 1), 100, what)  # noqa: E731
    if embedder.unit == "row":
        texts = [str(text) for text in frame["text"]]
        return embed(texts, embedder, progress=show)[outputs.row]
    return embed(outputs.texts, embedder, cache=cache, progress=show)


def lexical_table(outputs: Outputs, *, progress: Progress | None = None) -> dict[str, FloatArray]:
    """Return the measures that count words, each of shape (P, S); texts are cut alike within a prompt.

    A second thread compresses, which needs no Python, while this one counts.
    """
    shape = (len(outputs.prompts), len(outputs.systems))
    keys = [one.key for one in MEASURES if one.key not in FROM_LIKENESS]
    found = {key: np.full(shape, np.nan) for key in keys}
    by_prompt: dict[int, list[tuple[int, slice]]] = {}
    for prompt, system, rows in outputs.cells():
        by_prompt.setdefault(prompt, []).append((system, rows))
    with ThreadPoolExecutor(1) as pool:
        waiting: list[tuple[int, int, Future[dict[str, float]]]] = []
        for done, (prompt, cells) in enumerate(by_prompt.items(), start=1):
            split = {system: split_words(outputs.texts[rows]) for system, rows in cells}
            most = max(1, int(min(np.median([len(text) for text in texts]) for texts in split.values())))
            fresh: list[tuple[int, int, Future[dict[str, float]]]] = []
            for system, rows in cells:
                if rows.stop - rows.start < 2:  # noqa: PLR2004
                    found["words"][prompt, system] = float(len(split[system][0]))
                    continue
                texts = outputs.texts[rows]
                fresh.append((prompt, system, pool.submit(compression_measures, texts, split[system], most=most)))
            for at, system, _ in fresh:
                _store(found, word_measures(split[system], most=most), at=(at, system))
            # One prompt ahead at most, so that texts in words are not held.
            for at, system, compressed in waiting:
                _store(found, compressed.result(), at=(at, system))
            waiting = fresh
            if progress:
                progress(65 + 15 * done // len(by_prompt), 100, "Words")
        for at, system, compressed in waiting:
            _store(found, compressed.result(), at=(at, system))
    return found


def _store(found: dict[str, FloatArray], values: dict[str, float], *, at: tuple[int, int]) -> None:
    for key, value in values.items():
        found[key][at] = value


def _collapsed(likeness: Likeness, outputs: Outputs, threshold: float) -> dict[str, float]:
    """Return, by system, the share of prompts whose mean similarity is above the threshold."""
    found = {}
    for at, name in enumerate(outputs.systems):
        known = likeness.within[:, at][np.isfinite(likeness.within[:, at])]
        found[name] = float((known > threshold).mean()) if known.size else float("nan")
    return found


def _projections(
    outputs: Outputs, vectors: npt.NDArray[np.float32], likeness: Likeness, shown: Sequence[str]
) -> tuple[Projection, ...]:
    """Return the outputs of the prompts shown in two dimensions; by default of the prompt of middling similarity."""
    if not shown:
        known = np.isfinite(likeness.within)
        filled = np.where(known, likeness.within, 0.0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        order = np.lexsort((np.arange(len(filled)), filled))
        shown = [outputs.prompts[order[(len(order) - 1) // 2]]]
    found = []
    for name in shown:
        rows = np.flatnonzero(outputs.prompt == outputs.prompts.index(name))
        points, share = project(vectors[rows])
        found.append(Projection(name, rows, points, (float(share[0]), float(share[1]))))
    return tuple(found)


def _provenance(outputs: Outputs, embedder: Embedder, vectors: npt.NDArray[np.float32]) -> dict[str, Any]:
    from analysis.page.provenance import versions

    return {
        "embedder": embedder.describe(),
        "embedding_dimensions": int(vectors.shape[1]),
        "input_sha256": outputs.digest(),
        "left_out_empty": dict(outputs.empty),
        "left_out_to_be_even": dict(outputs.dropped),
        "versions": versions(),
    }


def _silent(_done: int, _total: int, _what: str) -> None:
    """Tell nobody."""
