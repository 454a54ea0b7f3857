"""Numbers of options, each with its range: argparse alone takes what can mean nothing, NaN among it."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable


def build_positive_type(most: int, unit: str) -> Callable[[str], float]:
    """A type for argparse: a number above 0 and at most `most`."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= most:
            raise ArgumentTypeError(f"expected more than 0 and at most {most} {unit}, found {text!r}")
        return value

    return read


def build_integer_type(least: int, most: int, unit: str) -> Callable[[str], int]:
    """A type for argparse: an integer from `least` to `most`."""

    def read(text: str) -> int:
        try:
            value = int(text)
        except ValueError:  # one of thousands of digits among it
            value = least - 1
        if not least <= value <= most:
            raise ArgumentTypeError(f"expected {unit}, from {least} to {most}, found {text[:40]!r}")
        return value

    return read
