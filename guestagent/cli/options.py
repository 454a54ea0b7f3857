"""Options that several commands share, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

CONFIG = "the agent's configuration (default: /etc/guestagent/guestagent.conf where it exists)"
PATIENCE = "wait at most so long (default: a minute longer than the stack's own timeout)"


def as_json(parser: argparse.ArgumentParser, meaning: str = "answer in JSON") -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help=meaning)


def config(parser: argparse.ArgumentParser) -> None:
    """Add --config."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=CONFIG)


def cloud(parser: argparse.ArgumentParser) -> None:
    """Add --os-cloud and --json, which whatever asks a cloud has."""
    parser.add_argument("--os-cloud", metavar="NAME", help="the cloud in clouds.yaml (default: OS_CLOUD)")
    as_json(parser)


def waiting(parser: argparse.ArgumentParser) -> None:
    """Add what a command has that has Heat do something: those of `cloud`, --wait and --timeout."""
    cloud(parser)
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait until it is done, which is the default; or return once Heat has taken it",
    )
    timeout(parser, PATIENCE)


def timeout(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add --timeout."""
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help=meaning)


def dialect(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --dialect."""
    meaning = f"CloudFormation's, or Heat's own (default: {default})"
    parser.add_argument("--dialect", choices=["cfn", "hot"], help=meaning)


def passwords(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --passwords."""
    meaning = f"a file of NODE: PASSWORD, readable by nobody else, for the new nodes (default: {default})"
    parser.add_argument("--passwords", type=Path, metavar="FILE", help=meaning)
