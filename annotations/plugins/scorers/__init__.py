"""Automatic judges, one file each."""
