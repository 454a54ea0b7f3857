"""`guestagent cluster`: clusters as stacks, from a cluster.yaml to their deletion."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from guestagent.cli import cluster_create, cluster_template, options
from guestagent.cli.password_file import read_password_file
from guestagent.cli.wait import (
    EXIT_OK,
    format_cloud_option,
    format_json,
    open_stacks,
    run_and_show,
    wait_for_work,
)
from guestagent.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Node

EXIT_IN_PROGRESS, EXIT_STACK_FAILED = 1, 6
REPLICA_COUNT_LIMIT = 200  # more nodes than any stack has room for


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command group to the command line."""
    group = commands.add_parser(
        "cluster",
        help="create, change, show and delete clusters",
        description="Clusters as Heat stacks. The cloud is the one of OS_CLOUD in clouds.yaml, or of --os-cloud.",
    )
    verbs = group.add_subparsers(metavar="VERB", required=True)
    cluster_template.register(verbs)
    cluster_create.register(verbs)
    _add_replica(verbs)
    _remove_replica(verbs)
    _resize(verbs)
    _rotate(verbs)
    _status(verbs)
    _delete(verbs)


def _add_replica(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "add-replica",
        help="add replicas to a cluster",
        description="Add replicas. The source proves their accounts first, then they come all at once.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("--flavor", help="their flavor (default: as the newest replica's, or the source's)")
    parser.add_argument("--image", help="their image (default: likewise)")
    parser.add_argument("--count", type=int, default=1, metavar="N", help="how many (default: 1)")
    options.add_passwords_option(parser, "made here, where they are parameters of the stack")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_add_replica)


def _remove_replica(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "remove-replica",
        help="remove one replica and its server",
        description="Remove a replica: its account leaves the source's metadata, then its server is deleted.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("node", metavar="NODE", help="the replica, as in Slave0001")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_remove_replica)


def _resize(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "resize",
        help="give one node another flavor",
        description="Resize a node, then have it prove that it is ready: two updates. Cut short, it is asked again.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("node", metavar="NODE", help="the node, as in Slave0001; its server restarts")
    parser.add_argument("--flavor", required=True, help="the new flavor")
    options.add_cloud_options(parser)
    options.add_timeout_option(
        parser,
        "wait at most so long for both (default: a minute longer than the stack's own timeout, for each)",
    )
    parser.set_defaults(run=run_resize)


def _rotate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "rotate",
        help="give replicas new passwords, with no channel broken",
        description="Rotate the passwords of replication accounts: the source retains the old ones until the replicas "
        "have moved, then discards them. Two updates. Cut short, it is asked again: it ends what was begun first.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("nodes", metavar="NODE", nargs="*", help="replicas, as in Slave0001 (default: all)")
    options.add_cloud_options(parser)
    options.add_timeout_option(
        parser,
        "wait at most so long for all of it (default: a minute longer than the stack's own timeout, for each update)",
    )
    parser.set_defaults(run=run_rotate)


def _status(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "status",
        help="show a cluster: nodes, roles, addresses, states, evidence",
        description="Show a cluster. Exit code 1 while Heat is at work on it, 6 where its stack has failed.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument(
        "--watch", action="store_true", help="follow it until Heat is no longer at work on it"
    )
    options.add_cloud_options(parser)
    parser.set_defaults(run=run_status)


def _delete(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "delete",
        help="delete a cluster, its servers and its data",
        description="Delete a cluster's stack, with every server and all data on them.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_delete)


def run_add_replica(args: argparse.Namespace) -> int:
    """Add replicas."""
    if not 1 <= args.count <= REPLICA_COUNT_LIMIT:
        raise InvalidInput([Problem("--count", f"from 1 to {REPLICA_COUNT_LIMIT}", str(args.count))])

    def add(cluster: Cluster) -> Cluster:
        for _ in range(args.count):
            cluster = cluster.add_replica(_like(cluster, args.flavor, args.image))
        return cluster

    passwords = None if args.passwords is None else read_password_file(args.passwords)
    stacks = open_stacks(args)
    return wait_for_work(args, stacks, stacks.change(args.stack, add, passwords))


def run_remove_replica(args: argparse.Namespace) -> int:
    """Remove a replica."""
    stacks = open_stacks(args)
    return wait_for_work(
        args, stacks, stacks.change(args.stack, lambda cluster: cluster.remove_replica(args.node))
    )


def run_resize(args: argparse.Namespace) -> int:
    """Resize a node."""
    stacks = open_stacks(args)
    again = f"guestagent cluster resize {args.stack} {args.node} --flavor {args.flavor}{format_cloud_option(args)}"
    return run_and_show(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.resize(args.stack, args.node, args.flavor, args.timeout, tell),
        f"when its update is over, go on with {again}",
    )


def run_rotate(args: argparse.Namespace) -> int:
    """Rotate passwords."""
    stacks = open_stacks(args)
    again = f"{' '.join(['guestagent cluster rotate', args.stack, *args.nodes])}{format_cloud_option(args)}"
    return run_and_show(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.rotate(args.stack, args.nodes, args.timeout, tell),
        f"when its update is over, end the rotation with {again}",
    )


def run_status(args: argparse.Namespace) -> int:
    """Show a cluster."""
    from guestagent.cli.progress import build_status_document, format_status, watch_stack
    from guestagent.retry import SystemClock

    stacks = open_stacks(args)
    seen = stacks.status(args.stack)
    if args.watch and seen.stack.in_progress:
        seen = watch_stack(seen, lambda: stacks.status(args.stack), SystemClock())
    sys.stdout.write(format_json(build_status_document(seen)) if args.json else format_status(seen))
    if seen.stack.in_progress:
        return EXIT_IN_PROGRESS
    return EXIT_STACK_FAILED if seen.stack.failed else EXIT_OK


def run_delete(args: argparse.Namespace) -> int:
    """Delete a cluster, after a question."""
    if not args.yes:
        _make_sure(args.stack)
    stacks = open_stacks(args)
    return wait_for_work(args, stacks, stacks.delete(args.stack))


def _like(cluster: Cluster, flavor: str | None, image: str | None) -> Node:
    """A new replica: what was not said is as with the newest one."""
    from guestagent.controller import Node

    model = cluster.replicas[-1] if cluster.replicas else cluster.source
    return Node(flavor=flavor or model.flavor, image=image or model.image)


def _make_sure(stack: str) -> None:
    if not sys.stdin.isatty():
        raise InvalidInput([Problem("--yes", "--yes where nobody can be asked", "none")])
    sys.stderr.write(f"This deletes {stack}: every server, and all data on them. Its name, to go on: ")
    sys.stderr.flush()
    said = sys.stdin.readline().strip()
    if said != stack:
        raise InvalidInput([Problem("the name", stack, repr(said), "nothing was deleted")])
