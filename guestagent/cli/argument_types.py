"""Types for numeric options with a range: argparse alone accepts meaningless values such as NaN."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from collections.abc import Callable


def build_positive_type(maximum: int, unit: str) -> Callable[[str], float]:
    """Return an argparse type for numbers above 0 and up to `maximum`."""

    def parse_number(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0 < value <= maximum:
            raise ArgumentTypeError(f"must be more than 0 and at most {maximum} {unit}, not {text!r}")
        return value

    return parse_number


def build_integer_type(minimum: int, maximum: int, unit: str) -> Callable[[str], int]:
    """Return an argparse type for integers from `minimum` to `maximum`."""

    def parse_integer(text: str) -> int:
        try:
            value = int(text)
        except ValueError:  # also raised for thousands of digits
            value = minimum - 1
        if not minimum <= value <= maximum:
            raise ArgumentTypeError(f"must be from {minimum} to {maximum} {unit}, not {text[:40]!r}")
        return value

    return parse_integer
