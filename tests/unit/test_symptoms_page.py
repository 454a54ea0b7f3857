"""The messages that the pages for troubleshooting quote are those of the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/troubleshooting/symptoms.md"
# What a message has in the place of a value.
VALUE = re.compile(r"\.\.\.|\d+|SUCCESS pending|_[A-Z]+")
JOINT = re.compile(r"\"\s*\n\s*f?\"")
"""Two adjacent string literals, which are one text."""


def read_source() -> str:
    files = sorted((ROOT / "guestagent").rglob("*.py"))
    return JOINT.sub("", "\n".join(path.read_text(encoding="utf-8") for path in files)).lower()


def list_quotations() -> Iterator[str]:
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            yield from re.findall(r"`([^`]+)`", line.split("|")[1])


@pytest.fixture(scope="module")
def source() -> str:
    return read_source()


def test_there_are_quotations() -> None:
    assert len(list(list_quotations())) > 20


@pytest.mark.parametrize("quotation", [*list_quotations()])
def test_a_quoted_message_is_in_the_code(quotation: str, source: str) -> None:
    parts = [part.strip(" :,") for part in VALUE.split(quotation)]

    assert [part for part in parts if part.lower() not in source] == []
