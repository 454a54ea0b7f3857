"""Microversions, as Nova and Cinder read and write them. Pure."""

from __future__ import annotations

import re

Microversion = tuple[int, int]


def parse_microversion(text: str) -> Microversion | None:
    """Return the microversion of a text such as `2.93`; None for anything else."""
    found = re.fullmatch(r"([1-9]\d*)\.(0|[1-9]\d*)", text)
    return None if found is None else (int(found[1]), int(found[2]))


def format_microversion(version: Microversion) -> str:
    """Format a microversion as requests name it."""
    return f"{version[0]}.{version[1]}"
