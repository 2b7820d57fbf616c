"""One file per model; each returns the same frozen Fit."""
