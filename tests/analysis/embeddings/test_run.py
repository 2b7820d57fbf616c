"""Embedding a list: equal texts once, what is kept on disk not again, bad vectors refused."""

import sqlite3
from dataclasses import dataclass, field

import numpy as np
import pytest

from analysis.embeddings import Embedder, EmbeddingError, VectorCache, embed, run


@dataclass
class Letters:
    """Counts letters; remembers what it was asked."""

    name: str = "letters"
    unit: str = "text"
    version: int = 1
    asked: list[list[str]] = field(default_factory=list)

    def embed(self, texts):
        self.asked.append(list(texts))
        return np.array([[1.0 + text.count("a"), text.count("b"), len(text)] for text in texts], np.float32)

    def describe(self):
        return {"embedder": self.name, "version": self.version}


@dataclass
class Gives:
    """Gives what it is told to give."""

    vectors: object
    name: str = "gives"
    unit: str = "text"

    def embed(self, texts):
        return np.asarray(self.vectors)

    def describe(self):
        return {"embedder": self.name}


def test_equal_texts_are_embedded_once_and_rows_have_length_one():
    letters = Letters()

    vectors = embed(["ab", "b", "ab"], letters)

    assert letters.asked == [["ab", "b"]]
    assert np.array_equal(vectors[0], vectors[2])
    assert vectors[0] == pytest.approx(np.array([2, 1, 2]) / 3, abs=1e-6)
    assert isinstance(letters, Embedder)


def test_embedder_by_rows_gets_every_row_in_order():
    letters = Letters(unit="row")

    embed(["ab", "b", "ab"], letters)

    assert letters.asked == [["ab", "b", "ab"]]


def test_texts_that_stand_alone_come_in_chunks_and_progress_is_told(monkeypatch):
    monkeypatch.setattr(run, "CHUNK", 2)
    letters, told = Letters(), []

    embed(list("abcde"), letters, progress=lambda *step: told.append(step))

    assert [len(part) for part in letters.asked] == [2, 2, 1]
    assert [step[:2] for step in told] == [(0, 5), (2, 5), (4, 5), (5, 5), (5, 5)]


def test_corpus_comes_at_once(monkeypatch):
    monkeypatch.setattr(run, "CHUNK", 2)
    letters = Letters(unit="corpus")

    embed(list("abcde"), letters)

    assert letters.asked == [list("abcde")]


def test_cache_gives_back_what_it_was_given_and_only_new_texts_are_embedded(tmp_path):
    cache, letters = VectorCache(tmp_path / "deep" / "vectors.sqlite"), Letters()
    first = embed(["ab", "b"], letters, cache=cache)

    second = embed(["b", "aa", "ab"], letters, cache=cache)

    assert letters.asked == [["ab", "b"], ["aa"]]
    assert np.array_equal(second[[2, 0]], first)


def test_other_version_of_the_embedder_never_meets_old_vectors(tmp_path):
    cache, old, new = VectorCache(tmp_path / "v.sqlite"), Letters(), Letters(version=2)
    embed(["ab"], old, cache=cache)

    embed(["ab"], new, cache=cache)

    assert new.asked == [["ab"]]


def test_cache_keeps_what_was_done_before_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "CHUNK", 1)
    cache, letters = VectorCache(tmp_path / "v.sqlite"), Letters()

    def stop(done, _total, _what):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        embed(list("abc"), letters, cache=cache, progress=stop)
    embed(list("abc"), letters, cache=cache)

    assert letters.asked == [["a"], ["b"], ["c"]]


def test_cache_holds_no_text(tmp_path):
    path = tmp_path / "v.sqlite"
    embed(["a very private text"], Letters(), cache=VectorCache(path))

    assert b"private" not in path.read_bytes()
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT length(key), length(vector) FROM vectors").fetchall() == [(32, 12)]


def test_file_that_is_no_cache_is_refused_by_name(tmp_path):
    path = tmp_path / "v.sqlite"
    path.write_text("this is no database, and long enough to be seen as none" * 20)

    with pytest.raises(EmbeddingError, match=r"v\.sqlite cannot be used .*: delete it"):
        embed(["a"], Letters(), cache=VectorCache(path))


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ([[1.0, 0.0]], "gave 1 vectors for 2 texts"),
        ([[1.0, 0.0], [np.nan, 1.0]], "no finite vector for text 2"),
        ([[1.0, 0.0], [0.0, 0.0]], "vector of zeros for text 2"),
        ([1.0, 2.0], "array of shape"),
    ],
)
def test_bad_vectors_are_refused(vectors, reason):
    with pytest.raises(EmbeddingError, match=reason):
        embed(["a", "b"], Gives(vectors))


def test_no_texts_are_refused():
    with pytest.raises(EmbeddingError, match="no texts"):
        embed([], Letters())


def test_vectors_that_change_their_width_are_refused(tmp_path):
    cache = VectorCache(tmp_path / "v.sqlite")
    embed(["a"], Gives([[1.0, 0.0]]), cache=cache)

    with pytest.raises(EmbeddingError, match="of 3 and of 2 numbers"):
        embed(["a", "b"], Gives([[1.0, 0.0, 0.0]]), cache=cache)
