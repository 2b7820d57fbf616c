"""Vectors that somebody made already: a file beside the texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.embeddings.contract import EmbeddingError, FloatVectors, normalise

if TYPE_CHECKING:
    import pandas as pd

BLOCK = 16_384


@dataclass(frozen=True)
class Vectors:
    """Vectors from ``.npy`` (a matrix, one row per row of the table) or ``.parquet``.

    A Parquet file has a column ``vector`` (lists of numbers) or numeric columns only. With a column ``text`` beside
    it each text is looked up, whatever the order; without, rows belong to the rows of the table.
    """

    path: Path | str

    @property
    def name(self) -> str:
        """The file's name."""
        return f"vectors:{Path(self.path).name}"

    @property
    def unit(self) -> str:
        """``text`` where the file says which vector belongs to which text, else ``row``."""
        return "row" if self._loaded[0] is None else "text"

    def embed(self, texts: Sequence[str]) -> FloatVectors:
        """Return the vectors; see :class:`analysis.embeddings.Embedder`."""
        place, matrix = self._loaded
        if place is None:
            if len(matrix) != len(texts):
                raise EmbeddingError(
                    f"{Path(self.path).name} has {len(matrix)} rows and the table of texts {len(texts)}: "
                    "give one vector per row, in the same order"
                )
            return normalise(matrix, name=self.name)
        lost = next((text for text in texts if text not in place), None)
        if lost is not None:
            raise EmbeddingError(f"{Path(self.path).name} has no vector for the text {lost[:60]!r}: add it")
        return normalise(matrix[[place[text] for text in texts]], name=self.name)

    def describe(self) -> dict[str, Any]:
        """Return the file's name and digest."""
        return {"embedder": self.name, "sha256": self._digest, "dimensions": int(self._loaded[1].shape[1])}

    @cached_property
    def _digest(self) -> str:
        with Path(self.path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    @cached_property
    def _loaded(self) -> tuple[dict[str, int] | None, Any]:
        path = Path(self.path)
        if not path.is_file():
            raise EmbeddingError(f"there is no file of vectors {path}")
        try:
            if path.suffix == ".npy":
                return None, _matrix(np.load(path, allow_pickle=False, mmap_mode="r"), path)
            if path.suffix == ".parquet":
                return _read_parquet(path)
        except EmbeddingError:
            raise
        except (OSError, ValueError) as error:
            how = "numpy.save" if path.suffix == ".npy" else "pandas.DataFrame.to_parquet"
            message = f"{path.name} cannot be read as {path.suffix[1:]} ({str(error).splitlines()[0]})"
            raise EmbeddingError(f"{message}: write numbers with {how}") from error
        raise EmbeddingError(f"{path.name}: vectors come as .npy or .parquet")


def _matrix(found: Any, path: Path) -> Any:
    if found.ndim != 2 or not found.shape[1] or found.dtype.kind not in "fiu":  # noqa: PLR2004
        raise EmbeddingError(f"{path.name} holds an array of shape {found.shape}: rows of numbers are needed")
    for start in range(0, len(found), BLOCK):
        part = np.asarray(found[start : start + BLOCK], float)
        bad = np.argwhere(~np.isfinite(part))
        if bad.size:
            row, column = bad[0] + 1
            what = "is no finite number: give this text a whole vector"
            raise EmbeddingError(f"{path.name}, row {start + row}, column {column}: {what}")
        empty = np.flatnonzero(~part.any(axis=1))
        if empty.size:
            what = "is a vector of zeros, which has no direction: leave the text out or embed it otherwise"
            raise EmbeddingError(f"{path.name}, row {start + empty[0] + 1}: {what}")
    return found


def _read_parquet(path: Path) -> tuple[dict[str, int] | None, Any]:
    import pandas as pd

    frame: pd.DataFrame = pd.read_parquet(path)
    if not len(frame):
        raise EmbeddingError(f"{path.name} has no row: give one vector per text")
    if "vector" in frame:
        matrix = _stacked(list(frame["vector"]), path)
    else:
        matrix = frame.drop(columns=["text"], errors="ignore").to_numpy()
        if matrix.dtype.kind not in "fiu":
            raise EmbeddingError(f"{path.name} needs a column vector (lists of numbers), or numeric columns only")
    if "text" not in frame:
        return None, _matrix(matrix, path)
    return {str(text): at for at, text in enumerate(frame["text"])}, _matrix(matrix, path)


def _stacked(vectors: list[Any], path: Path) -> Any:
    """Return lists of numbers as a matrix."""
    width = len(vectors[0]) if isinstance(vectors[0], (list, np.ndarray)) else 0
    for row, vector in enumerate(vectors, start=1):
        if not isinstance(vector, (list, np.ndarray)) or len(vector) != width:
            found = f"{len(vector)} numbers" if isinstance(vector, (list, np.ndarray)) else "no list of numbers"
            wanted = f"the first has {width}" if width else "every row needs a list of numbers"
            raise EmbeddingError(f"{path.name}, row {row}, column vector: {found}; {wanted}")
    return np.stack([np.asarray(vector, dtype=np.float32) for vector in vectors])
