"""Vectors in a file beside the texts, and the line that names an embedder."""

import numpy as np
import pandas as pd
import pytest

from analysis.embeddings import EmbeddingError, OpenAIEndpoint, SentenceTransformers, TfidfSvd, Vectors, choose, embed

MATRIX = np.array([[3.0, 4.0], [0.0, 2.0], [1.0, 0.0]])


def test_npy_goes_by_rows(tmp_path):
    np.save(tmp_path / "v.npy", MATRIX)

    found = embed(["x", "y", "x"], Vectors(tmp_path / "v.npy"))

    assert np.allclose(found, [[0.6, 0.8], [0, 1], [1, 0]])


def test_parquet_with_texts_is_looked_up_whatever_the_order(tmp_path):
    pd.DataFrame({"text": ["a", "b", "c"], "vector": MATRIX.tolist()}).to_parquet(tmp_path / "v.parquet")

    found = embed(["c", "a"], Vectors(tmp_path / "v.parquet"))

    assert np.allclose(found, [[1, 0], [0.6, 0.8]])


def test_parquet_of_numbers_goes_by_rows(tmp_path):
    pd.DataFrame(MATRIX, columns=["d0", "d1"]).to_parquet(tmp_path / "v.parquet")

    assert np.allclose(embed(["x", "y", "z"], Vectors(tmp_path / "v.parquet"))[0], [0.6, 0.8])


def test_other_number_of_rows_is_refused(tmp_path):
    np.save(tmp_path / "v.npy", MATRIX)

    with pytest.raises(EmbeddingError, match=r"v\.npy has 3 rows and the table of texts 2: give one vector per row"):
        embed(["x", "y"], Vectors(tmp_path / "v.npy"))


def test_text_without_vector_is_named(tmp_path):
    pd.DataFrame({"text": ["a"], "vector": [[1.0, 2.0]]}).to_parquet(tmp_path / "v.parquet")

    with pytest.raises(EmbeddingError, match="no vector for the text 'b'"):
        embed(["a", "b"], Vectors(tmp_path / "v.parquet"))


@pytest.mark.parametrize(
    ("name", "make", "reason"),
    [
        ("none.npy", lambda path: None, "there is no file of vectors"),
        ("v.csv", lambda path: path.write_text("1,2"), "vectors come as .npy or .parquet"),
        ("v.npy", lambda path: path.write_text("hello"), "v.npy cannot be read"),
        ("v.npy", lambda path: np.save(path, np.arange(3)), "array of shape"),
        ("v.parquet", lambda path: pd.DataFrame({"x": ["a"]}).to_parquet(path), "numeric columns only"),
        (
            "v.parquet",
            lambda path: pd.DataFrame({"vector": [[1.0], [1.0, 2.0]]}).to_parquet(path),
            "row 2, column vector: 2 numbers; the first has 1",
        ),
        ("v.parquet", lambda path: pd.DataFrame({"vector": [[1.0], None]}).to_parquet(path), "row 2, column vector"),
        ("v.npy", lambda path: np.save(path, [[1.0, 2.0], [3.0, np.nan]]), "row 2, column 2: is no finite number"),
        ("v.npy", lambda path: np.save(path, [[1.0, 2.0], [0.0, 0.0]]), "row 2: is a vector of zeros"),
    ],
)
def test_file_that_holds_no_vectors_is_refused(tmp_path, name, make, reason):
    make(tmp_path / name)

    with pytest.raises(EmbeddingError, match=reason):
        embed(["a"], Vectors(tmp_path / name))


def test_description_holds_the_digest_of_the_file_and_no_folder(tmp_path):
    np.save(tmp_path / "v.npy", MATRIX)

    told = Vectors(tmp_path / "v.npy").describe()

    assert told["embedder"] == "vectors:v.npy"
    assert told["dimensions"] == 2
    assert len(told["sha256"]) == 64
    assert str(tmp_path) not in str(told)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("tfidf-svd", TfidfSvd(seed=4)),
        ("sentence-transformers:/models/mini", SentenceTransformers("/models/mini")),
        ("sentence-transformers:org/name@abc123", SentenceTransformers("org/name", revision="abc123")),
        ("endpoint:http://host:8000/v1#e5", OpenAIEndpoint("http://host:8000/v1", "e5", "secret")),
        ("vectors:/data/v.npy", Vectors("/data/v.npy")),
    ],
)
def test_line_names_an_embedder(line, expected):
    assert choose(line, key="secret", seed=4) == expected


@pytest.mark.parametrize("line", ["", "glove", "endpoint:http://host", "tfidf-svd:x", "vectors:"])
def test_line_that_names_none_is_answered_with_the_forms(line):
    with pytest.raises(EmbeddingError, match="names no embedder: write one of tfidf-svd, sentence-transformers"):
        choose(line)
