"""Short ids for long parameters: test ids are printed and searched."""

from __future__ import annotations

LENGTH_LIMIT = 24


def shorten(parameter: object) -> str:
    """Return the beginning of a parameter, with its length if it is longer."""
    text = repr(parameter)
    return text if len(text) <= LENGTH_LIMIT else f"{text[:LENGTH_LIMIT]}... ({len(text)})"
