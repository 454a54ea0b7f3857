"""The reason why a server must not be changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """An obstacle that no step of the agent removes. It is reported as a final condition of this name."""

    name: str
    expected: str
    actual: str
    advice: str
