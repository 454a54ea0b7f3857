"""Texts in YAML that no reader should load."""

from __future__ import annotations

ALIAS_BOMB = "a0: &a0 [x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)
"""A billion values in ten short lines."""
