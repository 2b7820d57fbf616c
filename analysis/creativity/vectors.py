"""Word vectors in GloVe's text format, and lists of words that count as words."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from analysis.results import FloatArray

WORD: Final = re.compile(r"[a-z][a-z-]*[a-z]")
"""What counts as a word at all, as in the published code: lower case, two letters or more, hyphens inside."""
LONGEST: Final = 64
"""Letters of the longest word that is kept."""
FEWEST: Final = 2
"""Numbers that a line needs to be a vector; a first line of a single number is the header of word2vec's format."""
BATCH: Final = 50_000
FORM: Final = "each line is a word in small letters and its numbers, set apart by spaces"


class VectorsError(ValueError):
    """The file of vectors or words cannot be used; the message names file and row."""


@dataclass(frozen=True, slots=True)
class WordVectors:
    """Vectors by word: ``names`` sorted ASCII bytes of shape (n,), ``matrix`` of shape (n, d); both may be on disk."""

    names: np.ndarray[Any, np.dtype[np.bytes_]]
    matrix: np.ndarray[Any, np.dtype[np.float32]]
    source: str = ""

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, word: str) -> bool:
        return self._at(word) >= 0

    def __getitem__(self, word: str) -> FloatArray:
        """Return the vector of a word as float64, shape (d,); KeyError if it has none."""
        at = self._at(word)
        if at < 0:
            raise KeyError(word)
        return np.asarray(self.matrix[at], dtype=np.float64)

    def _at(self, word: str) -> int:
        if not word.isascii() or len(word) > LONGEST:
            return -1
        key = np.bytes_(word.encode())
        at = int(np.searchsorted(self.names, key))
        return at if at < len(self.names) and self.names[at] == key else -1


def read_vectors(
    path: Path | str, *, wanted: Collection[str] | None = None, cache: Path | str | None = None
) -> WordVectors:
    """Read vectors from a text file ``word v1 v2 …``, plain or gzipped, a line at a time.

    Parameters
    ----------
    wanted
        Keep only these words; by default every word of the form :data:`WORD`. Of a word that stands twice the last
        line counts, as in the published code. A vector of zeros has no direction and is left out.
    cache
        A folder in which the words are kept ready, to be mapped into memory: the next call with the same file takes
        no time and hardly any memory. With it ``wanted`` is not looked at, for the whole file is kept.

    Raises
    ------
    VectorsError
        A line does not have as many numbers as the first, or holds something that is no number.
    """
    path = Path(path)
    if not path.is_file():
        raise VectorsError(f"{path}: no such file: give a file of word vectors in GloVe's text format")
    if cache is not None:
        return _cached(path, Path(cache))
    return _packed(dict(_lines(path, None if wanted is None else frozenset(wanted))), path)


def _packed(found: dict[str, np.ndarray[Any, np.dtype[np.float32]]], path: Path) -> WordVectors:
    if not found:
        raise VectorsError(f"{path.name}: no line holds a vector of a word that was looked for: {FORM}")
    order = sorted(found)
    return WordVectors(np.array([word.encode() for word in order]), np.stack([found[w] for w in order]), path.name)


def _lines(path: Path, wanted: frozenset[str] | None) -> Iterator[tuple[str, np.ndarray[Any, np.dtype[np.float32]]]]:
    """Yield words with their vectors; only the lines that are kept are parsed as numbers."""
    size = 0
    with _opened(path) as stream:
        for row, line in enumerate(stream, start=1):
            word, _, rest = line.rstrip("\r\n").partition(" ")
            if row == 1 and len(rest.split()) < FEWEST:
                continue
            size = size or len(rest.split())
            if not (word in wanted if wanted is not None else _is_word(word)):
                continue
            parts = rest.split()
            if len(parts) > size and not _is_number(parts[0]):
                continue  # a name with spaces in it ("at name@domain.com"), as some of GloVe's have
            if len(parts) != size:
                raise VectorsError(
                    f"{path.name}, row {row}: {word!r} has {len(parts)} numbers, the first line has {size}: "
                    "is the file cut off, or of two kinds?"
                )
            vector = _numbers(parts, path, row)
            if vector.any():
                yield word, vector


def _is_word(word: str) -> bool:
    return len(word) <= LONGEST and WORD.fullmatch(word) is not None


def _is_number(part: str) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _numbers(parts: list[str], path: Path, row: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    try:
        vector = np.array(parts, dtype=np.float32)
    except ValueError as error:
        raise VectorsError(f"{path.name}, row {row}: {error}: each line is a word and its numbers") from error
    if not np.isfinite(vector).all():
        raise VectorsError(f"{path.name}, row {row}: a number is not finite: take the line out")
    return vector


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="\n")
    return path.open(encoding="utf-8", errors="replace", newline="\n")


def _cached(path: Path, folder: Path) -> WordVectors:
    """Map the words of a file from a folder, written there on the first call; a changed file is read anew."""
    known = path.stat()
    key = hashlib.sha256(json.dumps([str(path.resolve()), known.st_size, known.st_mtime_ns]).encode()).hexdigest()[:24]
    home = folder / f"vectors-{key}"
    if not (home / "names.npy").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".vectors-", dir=folder) as scratch:
            _write(path, Path(scratch))
            _take_place(Path(scratch), home)
    names, matrix = (np.load(home / name, mmap_mode="r") for name in ("names.npy", "matrix.npy"))
    return WordVectors(names, matrix, path.name)


def _take_place(scratch: Path, home: Path) -> None:
    """Move the files into place, the names last; two processes at once write the same bytes."""
    home.mkdir(exist_ok=True)
    for name in ("matrix.npy", "names.npy"):
        os.replace(scratch / name, home / name)  # noqa: PTH105 - atomic, also over another process's


def _write(path: Path, folder: Path) -> None:
    """Write sorted names and their matrix; the numbers go through a file, so that memory holds the words only."""
    words: list[str] = []
    raw, size = folder / "raw.f32", 0
    with raw.open("wb") as stream:
        for word, vector in _lines(path, None):
            stream.write(vector.tobytes())
            words.append(word)
            size = vector.size
    if not words:
        raise VectorsError(f"{path.name}: no line holds a word and its vector: {FORM}")
    last = {word: at for at, word in enumerate(words)}
    order = sorted(last)
    where = np.array([last[word] for word in order])
    source = np.memmap(raw, dtype=np.float32, mode="r", shape=(len(words), size))
    target = np.lib.format.open_memmap(folder / "matrix.npy", mode="w+", dtype=np.float32, shape=(len(order), size))
    for start in range(0, len(order), BATCH):
        target[start : start + BATCH] = source[where[start : start + BATCH]]
    target.flush()
    np.save(folder / "names.npy", np.array([word.encode() for word in order]))


def read_dictionary(path: Path | str) -> frozenset[str]:
    """Read a list of words, one a line; only those of the form :data:`WORD` count, so names in capitals do not."""
    path = Path(path)
    if not path.is_file():
        raise VectorsError(f"{path}: no such file: give a list of words, one a line")
    with path.open(encoding="utf-8", errors="replace") as stream:
        found = frozenset(word for line in stream if WORD.fullmatch(word := line.rstrip("\r\n")))
    if not found:
        raise VectorsError(f"{path.name}: no line holds a word in small letters: give one word a line")
    return found
