"""Likeness prompt by prompt and block by block equals what the whole matrix gives."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.diversity import similarity
from analysis.diversity.similarity import BINS, EDGES, compare_texts, project
from analysis.diversity.table import arrange
from analysis.embeddings import normalise


def table(sizes):
    """Return outputs with so many texts by (prompt, system)."""
    rows = [
        (f"p{prompt}", f"s{system}", f"{prompt} {system} {at}")
        for (prompt, system), count in sizes.items()
        for at in range(count)
    ]
    return arrange(pd.DataFrame(rows, columns=["prompt", "system", "text"]), even=False)


def random_vectors(count, width=6, seed=0, spread=0.8):
    rng = np.random.default_rng(seed)
    return normalise(np.ones(width) + spread * rng.standard_normal((count, width)), name="x")


def plainly(outputs, vectors, threshold):
    """Return within, share, between and histogram from the whole matrix, pair by pair."""
    whole = vectors.astype(float) @ vectors.astype(float).T
    prompts, systems = len(outputs.prompts), len(outputs.systems)
    cell = {
        (p, s): np.flatnonzero((outputs.prompt == p) & (outputs.system == s))
        for p in range(prompts)
        for s in range(systems)
    }
    within, share = np.full((prompts, systems), np.nan), np.full((prompts, systems), np.nan)
    means = np.full((prompts, systems, systems), np.nan)
    histogram = np.zeros((systems, BINS), int)
    for p in range(prompts):
        for i in range(systems):
            for j in range(systems):
                pairs = [whole[a, b] for a in cell[p, i] for b in cell[p, j] if a != b]
                if pairs:
                    means[p, i, j] = np.mean(pairs)
            own = [whole[a, b] for a in cell[p, i] for b in cell[p, i] if a < b]
            if own:
                within[p, i], share[p, i] = np.mean(own), np.mean(np.array(own) > threshold)
                histogram[i] += np.histogram(own, EDGES)[0]
    with np.errstate(invalid="ignore"):
        between = np.nansum(means, axis=0) / np.isfinite(means).sum(axis=0)
    return within, share, between, histogram


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(st.tuples(st.integers(0, 2), st.integers(0, 2)), st.integers(1, 6), min_size=1, max_size=9),
    st.integers(0, 100),
    st.sampled_from([1, 2, 3, 5, 100]),
)
def test_blocks_give_what_the_whole_matrix_gives(sizes, seed, tile):
    outputs = table(sizes)
    vectors = random_vectors(len(outputs), seed=seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "TILE", tile)
        found = compare_texts(outputs, vectors, threshold=0.7, class_threshold=0.7)

    within, share, between, histogram = plainly(outputs, vectors, 0.7)
    assert found.within == pytest.approx(within, abs=1e-6, nan_ok=True)  # vectors are float32
    assert found.share == pytest.approx(share, abs=1e-12, nan_ok=True)
    assert found.between == pytest.approx(between, abs=1e-6, nan_ok=True)
    assert found.histogram.sum(axis=1).tolist() == histogram.sum(axis=1).tolist()
    assert np.abs(found.histogram - histogram).sum() <= 2  # a value on an edge may fall to either side


def test_equal_texts_are_wholly_alike_and_one_class():
    outputs = table({(0, 0): 5})
    vectors = np.repeat(random_vectors(1), 5, axis=0)

    found = compare_texts(outputs, vectors, threshold=0.8, class_threshold=0.8)

    assert found.within[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert found.share[0, 0] == 1.0
    assert found.vendi[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert (found.classes[0, 0], found.modes_1[0, 0], found.modes_2[0, 0]) == (1.0, 1.0, 1.0)
    assert found.histogram[0, -1] == 10


def test_orthogonal_texts_are_as_many_modes_as_texts():
    outputs = table({(0, 0): 4})

    found = compare_texts(outputs, np.eye(4, dtype=np.float32), threshold=0.8, class_threshold=0.8)

    assert found.within[0, 0] == pytest.approx(0.0, abs=1e-12)
    assert found.share[0, 0] == 0.0
    assert found.vendi[0, 0] == pytest.approx(4.0)
    assert found.classes[0, 0] == 4.0
    assert found.modes_2[0, 0] == pytest.approx(4.0)


def test_numbers_of_two_systems_by_hand():
    # a says x, x, y; b says y, y: within a one pair of three is equal, between them two of six.
    outputs = table({(0, 0): 3, (0, 1): 2})
    x, y = np.eye(2, dtype=np.float32)

    found = compare_texts(outputs, np.stack([x, x, y, y, y]), threshold=0.8, class_threshold=0.8)

    assert found.within[0] == pytest.approx([1 / 3, 1.0])
    assert found.share[0] == pytest.approx([1 / 3, 1.0])
    assert found.between == pytest.approx(np.array([[1 / 3, 1 / 3], [1 / 3, 1.0]]))
    assert found.between_share == pytest.approx(np.array([[1 / 3, 1 / 3], [1 / 3, 1.0]]))
    assert found.modes_2[0] == pytest.approx([1 / (4 / 9 + 1 / 9), 1.0])
    assert found.partition[0] == found.partition[1] != found.partition[2]


def test_cell_of_one_text_has_no_number():
    found = compare_texts(table({(0, 0): 1, (0, 1): 2}), random_vectors(3), threshold=0.8, class_threshold=0.8)

    assert np.isnan(found.within[0, 0])
    assert np.isnan(found.vendi[0, 0])
    assert np.isfinite(found.within[0, 1])
    assert np.isfinite(found.between[0, 1])


def test_given_classes_win_over_similarity():
    frame = pd.DataFrame({"prompt": "p", "system": "a", "text": list("uvwx"), "class": ["1", "1", "1", "2"]})

    found = compare_texts(arrange(frame), np.eye(4, dtype=np.float32), threshold=0.8, class_threshold=0.8)

    assert found.classes[0, 0] == 2.0
    assert found.modes_2[0, 0] == pytest.approx(1 / (9 / 16 + 1 / 16))


def test_too_many_texts_of_one_cell_are_not_clustered_but_all_else_is_there(monkeypatch):
    monkeypatch.setattr(similarity, "MOST_CLUSTERED", 3)

    found = compare_texts(table({(0, 0): 4}), random_vectors(4), threshold=0.8, class_threshold=0.8)

    assert np.isnan(found.classes[0, 0])
    assert np.isfinite([found.within[0, 0], found.vendi[0, 0]]).all()


def test_no_product_is_larger_than_a_tile(monkeypatch):
    monkeypatch.setattr(similarity, "TILE", 8)
    seen = []
    plain = similarity._by_owner

    def watch(block, *rest):
        seen.append(block.shape)
        return plain(block, *rest)

    monkeypatch.setattr(similarity, "_by_owner", watch)
    compare_texts(table({(0, 0): 15, (0, 1): 15}), random_vectors(30), threshold=0.8, class_threshold=0.8)

    assert max(max(shape) for shape in seen) == 8
    assert len(seen) == 10  # 4 tiles, each with itself and those after it


def test_projection_keeps_distances_of_points_in_a_plane():
    rng = np.random.default_rng(2)
    plane = rng.standard_normal((9, 2)) @ np.linalg.qr(rng.standard_normal((5, 2)))[0].T

    points, share = project(plane.astype(np.float32))

    apart = np.linalg.norm(plane[:, None] - plane[None], axis=2)
    assert np.linalg.norm(points[:, None] - points[None], axis=2) == pytest.approx(apart, abs=1e-5)  # float32
    assert share.sum() == pytest.approx(1.0, abs=1e-6)
    assert (points[np.abs(points).argmax(axis=0), [0, 1]] > 0).all()


def test_projection_of_equal_points_is_one_point():
    points, share = project(np.ones((3, 4), np.float32))

    assert not points.any()
    assert not share.any()


def test_one_text_has_no_likeness_to_itself_whatever_the_last_digits():
    outputs = table({(prompt, system): 1 for prompt in range(30) for system in range(2)})

    found = compare_texts(outputs, random_vectors(60, width=300, spread=3.0), threshold=0.8, class_threshold=0.8)

    assert np.isnan(found.within).all()
    assert np.isnan(found.share).all()
    assert np.isfinite(found.between[0, 1])
