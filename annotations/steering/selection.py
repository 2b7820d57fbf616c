"""The largest k of very many numbers, exactly, without holding them: a histogram of their bits, twice.

The numbers come in pieces, each time anew. Float32 values that are not negative sort as their bits do, so 65,536
counts of the upper half and 65,536 of the lower half give the k-th largest exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

HALF = 16
LOW = (1 << HALF) - 1


@dataclass(slots=True)
class Cut:
    """Where the line is: all above `bits` are in, and the first `spare` of those that equal it, in order of coming.

    Zeros are never in: what no prompt ever touched is not important. `chosen` has to be called once for each piece,
    in the order of the pieces.
    """

    bits: int
    spare: int

    def chosen(self, piece: Any) -> Any:
        """Return which numbers of the next piece are in."""
        import torch

        found = piece.contiguous().view(torch.int32).reshape(piece.shape)
        inside = found > self.bits
        if self.spare:
            equal = found == self.bits
            first = equal & (equal.reshape(-1).cumsum(0).reshape(equal.shape) <= self.spare)
            self.spare -= int(first.sum())
            inside |= first
        return inside


def cut(pieces: Callable[[], Iterator[Any]], keep: int) -> Cut:
    """Find the line below which lies all but the largest `keep`. The pieces are float32 and not negative."""
    upper = _counts(piece >> HALF for piece in _as_bits(pieces))
    high, above = _bucket(upper, keep)
    lower = _counts((piece & LOW)[(piece >> HALF) == high] for piece in _as_bits(pieces))
    low, still = _bucket(lower, keep - above)
    bits = (high << HALF) | low
    return Cut(bits, keep - above - still if bits else 0)


def _as_bits(pieces: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    import torch

    return (piece.contiguous().view(torch.int32).reshape(-1) for piece in pieces())


def _counts(pieces: Iterator[Any]) -> Any:
    import torch

    total = torch.zeros(LOW + 1, dtype=torch.int64)
    for piece in pieces:
        total += torch.bincount(piece, minlength=LOW + 1).cpu()
    return total


def _bucket(counts: Any, keep: int) -> tuple[int, int]:
    """Return the bucket, from above, that holds the `keep`-th (0 when there are fewer), and how many lie above it."""
    import torch

    down = counts.flip(0).cumsum(0)
    place = min(int(torch.searchsorted(down, keep)), LOW)
    return LOW - place, int(down[place - 1]) if place else 0
