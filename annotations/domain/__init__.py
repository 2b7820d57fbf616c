"""Verbs: the only code that writes. Functions take keywords only and are atomic."""
