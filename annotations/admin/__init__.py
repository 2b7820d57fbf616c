"""The researcher's pages: a study's path of seven stations, and lists of everything that is stored."""

from . import accounts, home, people, records, study, tokens, users

__all__ = ["accounts", "home", "people", "records", "study", "tokens", "users"]
