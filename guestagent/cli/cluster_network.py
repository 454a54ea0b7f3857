"""`guestagent cluster allow`, `disallow` and `replace-network`: which networks may reach the database port."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.wait import format_cloud_option, open_stacks, run_and_show

if TYPE_CHECKING:
    from guestagent.controller.network_change import ChooseNetworks

SAFETY = (
    "What is allowed before and after is allowed all the time. Connections that are open may stay open. If "
    "interrupted, run the same command again."
)


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `cluster`."""
    allow = _add_verb(verbs, "allow", "let networks reach the database port", "Let more networks connect.")
    allow.add_argument("networks", metavar="CIDR", nargs="+", help="networks, for example 10.1.0.0/16")
    allow.set_defaults(run=run_allow)
    disallow = _add_verb(
        verbs, "disallow", "let networks no longer reach the database port", "Let fewer networks connect."
    )
    disallow.add_argument("networks", metavar="CIDR", nargs="+", help="networks of the cluster")
    disallow.set_defaults(run=run_disallow)
    replace = _add_verb(
        verbs,
        "replace-network",
        "let another network reach the database port in place of one",
        "Let one network connect in place of another. In between both may: two updates of the stack.",
    )
    replace.add_argument("old", metavar="OLD", help="a network of the cluster")
    replace.add_argument("new", metavar="NEW", help="the one in its place")
    replace.set_defaults(run=run_replace_network)


def run_allow(args: argparse.Namespace) -> int:
    """Add client networks."""
    from guestagent.controller.client_networks import allow_networks

    return _change_networks(args, lambda cluster: allow_networks(cluster, args.networks), *args.networks)


def run_disallow(args: argparse.Namespace) -> int:
    """Remove client networks."""
    from guestagent.controller.client_networks import disallow_networks

    return _change_networks(args, lambda cluster: disallow_networks(cluster, args.networks), *args.networks)


def run_replace_network(args: argparse.Namespace) -> int:
    """Replace a client network."""
    from guestagent.controller.client_networks import replace_network

    return _change_networks(
        args, lambda cluster: replace_network(cluster, args.old, args.new), args.old, args.new
    )


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, help_text: str, description: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=help_text, description=f"{description} {SAFETY}")
    options.add_stack_argument(parser)
    options.add_cloud_options(parser)
    options.add_timeout_option(
        parser,
        "wait at most so long for all updates (default: for each, a minute longer than the stack's own timeout)",
    )
    parser.set_defaults(verb=name)
    return parser


def _change_networks(args: argparse.Namespace, choose: ChooseNetworks, *networks: str) -> int:
    stacks = open_stacks(args)
    command = " ".join(["guestagent cluster", args.verb, args.stack, *networks]) + format_cloud_option(args)
    return run_and_show(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.change_client_networks(args.stack, choose, args.timeout, tell),
        f"when its update is over, run {command}",
    )
