"""The pages for people: the README's example is a program, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
EXAMPLE = re.compile(r"^<!-- example -->\n```python\n(.*?)^```$", re.M | re.S)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("example", EXAMPLE.findall((ROOT / "README.md").read_text()))
def test_the_example_does_what_it_says(example: str) -> None:
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102  # it asserts its own claims


def test_there_is_an_example() -> None:
    assert EXAMPLE.search((ROOT / "README.md").read_text())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    dead = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert dead == []
