"""The researcher's pages: a study's path of seven stations, and lists of everything that is stored."""

from . import home, people, records, study, users

__all__ = ["home", "people", "records", "study", "users"]
