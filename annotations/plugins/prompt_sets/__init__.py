"""Prompts that a study can start from, one file each."""
