"""Checks of the texts before freezing, one file each."""
