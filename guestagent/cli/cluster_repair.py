"""`guestagent cluster repair`: let one node prove itself again, or replace the data of a replica by its source's."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.confirmation import confirm_by_name
from guestagent.cli.seed_notes import add_data_size_option, build_size, report_seeds
from guestagent.cli.wait import open_stacks, wait_for_work
from guestagent.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from guestagent.controller import Cluster


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this verb to `cluster`."""
    parser = verbs.add_parser(
        "repair",
        help="let one node prove itself again, or replace the data of a replica",
        description="Give a node a new generation, in which it proves itself again. With --reseed, the data of this "
        "replica are replaced by a copy of its source's, in the same update; the old data stay until the new ones are "
        "ready. It is the way out of errant transactions, diverged data, purged binary logs and broken relay logs.",
    )
    options.add_stack_argument(parser)
    parser.add_argument("node", metavar="NODE", help="the node, for example Slave0001")
    parser.add_argument("--reseed", action="store_true", help="replace the data of this replica")
    parser.add_argument(
        "--discard",
        action="store_true",
        help="with --reseed: the old data need not be kept meanwhile, if the disk is too small for both",
    )
    add_data_size_option(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation of --reseed")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_repair)


def run_repair(args: argparse.Namespace) -> int:
    """Repair a node."""
    if args.discard and not args.reseed:
        raise InvalidInput([Problem("--discard", "--reseed beside it", "none")])
    if args.data_size is not None and not args.reseed:
        raise InvalidInput([Problem("--data-size", "--reseed beside it", "none", "nothing is copied")])
    if args.reseed and not args.yes:
        warning = f"This replaces all data of {args.node} in {args.stack} by its source's."
        confirm_by_name(warning, args.node, "nothing was changed")
    stacks = open_stacks(args)
    work = stacks.change(args.stack, _choose_operation(args))
    report_seeds(work)
    return wait_for_work(args, stacks, work)


def _choose_operation(args: argparse.Namespace) -> Callable[[Cluster], Cluster]:
    if not args.reseed:
        return lambda cluster: cluster.renew(args.node)
    size = build_size(args.data_size)
    return lambda cluster: cluster.reseed(args.node, size, discard=args.discard)
