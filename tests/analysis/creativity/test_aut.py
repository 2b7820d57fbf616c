"""The Alternative Uses Task on vectors whose cosines are known."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage

from analysis.creativity import score_uses
from analysis.creativity.aut import clusters


@dataclass
class Angles:
    """Texts as directions in a plane, by their angle in degrees."""

    angles: dict[str, float]
    name: str = "angles"
    unit: str = "text"
    seen: list[str] = field(default_factory=list)

    def embed(self, texts):
        self.seen += texts
        turn = np.deg2rad([self.angles[text] for text in texts])
        return np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)

    def describe(self):
        return {"embedder": self.name}


def test_the_four_scores_are_those_worked_out_by_hand():
    plane = Angles({"brick": 0, "build a wall": 60, "build a big house": 70, "anchor": 180, "doorstop": 182})
    answers = ["- build a wall\n- build a big house\n- anchor", "- doorstop", "no"]

    first, second, third = score_uses(
        [*answers[:2], "-"], objects=["brick"] * 3, embedder=plane, cluster_distance=0.5, radius=0.95
    )

    def away(angle):
        return 1 - math.cos(math.radians(angle))

    assert (first.fluency, first.flexibility) == (3, 2)  # 60° and 70° are one kind, 180° another
    assert first.originality == pytest.approx((away(60) + away(70) + away(180)) / 3, abs=1e-6)  # float32 vectors
    assert first.elaboration == pytest.approx((3 + 4 + 1) / 3)
    # of the single use of the others, "doorstop", only "anchor" is within the radius (2°)
    assert [use.rarity for use in first.uses] == [1.0, 1.0, 0.0]
    assert first.rarity == pytest.approx(2 / 3)
    assert second.rarity == pytest.approx(2 / 3)
    assert (third.fluency, third.flexibility) == (0, 0)
    assert math.isnan(third.originality)


def test_rarity_is_among_answers_to_the_same_thing_and_of_others():
    plane = Angles({"brick": 0, "rope": 0, "one": 90, "two": 90, "three": 90})

    scores = score_uses(["- one\n- two", "- three"], objects=["brick", "rope"], embedder=plane)

    assert all(math.isnan(score.rarity) for score in scores)  # nobody else answered to either
    assert scores[0].flexibility == 1


def test_clusters_are_those_of_scipy_by_average_linkage():
    rng = np.random.default_rng(8)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)

    found = clusters(vectors, cut=0.6)

    theirs = fcluster(linkage(vectors.astype(float), method="average", metric="cosine"), t=0.6, criterion="distance")
    assert len(set(zip(found.tolist(), theirs.tolist(), strict=True))) == len(set(theirs.tolist())) == found.max()


def test_the_default_embedder_needs_no_model_and_knows_words_only():
    answers = ["1. build a wall\n2. build a wall of stones\n3. anchor for a boat", "1. a brick wall\n2. hammer"]

    first, second = score_uses(answers, objects=["brick", "brick"])

    assert first.fluency == 3
    assert first.flexibility == 2
    assert second.originality < 1.0  # "a brick wall" names the thing
    assert first.originality == pytest.approx(1.0, abs=1e-5)


def test_vectors_of_whole_answers_are_refused():
    plane = Angles({}, unit="row")

    with pytest.raises(ValueError, match="choose another embedder"):
        score_uses(["- one"], objects=["brick"], embedder=plane)
