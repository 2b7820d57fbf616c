"""Vectors kept on disk by the digest of embedder and text: one SQLite file, whole rows or none."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from analysis.embeddings.contract import Embedder, EmbeddingError, FloatVectors

AT_ONCE: Final = 500
SCHEMA: Final = "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL) WITHOUT ROWID"


class VectorCache:
    """A file of vectors; several processes may use it at once.

    The key is the SHA-256 of what the embedder says of itself and of the text, so that another model, revision or
    number of dimensions never meets the vectors of this one. No text is stored.
    """

    def __init__(self, path: Path | str) -> None:
        """Take a file (made when first used; folders above it too)."""
        self.path = Path(path)

    def get(self, embedder: Embedder, texts: Sequence[str]) -> dict[int, FloatVectors]:
        """Return the vectors that are there, by the place of their text."""
        if not self.path.exists():
            return {}
        keys = _keys(embedder, texts)
        found: dict[int, FloatVectors] = {}
        with self._open() as connection:
            for start in range(0, len(keys), AT_ONCE):
                part = keys[start : start + AT_ONCE]
                marks = ",".join("?" * len(part))
                query = f"SELECT key, vector FROM vectors WHERE key IN ({marks})"  # noqa: S608 - only question marks
                stored = dict(connection.execute(query, part))
                for at, key in enumerate(part, start):
                    if key in stored:
                        found[at] = np.frombuffer(stored[key], dtype="<f4").astype(np.float32)
        return found

    def put(self, embedder: Embedder, texts: Sequence[str], vectors: FloatVectors) -> None:
        """Keep the vectors, all of them or none."""
        rows = zip(_keys(embedder, texts), (row.astype("<f4").tobytes() for row in vectors), strict=True)
        with self._open() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=60.0)) as connection:
                connection.execute(SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            message = f"the cache of vectors {self.path} cannot be used ({error}): delete it or name another file"
            raise EmbeddingError(message) from error


def _keys(embedder: Embedder, texts: Sequence[str]) -> list[bytes]:
    told = json.dumps(embedder.describe(), sort_keys=True, ensure_ascii=False).encode()
    head = hashlib.sha256(told).digest()
    return [hashlib.sha256(head + text.encode("utf-8", "surrogatepass")).digest() for text in texts]
