"""`guestagent cluster resize-volume`: grow the data volume of one node while it is in use."""

from __future__ import annotations

import argparse

from guestagent.cli import options
from guestagent.cli.wait import format_cloud_option, open_stacks, run_and_show


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add this verb to `cluster`."""
    parser = verbs.add_parser(
        "resize-volume",
        help="grow the data volume of one node while it is in use",
        description="Grow the data volume of a node in Cinder, while it is attached; then update the stack, and wait "
        "until the node has proved that its file system has the size. No server restarts. A volume never shrinks. If "
        "Cinder cannot grow the volume, the stack is not updated. If interrupted, run the same command again.",
    )
    options.add_stack_argument(parser)
    parser.add_argument("node", metavar="NODE", help="the node, for example Slave0001")
    parser.add_argument("--size", required=True, type=int, metavar="GIB", help="the new size in GiB")
    options.add_cloud_options(parser)
    options.add_timeout_option(
        parser,
        "wait at most so long for both (default: half an hour for Cinder, and a minute longer than the stack's own "
        "timeout)",
    )
    parser.set_defaults(run=run_resize_volume)


def run_resize_volume(args: argparse.Namespace) -> int:
    """Grow a volume."""
    stacks = open_stacks(args)
    command = f"guestagent cluster resize-volume {args.stack} {args.node} --size {args.size}"
    return run_and_show(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.resize_volume(args.stack, args.node, args.size, args.timeout, tell),
        f"when its update is over, run {command}{format_cloud_option(args)}",
    )
