"""The two languages in which Heat takes a template."""

from __future__ import annotations

from enum import Enum


class Dialect(str, Enum):
    """CFN is the origin's, CloudFormation's; HOT is Heat's own. A stack keeps the one in which it was launched."""

    CFN = "cfn"
    HOT = "hot"

    def __str__(self) -> str:
        return self.value


DEFAULT_DIALECT = Dialect.HOT
"""Where nobody says one and no cloud is asked: what the preflight takes wherever Heat has what we use of it."""
