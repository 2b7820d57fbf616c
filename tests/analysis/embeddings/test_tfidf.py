"""TF-IDF with truncated SVD: by hand on three texts, and what must hold for any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.embeddings import EmbeddingError, TfidfSvd, tfidf

TEXTS = st.lists(st.text("abc ", max_size=12), min_size=2, max_size=12)


def cosines(texts, **options):
    vectors = TfidfSvd(**options).embed(texts)
    return vectors @ vectors.T


def test_cosines_of_few_texts_are_those_of_tf_idf_by_hand():
    found = cosines(["red cat", "red dog", "blue"])

    # "red" is in 2 of 3 texts, all other features in 1: weights 1 + ln(4/3) and 1 + ln(4/2). "red cat" has red, cat and
    # the pair "red cat"; red is all that it shares with "red dog".
    common, rare = 1 + np.log(4 / 3), 1 + np.log(4 / 2)
    expected = common**2 / (common**2 + 2 * rare**2)
    assert found[0, 1] == pytest.approx(expected, abs=1e-6)  # float32
    assert found[0, 2] == pytest.approx(0.0, abs=1e-6)


def test_word_that_comes_twice_weighs_one_plus_its_logarithm():
    found = cosines(["red red", "red"])

    # both hold red (df 2); the first also the pair "red red" (df 1)
    red, pair = 1 + np.log(3 / 3), 1 + np.log(3 / 2)
    twice = red * (1 + np.log(2))
    assert found[0, 1] == pytest.approx(twice / np.hypot(twice, pair), abs=1e-6)


@settings(max_examples=25, deadline=None)
@given(TEXTS, st.randoms())
def test_vectors_have_length_one_and_do_not_depend_on_order_or_repetition(texts, random):
    shuffled = [*texts, texts[0]]
    random.shuffle(shuffled)

    first = dict(zip(texts, TfidfSvd().embed(texts), strict=True))
    second = dict(zip(shuffled, TfidfSvd().embed(shuffled), strict=True))

    assert all(np.array_equal(first[text], second[text]) for text in texts)
    assert np.allclose([np.linalg.norm(vector) for vector in first.values()], 1.0, atol=1e-6)


def test_texts_without_words_are_alike_only_if_they_are_equal():
    found = cosines(["!!!", "???", "!!!", ""])

    assert np.allclose(found, [[1, 0, 1, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]], atol=1e-6)


@pytest.fixture(scope="module")
def many():
    rng = np.random.default_rng(1)
    topics = [[f"{name}{at}" for at in range(12)] for name in ("sea", "wood", "city")]
    return [" ".join(rng.choice(topics[at % 3], 8)) for at in range(120)]


def test_more_texts_than_dimensions_are_reduced_and_keep_their_neighbours(many):
    exact, reduced = cosines(many), cosines(many, dimensions=16)

    same = np.equal.outer(np.arange(120) % 3, np.arange(120) % 3) & ~np.eye(120, dtype=bool)
    assert TfidfSvd(dimensions=16).embed(many).shape == (120, 16)
    assert reduced[same].mean() > exact[same].mean()  # what is left out is what single texts have alone
    assert abs(reduced[~same & ~np.eye(120, dtype=bool)].mean()) < 0.02


def test_fit_on_a_sample_projects_all_texts_the_same_every_time(many, monkeypatch):
    monkeypatch.setattr(tfidf, "FITTED", 60)
    monkeypatch.setattr(tfidf, "BLOCK", 25)

    first, second = TfidfSvd(dimensions=8).embed(many), TfidfSvd(dimensions=8).embed(many[::-1])[::-1]

    assert np.array_equal(first, second)
    assert first.shape == (120, 8)
    same = np.equal.outer(np.arange(120) % 3, np.arange(120) % 3)
    assert (first @ first.T)[same].mean() > 0.5 + (first @ first.T)[~same].mean()


def test_text_that_shares_nothing_with_the_sample_has_a_direction_of_its_own(many, monkeypatch):
    monkeypatch.setattr(tfidf, "FITTED", 60)
    rare = [f"zz{at}" for at in range(40)]

    vectors = TfidfSvd(dimensions=8).embed([*many, *rare])

    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert len(np.unique(vectors[120:], axis=0)) == 40


def test_one_dimension_is_refused():
    with pytest.raises(EmbeddingError, match="at least 2 dimensions"):
        TfidfSvd(dimensions=1)


def test_description_names_what_it_is_without_a_language_model():
    told = TfidfSvd(seed=3).describe()

    assert told["embedder"] == "tfidf-svd"
    assert "no language model" in told["what"]
    assert told["seed"] == 3
