"""Outputs that are fetched by a background job, one file each."""
