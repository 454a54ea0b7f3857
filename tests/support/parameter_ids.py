"""Names for parameters that are long: a test's id is printed, and searched."""

from __future__ import annotations

LENGTH_LIMIT = 24


def shorten(parameter: object) -> str:
    """Return the beginning of what a parameter is, with its length if that is not all."""
    text = repr(parameter)
    return text if len(text) <= LENGTH_LIMIT else f"{text[:LENGTH_LIMIT]}... ({len(text)})"
