"""The verb: a table of outputs in, all measures of diversity with their tests out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd

    from analysis.diversity.result import Diversity
    from analysis.embeddings import Embedder, VectorCache

    Progress = Callable[[int, int, str], None]

ClassRule = Literal["average", "components", "given"]


def measure(
    frame: pd.DataFrame,
    *,
    baseline: str | None = None,
    embedder: Embedder | None = None,
    cache: VectorCache | None = None,
    threshold: float = 0.8,
    class_threshold: float | None = None,
    classes: ClassRule | None = None,
    measures: Sequence[str] | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Progress | None = None,
) -> Diversity:
    """Measure repetition within systems, likeness between them, and how steered systems differ from the baseline.

    Parameters
    ----------
    frame
        Columns ``prompt``, ``system``, ``text``; ``sample`` (else samples are numbered), ``class`` (a given partition
        into equivalence classes) and ``source_row`` are optional. Validated here; the order does not matter.
    baseline
        Compare each system with this one; None compares all pairs.
    embedder
        None is ``TfidfSvd(seed=seed)``.
    threshold
        Pairs above it count as near repetitions (Artificial Hivemind: 0.8).
    class_threshold
        Similarity from which texts belong to one class; None is ``threshold``.
    progress
        Called with (done, total, what), total 100; an exception raised there ends the run and leaves nothing.

    Returns
    -------
    Diversity
        ``.tables`` (data frames by name), ``.summary()`` (plain JSON: what a page shows), ``.warnings``, ``.methods``,
        ``.write(folder, title="")`` (CSV, figures, HTML page, JSON, manifest; all or nothing).

    Raises
    ------
    DiversityError
        If the table or an option cannot be used; names row, column and what to do.
    EmbeddingError
        If the texts could not be embedded.
    """
    raise NotImplementedError
