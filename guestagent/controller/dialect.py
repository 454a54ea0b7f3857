"""The two template formats of Heat."""

from __future__ import annotations

from enum import Enum


class Dialect(str, Enum):
    """A template format: CloudFormation's, or HOT, Heat's own. A stack keeps the one in which it was launched."""

    CFN = "cfn"
    HOT = "hot"

    def __str__(self) -> str:
        return self.value


DEFAULT_DIALECT = Dialect.HOT
"""The format if none is named and no cloud is asked. The preflight prefers it too, if Heat supports what it needs."""
