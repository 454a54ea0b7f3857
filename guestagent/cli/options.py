"""Options that several commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

CONFIG_HELP = "the agent's configuration (default: /etc/guestagent/guestagent.conf, if it exists)"
TIMEOUT_HELP = "maximum time to wait (default: a minute longer than the stack's own timeout)"


def add_stack_argument(parser: argparse.ArgumentParser, help_text: str = "the cluster's stack") -> None:
    """Add STACK, for every command about one stack."""
    parser.add_argument("stack", metavar="STACK", help=help_text)


def add_json_option(parser: argparse.ArgumentParser, help_text: str = "print the result as JSON") -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help=help_text)


def add_config_option(parser: argparse.ArgumentParser) -> None:
    """Add --config."""
    parser.add_argument("--config", type=Path, metavar="FILE", help=CONFIG_HELP)


def add_cloud_options(parser: argparse.ArgumentParser) -> None:
    """Add --os-cloud and --json, for every command that connects to a cloud."""
    parser.add_argument("--os-cloud", metavar="NAME", help="the cloud in clouds.yaml (default: $OS_CLOUD)")
    add_json_option(parser)


def add_wait_options(parser: argparse.ArgumentParser) -> None:
    """Add --os-cloud, --json, --wait and --timeout, for every command that changes a stack."""
    add_cloud_options(parser)
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait for completion (default), or return once Heat accepts the request",
    )
    add_timeout_option(parser, TIMEOUT_HELP)


def add_timeout_option(parser: argparse.ArgumentParser, help_text: str) -> None:
    """Add --timeout."""
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help=help_text)


def add_dialect_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --dialect."""
    help_text = f"the template format: CloudFormation (cfn) or HOT (hot) (default: {default})"
    parser.add_argument("--dialect", choices=["cfn", "hot"], help=help_text)


def add_passwords_option(parser: argparse.ArgumentParser, default: str) -> None:
    """Add --passwords."""
    help_text = f"a YAML file with a line `NODE: PASSWORD` for each new node, mode 0600 (default: {default})"
    parser.add_argument("--passwords", type=Path, metavar="FILE", help=help_text)
