"""Mode collapse measured: repetition within systems, likeness between systems, steered against baseline."""

from analysis.diversity.measure import measure

__all__ = ["measure"]
