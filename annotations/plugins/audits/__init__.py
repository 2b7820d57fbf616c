"""Audits of the texts before a study is frozen, one file each; helpers: arms, places, features and words."""
