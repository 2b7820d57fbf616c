"""The Alternative Uses Task: how many uses, of how many kinds, how far from the thing, how rare, how worked out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from analysis.creativity.answers import uses_of
from analysis.embeddings import Embedder, FloatVectors, TfidfSvd, embed, words

if TYPE_CHECKING:
    from analysis.results import FloatArray, IntArray

NAN: Final = float("nan")
CLUSTER_DISTANCE: Final = 0.7
RADIUS: Final = 0.8
BLOCK: Final = 2_048


@dataclass(frozen=True, slots=True)
class Use:
    """One use of one answer.

    ``cluster`` numbers the kinds of use within its answer, from 1; ``distance`` is 1 − cosine to the thing;
    ``rarity`` is 1 − the share of the other answers' uses of the same thing within the radius; ``words`` its length.
    """

    answer: int
    text: str
    cluster: int
    distance: float
    rarity: float
    words: int


@dataclass(frozen=True, slots=True)
class AutScore:
    """The scores of one answer; NaN where there is no valid use (or, of ``rarity``, no other answer to the thing).

    Attributes
    ----------
    fluency
        Number of distinct valid uses.
    flexibility
        Number of kinds of use: clusters of the uses.
    originality
        Mean semantic distance of the uses from the thing, 1 − cosine.
    rarity
        Mean over the uses of 1 − the share of the other answers' uses that say nearly the same.
    elaboration
        Mean number of words of a use.
    """

    fluency: int
    flexibility: int
    originality: float
    rarity: float
    elaboration: float
    uses: tuple[Use, ...] = ()


def score_uses(
    answers: Sequence[str],
    *,
    objects: Sequence[str],
    embedder: Embedder | None = None,
    cluster_distance: float = CLUSTER_DISTANCE,
    radius: float = RADIUS,
) -> tuple[AutScore, ...]:
    """Score answers to the Alternative Uses Task (Guilford 1967, *The Nature of Human Intelligence*).

    Parameters
    ----------
    answers, objects
        Texts, and the thing (or the prompt) that each is about, in the same order. All answers to one thing are the
        pool for rarity.
    embedder
        What turns uses and things into vectors; by default :class:`analysis.embeddings.TfidfSvd`, fitted on
        these very texts. **It knows words, not meaning**: two uses without a common word are at distance 1 from each
        other and from the thing, however near they are in sense; so originality says then little more than whether
        the thing is named again, and flexibility little more than fluency. For results to be reported choose a
        language model's embedder, or average several as SemDis does.
    cluster_distance
        Average-linkage clusters of the uses of an answer are cut at this cosine distance: uses of one kind are, on
        average, nearer than that. Depends on the embedder; name it with the score.
    radius
        Cosine similarity from which two uses say nearly the same.

    Notes
    -----
    *Fluency, flexibility, originality, elaboration* are Guilford's four; kinds of use are counted by agglomerative
    clustering in place of a rater's categories. *Originality* as distance from the thing follows Beaty and Johnson
    (2021, "Automating creativity assessment with SemDis", Behavior Research Methods 53, 757-780) and Dumas, Organisciak
    and Doherty (2021, "Measuring divergent thinking originality with human raters and text-mining models", Psychology
    of Aesthetics, Creativity, and the Arts 15, 645-663); SemDis averages five semantic spaces of words, which
    are not shipped here. The mean over uses keeps it apart from fluency. *Rarity* is the older, statistical sense of
    originality: few others say it; an answer's own uses do not count against it.
    """
    if len(answers) != len(objects):
        raise ValueError(f"{len(answers)} answers for {len(objects)} objects: one object per answer is needed")
    embedder = embedder or TfidfSvd()
    if embedder.unit == "row":
        raise ValueError(f"{embedder.name} has vectors of whole answers, not of uses: choose another embedder")
    parts = [uses_of(answer, thing=thing) for answer, thing in zip(answers, objects, strict=True)]
    sizes = np.array([len(part) for part in parts], dtype=np.int64)
    owner = np.repeat(np.arange(len(parts)), sizes)
    uses = [use for part in parts for use in part]
    if not uses:
        return tuple(AutScore(0, 0, NAN, NAN, NAN) for _ in parts)
    things = list(dict.fromkeys(objects))
    vectors = embed([*uses, *things], embedder)
    of_use, of_thing = vectors[: len(uses)], vectors[len(uses) :]
    place = {thing: at for at, thing in enumerate(things)}
    pool = np.array([place[objects[at]] for at in owner.tolist()])
    distance = 1.0 - np.einsum("ij,ij->i", of_use, of_thing[pool], dtype=np.float64)
    rarity = _rarity(of_use, owner, pool, radius=radius)
    found = []
    for at, stop in enumerate(np.cumsum(sizes)):
        rows = np.arange(stop - sizes[at], stop)
        kinds = clusters(of_use[rows], cut=cluster_distance)
        details = tuple(
            Use(at, uses[i], int(kind), float(distance[i]), float(rarity[i]), len(words(uses[i])))
            for i, kind in zip(rows, kinds, strict=True)
        )
        found.append(_score(details))
    return tuple(found)


def clusters(vectors: FloatVectors, *, cut: float) -> IntArray:
    """Return the cluster of each row, numbered from 1 in order of appearance: average linkage, cosine distance."""
    if len(vectors) < 2:  # noqa: PLR2004
        return np.ones(len(vectors), dtype=np.int64)
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    similar = np.clip(vectors @ vectors.T, -1.0, 1.0).astype(np.float64)
    apart = 1.0 - similar
    np.fill_diagonal(apart, 0.0)
    tree = linkage(squareform((apart + apart.T) / 2.0, checks=False), method="average")
    label: Any = fcluster(tree, t=cut, criterion="distance")
    order = {name: at for at, name in enumerate(dict.fromkeys(label.tolist()), start=1)}
    return np.array([order[name] for name in label.tolist()], dtype=np.int64)


def _rarity(vectors: FloatVectors, owner: IntArray, pool: IntArray, *, radius: float) -> FloatArray:
    """Return 1 − the share of other answers' uses in the pool within the radius, a block of similarities at a time."""
    found = np.full(len(vectors), NAN)
    for group in np.unique(pool):
        rows = np.flatnonzero(pool == group)
        inside = vectors[rows]
        for start in range(0, len(rows), BLOCK):
            part = rows[start : start + BLOCK]
            other = owner[part][:, None] != owner[rows][None, :]
            near = (vectors[part] @ inside.T >= radius) & other
            total = other.sum(axis=1)
            share = near.sum(axis=1) / np.maximum(total, 1)
            found[part] = np.where(total > 0, 1.0 - share, NAN)
    return found


def _score(uses: tuple[Use, ...]) -> AutScore:
    if not uses:
        return AutScore(0, 0, NAN, NAN, NAN)
    distance, rarity, length = (
        float(np.mean([getattr(use, name) for use in uses])) for name in ("distance", "rarity", "words")
    )
    return AutScore(len(uses), max(use.cluster for use in uses), distance, rarity, length, uses)
