"""What words alone tell: distinct-n, self-BLEU, compression ratio; each for the texts of one cell."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

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

    def places(self) -> IntArray:
        """Return the place of each word in its text, from 0."""
        return np.asarray(np.arange(self.text.size) - np.searchsorted(self.text, self.text))

    def cut(self, most: int) -> Words:
        """Return the texts, each cut after so many words."""
        kept = self.places() < most
        return Words(self.code[kept], self.text[kept], self.count)

    def lengths(self) -> IntArray:
        """Return the number of words of each text."""
        return np.bincount(self.text, minlength=self.count).astype(np.int64)


def number_words(texts: Sequence[Sequence[str]]) -> Words:
    """Return texts that are split into words as numbers."""
    every = list(chain.from_iterable(texts))
    known = {word: at for at, word in enumerate(dict.fromkeys(every))}
    code = np.fromiter(map(known.__getitem__, every), np.int64, len(every))
    return Words(code, np.repeat(np.arange(len(texts)), [len(text) for text in texts]), len(texts))


def ngrams(cell: Words, orders: int = ORDERS) -> list[tuple[IntArray, IntArray]]:
    """Return (n-gram, where it starts) of every occurrence for n = 1, …, ``orders``; equal numbers are equal n-grams.

    The starts are places in ``cell.code``; n-grams are numbered from 0 without gaps.
    """
    import pandas as pd

    start = np.arange(cell.code.size)
    found = [(cell.code, start)]
    base = int(cell.code.max(initial=0)) + 1
    for n in range(2, orders + 1):
        gram, start = found[-1]
        # An n-gram of n − 1 words goes on where the next word is of the same text.
        inside = start < cell.code.size - n + 1
        gram, start = gram[inside], start[inside]
        same = cell.text[start] == cell.text[start + n - 1]
        gram, start = gram[same], start[same]
        found.append((pd.factorize(gram * base + cell.code[start + n - 1])[0].astype(np.int64), start))
    return found


def distinct(cell: Words, order: int) -> float:
    """Return distinct-n (Li et al. 2016): different n-grams / n-grams of all texts; NaN without any."""
    return _share_different(ngrams(cell, order)[-1][0])


def self_bleu(cell: Words) -> float:
    """Return self-BLEU (Zhu et al. 2018), 0–1: the mean BLEU-4 of each text against all others of the cell.

    Sentence BLEU as sacrebleu computes it (``smooth_method='exp'``, ``effective_order=True``, several references):
    precisions are clipped at the largest count in any one reference; the k-th order without any match counts as
    1/(2^k · its n-grams); orders longer than the text are left out; a text without any common word scores 0; the
    brevity penalty takes the closest reference length, the shorter of two that are equally close. Texts without words
    are left out. NaN with fewer than two texts.
    """
    return _self_bleu([(gram, cell.text[start]) for gram, start in ngrams(cell)], cell.lengths())


def _share_different(gram: IntArray) -> float:
    return float(np.count_nonzero(np.bincount(gram)) / gram.size) if gram.size else NAN


def _self_bleu(grams: Sequence[tuple[IntArray, IntArray]], lengths: IntArray) -> float:
    """Return self-BLEU from (n-gram, text) of every occurrence and the number of words of each text."""
    filled = lengths > 0
    if filled.sum() < 2:  # noqa: PLR2004
        return NAN
    counts = [_clipped(gram, text, lengths.size) for gram, text in grams]
    matched, total = (np.stack([one[at] for one in counts])[:, filled] for at in (0, 1))
    return float(np.mean(_bleu(matched, total) * _penalties(lengths[filled])))


def _clipped(gram: IntArray, text: IntArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Return, per text, its n-grams that another text has too (clipped), and all its n-grams."""
    total = np.bincount(text, minlength=count).astype(float)
    if not gram.size:
        return np.zeros(count), total
    pair, times = np.unique(gram * count + text, return_counts=True)
    which, owner = pair // count, pair % count
    first = np.flatnonzero(np.r_[True, which[1:] != which[:-1]])
    group = np.repeat(np.arange(first.size), np.diff(np.r_[first, which.size]))
    # The best of the others: the most frequent, or for a text that alone is the most frequent the second.
    most = np.maximum.reduceat(times, first)
    best = times == most[group]
    second = np.maximum.reduceat(np.where(best, 0, times), first)
    alone = np.add.reduceat(best.astype(np.int64), first) == 1
    other = np.where(best & alone[group], second[group], most[group])
    kept: FloatArray = np.bincount(owner, np.minimum(times, other).astype(float), minlength=count).astype(float)
    return kept, total


def _penalties(lengths: IntArray) -> FloatArray:
    """Return the brevity penalty of each text: 1 unless the closest other length is above its own."""
    known, at, times = np.unique(lengths, return_inverse=True, return_counts=True)
    below = np.r_[-np.inf, known[:-1]]
    above = np.r_[known[1:].astype(float), np.inf]
    closest = np.where((times > 1) | (known - below <= above - known), known, above)
    return np.asarray(np.exp(1.0 - closest / known)[at])


def _bleu(matched: FloatArray, total: FloatArray) -> FloatArray:
    """Return BLEU without its penalty from the counts of n-grams, shape (orders, texts)."""
    seen, missed = total > 0, (matched == 0) & (total > 0)
    halved = np.where(missed, 2.0 ** np.cumsum(missed, axis=0), 1.0)
    shares = np.where(missed, 1.0, matched) / np.where(seen, halved * total, 1.0)
    logs = np.log(np.where(seen, shares, 1.0)).sum(axis=0) / seen.sum(axis=0)
    return np.asarray(np.where(matched.any(axis=0), np.exp(logs), 0.0))


def compression_ratio(texts: Sequence[str]) -> float:
    """Return bytes before / bytes after zlib (level 9) of the sorted texts joined by line ends (Shaib et al. 2024).

    Above 1 where texts repeat themselves or one another; DEFLATE looks back over 32 KiB.
    """
    raw = "\n".join(sorted(texts)).encode("utf-8", "surrogatepass")
    return len(raw) / len(zlib.compress(raw, 9)) if raw else NAN


def lexical_measures(texts: Sequence[str], split: Sequence[Sequence[str]], *, most: int) -> dict[str, float]:
    """Return all measures of this file for a cell, and again with each text cut after ``most`` words."""
    return word_measures(split, most=most) | compression_measures(texts, split, most=most)


def word_measures(split: Sequence[Sequence[str]], *, most: int) -> dict[str, float]:
    """Return mean length, distinct-n and self-BLEU of texts that are split into words, whole and cut."""
    cell = number_words(split)
    lengths, place, grams = cell.lengths(), cell.places(), ngrams(cell)
    found = {"words": float(lengths.mean())}
    for ending, end in (("", int(lengths.max(initial=0))), ("_cut", most)):
        # What is left of the texts are the n-grams that end before the cut.
        kept = [(gram, start, place[start] + n <= end) for n, (gram, start) in enumerate(grams, start=1)]
        left = [(gram[use], cell.text[start[use]]) for gram, start, use in kept]
        found |= {f"distinct_{n}{ending}": _share_different(left[n - 1][0]) for n in (1, 2, 3)}
        found[f"self_bleu{ending}"] = _self_bleu(left, np.minimum(lengths, end))
    return found


def compression_measures(texts: Sequence[str], split: Sequence[Sequence[str]], *, most: int) -> dict[str, float]:
    """Return the compression ratio of a cell, and of its words when each text is cut after ``most`` of them."""
    cut = [" ".join(text[:most]) for text in split]
    return {"compression": compression_ratio(texts), "compression_cut": compression_ratio(cut)}


def split_words(texts: Sequence[str]) -> list[list[str]]:
    """Return the words of each text, as all measures count them."""
    return [words(text) for text in texts]
