"""The files of a report: one HTML page that reads from top to bottom, tables, figures, numbers and the manifest."""

from analysis.page.files import write_files

__all__ = ["write_files"]
