from __future__ import annotations

import argparse
from pathlib import Path

from guestagent.cli.reference import build_reference
from tests.failures.page import render_page

PAGE = Path(__file__).parents[2] / "docs/reference/cli.md"


def build_small_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("tool", description="A tool.")
    commands = parser.add_subparsers()
    grow = commands.add_parser("grow", help="make it larger")
    grow.add_argument("what", nargs="+", help="what to grow")
    grow.add_argument("--by", type=int, default=2, metavar="N", help="how much (default: %(default)s)")
    grow.add_argument("--mode", choices=["fast", "slow"], help="fast | slow")
    grow.add_argument("--secret", help=argparse.SUPPRESS)
    return parser


def test_every_command_has_a_section_with_its_purpose() -> None:
    page = build_reference(build_small_parser())

    assert "## tool\n" in page
    assert "## tool grow\n\n```text\ntool grow [options] WHAT ...\n```\n\nmake it larger\n" in page


def test_arguments_are_shown_with_values_and_defaults() -> None:
    page = build_reference(build_small_parser())

    assert "| `--by N` | how much (default: 2) |" in page
    assert "| `--mode {fast,slow}` | fast \\| slow |" in page
    assert "| `WHAT ...` | what to grow |" in page


def test_what_is_hidden_from_the_help_is_hidden_here() -> None:
    assert "--secret" not in build_reference(build_small_parser())


def test_the_page_in_the_repository_is_not_stale() -> None:
    from guestagent.cli.command_line import build_parser

    assert PAGE.read_text() == build_reference(build_parser()), "run `make docs`"


def test_the_page_of_failures_is_not_stale() -> None:
    assert PAGE.with_name("failures.md").read_text() == render_page(), "run `make docs`"
