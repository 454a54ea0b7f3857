"""`guestagent cluster admit` and `revoke`: which other clusters may follow the source of this one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from guestagent.cli import options
from guestagent.cli.password_file import read_password_file
from guestagent.cli.wait import open_stacks, wait_for_work


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `cluster`."""
    admit = verbs.add_parser(
        "admit",
        help="let the replicas of another cluster follow the source of this one",
        description="Let the replicas of another cluster follow this cluster's source. The source proves that it has "
        "their account, and a rule opens the database port to their network. The other cluster's cluster.yaml then has "
        "`source: {external: {address: ..., account: ...}}`, and the same file of passwords.",
    )
    _add_both_clusters(admit)
    admit.add_argument("network", metavar="CIDR", help="the network of its replicas, for example 10.2.0.0/24")
    admit.add_argument(
        "--passwords",
        type=Path,
        metavar="FILE",
        required=True,
        help="a YAML file with the line `follower_FOLLOWER: PASSWORD`, mode 0600",
    )
    options.add_wait_options(admit)
    admit.set_defaults(run=run_admit)
    revoke = verbs.add_parser(
        "revoke",
        help="let the replicas of another cluster no longer follow the source of this one",
        description="Drop the account of another cluster's replicas, and the rule for their network. Replicas that "
        "still follow lose their source at their next login: delete their cluster first.",
    )
    _add_both_clusters(revoke)
    options.add_wait_options(revoke)
    revoke.set_defaults(run=run_revoke)


def _add_both_clusters(parser: argparse.ArgumentParser) -> None:
    options.add_stack_argument(parser, "the stack of the source's cluster")
    parser.add_argument("follower", metavar="FOLLOWER", help="the name of the other cluster")


def run_admit(args: argparse.Namespace) -> int:
    """Admit a follower."""
    from guestagent.controller.follower import build_follower_account

    account = build_follower_account(args.follower)
    passwords = read_password_file(args.passwords, [account])
    stacks = open_stacks(args)
    work = stacks.change(args.stack, lambda cluster: cluster.admit(args.follower, args.network), passwords)
    sys.stderr.write(f"the account of {args.follower} is {account}\n")
    return wait_for_work(args, stacks, work)


def run_revoke(args: argparse.Namespace) -> int:
    """Revoke a follower."""
    stacks = open_stacks(args)
    return wait_for_work(
        args, stacks, stacks.change(args.stack, lambda cluster: cluster.revoke(args.follower))
    )
