"""`guestagent cluster`: clusters as Heat stacks, from a cluster.yaml to their deletion."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from guestagent.cli import (
    cluster_create,
    cluster_follower,
    cluster_network,
    cluster_repair,
    cluster_template,
    cluster_volume,
    options,
)
from guestagent.cli.confirmation import confirm_by_name
from guestagent.cli.password_file import read_password_file
from guestagent.cli.seed_notes import add_data_size_option, build_size, report_seeds
from guestagent.cli.wait import (
    format_cloud_option,
    format_json,
    open_stacks,
    run_and_show,
    wait_for_work,
)
from guestagent.errors import EXIT_OK, InvalidInput, Problem, StackFailed

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Node

EXIT_IN_PROGRESS = 1
REPLICA_COUNT_LIMIT = 200  # more than fit into one stack


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command group to the command line."""
    group = commands.add_parser(
        "cluster",
        help="create, change, show and delete clusters",
        description="Create, change, show and delete clusters as Heat stacks. --os-cloud or OS_CLOUD names the cloud "
        "in clouds.yaml.",
    )
    verbs = group.add_subparsers(metavar="VERB", required=True)
    cluster_template.register(verbs)
    cluster_create.register(verbs)
    _register_add_replica(verbs)
    _register_remove_replica(verbs)
    _register_resize(verbs)
    cluster_volume.register(verbs)
    cluster_network.register(verbs)
    cluster_follower.register(verbs)
    _register_rotate(verbs)
    cluster_repair.register(verbs)
    _register_status(verbs)
    _register_delete(verbs)


def _register_add_replica(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "add-replica",
        help="add replicas to a cluster",
        description="Add replicas. First the source proves that it has their accounts; then all of them are created at "
        "once. Each gets the data of the source: by its binary logs if they are all there and few, else by a copy. The "
        "time for that follows from the size of the data, which the source has signalled.",
    )
    options.add_stack_argument(parser)
    parser.add_argument(
        "--flavor", help="their flavor (default: that of the newest replica, else of the source)"
    )
    parser.add_argument(
        "--image", help="their image (default: that of the newest replica, else of the source)"
    )
    parser.add_argument(
        "--count",
        type=int,
        default=1,
        metavar="N",
        help=f"how many, from 1 to {REPLICA_COUNT_LIMIT} (default: 1)",
    )
    add_data_size_option(parser)
    options.add_passwords_option(parser, "generated, if they are parameters of the stack")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_add_replica)


def _register_remove_replica(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "remove-replica",
        help="remove one replica and its server",
        description="Remove a replica: its account is removed from the source's metadata, then its server is deleted.",
    )
    options.add_stack_argument(parser)
    parser.add_argument("node", metavar="NODE", help="the replica, for example Slave0001")
    parser.add_argument(
        "--delete-volume", action="store_true", help="delete its data volume, too (default: it stays)"
    )
    options.add_wait_options(parser)
    parser.set_defaults(run=run_remove_replica)


def _register_resize(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "resize",
        help="give one node another flavor; its server restarts",
        description="Resize a node, then wait until it has proved again that it is ready: two updates of the stack. "
        "The node's server restarts; on the source, writes stop meanwhile. If interrupted, run the same command again.",
    )
    options.add_stack_argument(parser)
    parser.add_argument("node", metavar="NODE", help="the node, for example Slave0001")
    parser.add_argument("--flavor", required=True, help="the new flavor")
    options.add_cloud_options(parser)
    options.add_timeout_option(
        parser,
        "wait at most so long for both updates (default: for each, a minute longer than the stack's own timeout)",
    )
    parser.set_defaults(run=run_resize)


def _register_rotate(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "rotate",
        help="give replicas new passwords without interrupting replication",
        description="Rotate the passwords of replication accounts. The source retains the old ones until all replicas "
        "use the new ones, then discards them: two updates of the stack. No server restarts. If interrupted, run the "
        "same command again: it completes the first rotation, then does a new one.",
    )
    options.add_stack_argument(parser)
    parser.add_argument(
        "nodes", metavar="NODE", nargs="*", help="replicas, for example Slave0001 (default: all)"
    )
    options.add_cloud_options(parser)
    options.add_timeout_option(
        parser,
        "wait at most so long for all updates (default: for each, a minute longer than the stack's own timeout)",
    )
    parser.set_defaults(run=run_rotate)


def _register_status(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "status",
        help="show a cluster: nodes, roles, addresses, states, evidence",
        description="Show a cluster. The exit code is 1 while Heat is working on it, and 6 if its stack has failed.",
    )
    options.add_stack_argument(parser)
    parser.add_argument("--watch", action="store_true", help="follow it until Heat has stopped working on it")
    options.add_cloud_options(parser)
    parser.set_defaults(run=run_status)


def _register_delete(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "delete",
        help="delete a cluster, its servers and its data",
        description="Delete a cluster's stack, with every server and all data on them. Data volumes stay, and their "
        "metadata name the cluster and the node.",
    )
    options.add_stack_argument(parser)
    parser.add_argument("--delete-volumes", action="store_true", help="delete the data volumes, too")
    parser.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_delete)


def run_add_replica(args: argparse.Namespace) -> int:
    """Add replicas."""
    if not 1 <= args.count <= REPLICA_COUNT_LIMIT:
        raise InvalidInput(
            [Problem("--count", f"a number between 1 and {REPLICA_COUNT_LIMIT}", str(args.count))]
        )

    size = build_size(args.data_size)

    def add_replicas(cluster: Cluster) -> Cluster:
        for _ in range(args.count):
            cluster = cluster.add_replica(_build_replica(cluster, args.flavor, args.image), size)
        return cluster

    passwords = None if args.passwords is None else read_password_file(args.passwords)
    stacks = open_stacks(args)
    work = stacks.change(args.stack, add_replicas, passwords)
    report_seeds(work)
    return wait_for_work(args, stacks, work)


def run_remove_replica(args: argparse.Namespace) -> int:
    """Remove a replica."""
    stacks = open_stacks(args)
    if args.delete_volume:
        stacks.discard_volumes(args.stack, [args.node], args.timeout)
    return wait_for_work(
        args, stacks, stacks.change(args.stack, lambda cluster: cluster.remove_replica(args.node))
    )


def run_resize(args: argparse.Namespace) -> int:
    """Resize a node."""
    stacks = open_stacks(args)
    command = f"guestagent cluster resize {args.stack} {args.node} --flavor {args.flavor}{format_cloud_option(args)}"
    return run_and_show(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.resize(args.stack, args.node, args.flavor, args.timeout, tell),
        f"when its update is over, run {command}",
    )


def run_rotate(args: argparse.Namespace) -> int:
    """Rotate passwords."""
    stacks = open_stacks(args)
    command = f"{' '.join(['guestagent cluster rotate', args.stack, *args.nodes])}{format_cloud_option(args)}"
    return run_and_show(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.rotate(args.stack, args.nodes, args.timeout, tell),
        f"when its update is over, run {command}",
    )


def run_status(args: argparse.Namespace) -> int:
    """Show a cluster."""
    from guestagent.cli.progress import build_status_document, format_status, watch_stack
    from guestagent.retry import SystemClock

    stacks = open_stacks(args)
    status = stacks.status(args.stack)
    if args.watch and status.stack.in_progress:
        status = watch_stack(status, lambda: stacks.status(args.stack), SystemClock())
    sys.stdout.write(format_json(build_status_document(status)) if args.json else format_status(status))
    if status.stack.in_progress:
        return EXIT_IN_PROGRESS
    return StackFailed.exit_code if status.stack.failed else EXIT_OK


def run_delete(args: argparse.Namespace) -> int:
    """Delete a cluster, after confirmation."""
    if not args.yes:
        rest = ", and their data volumes" if args.delete_volumes else " (their data volumes stay)"
        warning = f"This deletes {args.stack}: every server, and all data on them{rest}."
        confirm_by_name(warning, args.stack, "nothing was deleted")
    stacks = open_stacks(args)
    if args.delete_volumes:
        stacks.discard_volumes(args.stack, (), args.timeout)
    return wait_for_work(args, stacks, stacks.delete(args.stack))


def _build_replica(cluster: Cluster, flavor: str | None, image: str | None) -> Node:
    """Build a new replica like the newest one, in its zone, with a data volume of the same size if it has one."""
    from guestagent.controller import Node, StackVolume

    model = cluster.replicas[-1] if cluster.replicas else cluster.own_source
    volume = replace(model.volume, is_kept=True) if isinstance(model.volume, StackVolume) else None
    return Node(
        flavor=model.flavor if flavor is None else flavor,
        image=model.image if image is None else image,
        volume=volume,
        zone=model.zone,
    )
