"""Options that several commands share, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path

CONFIG_HELP = "the agent's configuration (default: /etc/guestagent/guestagent.conf where it exists)"
TIMEOUT_HELP = "wait at most so long (default: a minute longer than the stack's own timeout)"


def add_json_option(parser: argparse.ArgumentParser, meaning: str = "answer in JSON") -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help=meaning)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add --config."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=CONFIG_HELP)


def add_cloud_options(parser: argparse.ArgumentParser) -> None:
    """Add --os-cloud and --json, which whatever asks a cloud has."""
    parser.add_argument("--os-cloud", metavar="NAME", help="the cloud in clouds.yaml (default: OS_CLOUD)")
    add_json_option(parser)


def add_wait_options(parser: argparse.ArgumentParser) -> None:
    """Add what a command has that has Heat do something: those of `cloud`, --wait and --timeout."""
    add_cloud_options(parser)
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait until it is done, which is the default; or return once Heat has taken it",
    )
    add_timeout_option(parser, TIMEOUT_HELP)


def add_timeout_option(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add --timeout."""
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help=meaning)


def add_dialect_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --dialect."""
    meaning = f"CloudFormation's, or Heat's own (default: {default})"
    parser.add_argument("--dialect", choices=["cfn", "hot"], help=meaning)


def add_passwords_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --passwords."""
    meaning = f"a file of NODE: PASSWORD, readable by nobody else, for the new nodes (default: {default})"
    parser.add_argument("--passwords", type=Path, metavar="FILE", help=meaning)
