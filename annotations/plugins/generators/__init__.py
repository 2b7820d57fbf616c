"""Models that answer at once, one file each."""
