"""What words alone tell: distinct-n, self-BLEU, compression ratio; each for the texts of one cell."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from analysis.embeddings import words

ORDERS = 4
IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
NAN = float("nan")


@dataclass(frozen=True, slots=True)
class Words:
    """Texts of one cell as numbered words: ``code`` (all in order), ``text`` (which text each is of), ``count``."""

    code: IntArray
    text: IntArray
    count: int

    def cut(self, most: int) -> Words:
        """Return the texts, each cut after so many words."""
        place = np.arange(self.text.size) - np.searchsorted(self.text, self.text)
        kept = place < most
        return Words(self.code[kept], self.text[kept], self.count)

    def lengths(self) -> IntArray:
        """Return the number of words of each text."""
        return np.bincount(self.text, minlength=self.count).astype(np.int64)


def number_words(texts: Sequence[Sequence[str]]) -> Words:
    """Return texts that are split into words as numbers."""
    known: dict[str, int] = {}
    code = [known.setdefault(word, len(known)) for text in texts for word in text]
    sizes = [len(text) for text in texts]
    return Words(np.asarray(code, np.int64), np.repeat(np.arange(len(texts)), sizes), len(texts))


def ngrams(cell: Words, orders: int = ORDERS) -> list[tuple[IntArray, IntArray]]:
    """Return (n-gram, text) of every occurrence for n = 1, …, ``orders``; equal numbers are equal n-grams."""
    found = [(cell.code, cell.text)]
    base = int(cell.code.max(initial=0)) + 1
    for n in range(2, orders + 1):
        gram, text = found[-1]
        # An occurrence of order n − 1 goes on where the word n − 1 places further is of the same text.
        starts = np.flatnonzero(cell.text[n - 1 :] == cell.text[: cell.text.size - n + 1])
        at = np.searchsorted(_starts(cell, n - 1), starts)
        joined = gram[at] * base + cell.code[starts + n - 1]
        found.append((np.unique(joined, return_inverse=True)[1].astype(np.int64), text[at]))
    return found


def _starts(cell: Words, n: int) -> IntArray:
    return np.flatnonzero(cell.text[n - 1 :] == cell.text[: cell.text.size - n + 1])


def distinct(cell: Words, order: int) -> float:
    """Return distinct-n (Li et al. 2016): different n-grams / n-grams of all texts; NaN without any."""
    gram, _ = ngrams(cell, order)[-1]
    return float(np.unique(gram).size / gram.size) if gram.size else NAN


def self_bleu(cell: Words) -> float:
    """Return self-BLEU (Zhu et al. 2018), 0–1: the mean BLEU-4 of each text against all others of the cell.

    Sentence BLEU as sacrebleu computes it (``smooth_method='exp'``, ``effective_order=True``, several references):
    precisions are clipped at the largest count in any one reference; the k-th order without any match counts as
    1/(2^k · its n-grams); orders longer than the text are left out; a text without any common word scores 0; the
    brevity penalty takes the closest reference length, the shorter of two that are equally close. Texts without words
    are left out. NaN with fewer than two texts.
    """
    lengths = cell.lengths()
    if (lengths > 0).sum() < 2:  # noqa: PLR2004
        return NAN
    matched = np.zeros((ORDERS, cell.count))
    total = np.zeros((ORDERS, cell.count))
    for n, (gram, text) in enumerate(ngrams(cell)):
        matched[n], total[n] = _clipped(gram, text, cell.count)
    filled = np.flatnonzero(lengths).tolist()
    scores = [_bleu(matched[:, at], total[:, at], _penalty(lengths, at)) for at in filled]
    return float(np.mean(scores))


def _clipped(gram: IntArray, text: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return, per text, its n-grams that another text has too (clipped), and all its n-grams."""
    total = np.bincount(text, minlength=count).astype(float)
    if not gram.size:
        return np.zeros(count), total
    pair, times = np.unique(gram * count + text, return_counts=True)
    which, owner = pair // count, pair % count
    # By n-gram, the most frequent text first: the best of the others is the first, or for the first the second.
    order = np.lexsort((-times, which))
    which, owner, times = which[order], owner[order], times[order]
    first = np.flatnonzero(np.r_[True, which[1:] != which[:-1]])
    group = np.cumsum(np.r_[True, which[1:] != which[:-1]]) - 1
    size = np.diff(np.r_[first, which.size])
    second = np.where(size > 1, times[np.minimum(first + 1, which.size - 1)], 0)
    best = np.where(np.arange(which.size) == first[group], second[group], times[first][group])
    kept: FloatArray = np.bincount(owner, np.minimum(times, best).astype(float), minlength=count).astype(float)
    return kept, total


def _penalty(lengths: IntArray, at: int) -> float:
    others = np.delete(lengths, at)
    others = others[others > 0]
    closest = min(others.tolist(), key=lambda length: (abs(length - lengths[at]), length))
    return 1.0 if lengths[at] >= closest else float(np.exp(1.0 - closest / lengths[at]))


def _bleu(matched: FloatArray, total: FloatArray, penalty: float) -> float:
    if not matched.any():
        return 0.0
    logs, halved = [], 1.0
    for hit, seen in zip(matched, total, strict=True):
        if not seen:
            break
        if not hit:
            halved *= 2.0
        logs.append(np.log(hit / seen if hit else 1.0 / (halved * seen)))
    return penalty * float(np.exp(np.mean(logs)))


def compression_ratio(texts: Sequence[str]) -> float:
    """Return bytes before / bytes after zlib (level 9) of the sorted texts joined by line ends (Shaib et al. 2024).

    Above 1 where texts repeat themselves or one another; DEFLATE looks back over 32 KiB.
    """
    raw = "\n".join(sorted(texts)).encode("utf-8", "surrogatepass")
    return len(raw) / len(zlib.compress(raw, 9)) if raw else NAN


def lexical_measures(texts: Sequence[str], split: Sequence[Sequence[str]], *, most: int) -> dict[str, float]:
    """Return all measures of this file for a cell, and again with each text cut after ``most`` words."""
    cell = number_words(split)
    short = cell.cut(most)
    found = {"words": float(cell.lengths().mean()), "compression": compression_ratio(texts)}
    found["compression_cut"] = compression_ratio([" ".join(text[:most]) for text in split])
    for ending, part in (("", cell), ("_cut", short)):
        found |= {f"distinct_{n}{ending}": distinct(part, n) for n in (1, 2, 3)}
        found[f"self_bleu{ending}"] = self_bleu(part)
    return found


def split_words(texts: Sequence[str]) -> list[list[str]]:
    """Return the words of each text, as all measures count them."""
    return [words(text) for text in texts]
