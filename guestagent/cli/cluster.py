"""`guestagent cluster`: clusters as stacks, from a cluster.yaml to their deletion."""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli import template
from guestagent.cli.given import HELP, given
from guestagent.errors import GuestAgentError, InvalidInput, Problem, StackFailed

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Node, Stack, Stacks, Tell, Work

FINE, AT_WORK, FAILED, INTERRUPTED = 0, 1, 6, 130
MOST_AT_ONCE = 200  # more nodes than any stack has room for
FILE = f"a cluster.yaml; {HELP}"


def register(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command group to the command line."""
    group = commands.add_parser(
        "cluster",
        help="create, change, show and delete clusters",
        description="Clusters as Heat stacks. The cloud is the one of OS_CLOUD in clouds.yaml, or of --os-cloud.",
    )
    verbs = group.add_subparsers(metavar="VERB", required=True)
    template.register(verbs)
    _create(verbs)
    _add_replica(verbs)
    _remove_replica(verbs)
    _resize(verbs)
    _status(verbs)
    _delete(verbs)


def _create(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "create",
        help="launch the cluster that a cluster.yaml describes",
        description="Launch a cluster and wait until every node has proved that it is ready.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE)
    parser.add_argument(
        "--name", help="the stack's name (default: the file's `name`, or the file's own name)"
    )
    template.add_dialect(parser, "the file's `dialect`, or cfn")
    _waiting(parser)
    parser.set_defaults(run=run_create)


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
    _waiting(parser)
    parser.set_defaults(run=run_add_replica)


def _remove_replica(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "remove-replica",
        help="remove one replica and its server",
        description="Remove a replica: its account leaves the source's metadata, then its server is deleted.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("node", metavar="NODE", help="the replica, as in Slave0001")
    _waiting(parser)
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
    _cloud(parser)
    _timeout(
        parser,
        "wait at most so long for both (default: a minute longer than the stack's own timeout, for each)",
    )
    parser.set_defaults(run=run_resize)


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
    _cloud(parser)
    parser.set_defaults(run=run_status)


def _delete(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "delete",
        help="delete a cluster, its servers and its data",
        description="Delete a cluster's stack, with every server and all data on them.",
    )
    parser.add_argument("stack", metavar="STACK", help="the cluster's stack")
    parser.add_argument("--yes", action="store_true", help="do not ask first")
    _waiting(parser)
    parser.set_defaults(run=run_delete)


def _cloud(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--os-cloud", metavar="NAME", help="the cloud in clouds.yaml (default: OS_CLOUD)")
    parser.add_argument("--json", action="store_true", help="answer in JSON")


def _waiting(parser: argparse.ArgumentParser) -> None:
    _cloud(parser)
    parser.add_argument(
        "--wait",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="wait until it is done, which is the default; or return once Heat has taken it",
    )
    _timeout(parser, "wait at most so long (default: a minute longer than the stack's own timeout)")


def _timeout(parser: argparse.ArgumentParser, meaning: str) -> None:
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help=meaning)


def run_create(args: argparse.Namespace) -> int:
    """Launch a cluster."""
    from guestagent.controller.description import described

    description = described(*given(args.file))
    names = (args.name, description.name, None if args.file == "-" else Path(args.file).stem)
    name = next((name for name in names if name is not None), "")
    stacks = _stacks(args)
    return _follow(args, stacks, stacks.create(name, template.in_dialect(description.cluster, args.dialect)))


def run_add_replica(args: argparse.Namespace) -> int:
    """Add replicas."""
    if not 1 <= args.count <= MOST_AT_ONCE:
        raise InvalidInput([Problem("--count", f"from 1 to {MOST_AT_ONCE}", str(args.count))])

    def add(cluster: Cluster) -> Cluster:
        for _ in range(args.count):
            cluster = cluster.add_replica(_like(cluster, args.flavor, args.image))
        return cluster

    stacks = _stacks(args)
    return _follow(args, stacks, stacks.change(args.stack, add))


def run_remove_replica(args: argparse.Namespace) -> int:
    """Remove a replica."""
    stacks = _stacks(args)
    return _follow(args, stacks, stacks.change(args.stack, lambda cluster: cluster.remove_replica(args.node)))


def run_resize(args: argparse.Namespace) -> int:
    """Resize a node."""
    stacks = _stacks(args)
    again = f"guestagent cluster resize {args.stack} {args.node} --flavor {args.flavor}{_of_cloud(args)}"
    return _shown(
        args,
        stacks,
        args.stack,
        lambda tell: stacks.resize(args.stack, args.node, args.flavor, args.timeout, tell),
        f"when its update is over, go on with {again}",
    )


def run_status(args: argparse.Namespace) -> int:
    """Show a cluster."""
    from guestagent.cli.progress import as_document, as_table, watched
    from guestagent.retry import SystemClock

    stacks = _stacks(args)
    seen = stacks.status(args.stack)
    if args.watch and seen.stack.in_progress:
        seen = watched(seen, lambda: stacks.status(args.stack), SystemClock())
    sys.stdout.write(_json(as_document(seen)) if args.json else as_table(seen))
    if seen.stack.in_progress:
        return AT_WORK
    return FAILED if seen.stack.failed else FINE


def run_delete(args: argparse.Namespace) -> int:
    """Delete a cluster, after a question."""
    if not args.yes:
        _make_sure(args.stack)
    stacks = _stacks(args)
    return _follow(args, stacks, stacks.delete(args.stack))


def _stacks(args: argparse.Namespace) -> Stacks:
    from guestagent.controller import Stacks, connect

    timeout = getattr(args, "timeout", None)
    if timeout is not None and not 0 < timeout < math.inf:
        raise InvalidInput([Problem("--timeout", "more than 0 seconds", f"{timeout:g}")])
    return Stacks(connect(args.os_cloud))


def _follow(args: argparse.Namespace, stacks: Stacks, work: Work) -> int:
    """Wait with progress where that is wanted, then show what has become of it."""
    name = work.stack.name
    watching = f"guestagent cluster status {name} --watch{_of_cloud(args)}"
    if args.wait:
        return _shown(args, stacks, name, lambda tell: stacks.wait(work, args.timeout, tell), watching)
    text = f"Heat has taken the {work.action} of {name}: {watching}\n"
    return _say(args, {"stack": name, "id": work.stack.id, "action": work.action}, text)


def _shown(
    args: argparse.Namespace, stacks: Stacks, name: str, act: Callable[[Tell], Stack], go_on: str
) -> int:
    """Act with progress, then show the cluster. Interrupting ends the waiting, never the stack: `go_on` says how."""
    from guestagent.cli.progress import as_document, as_table, progress

    try:
        with progress(name) as tell:
            ended = act(tell)
    except KeyboardInterrupt:
        sys.stderr.write(f"guestagent: interrupted; stack {name} goes on: {go_on}\n")
        return INTERRUPTED
    except StackFailed:
        with suppress(GuestAgentError):  # the failure is what counts, whether or not its details can be had
            sys.stderr.write(as_table(stacks.status(name)))
        raise
    if ended.status == "DELETE_COMPLETE":
        return _say(args, {"stack": name, "id": ended.id, "status": ended.status}, f"{name} is deleted\n")
    seen = stacks.status(name)
    return _say(args, as_document(seen), as_table(seen))


def _of_cloud(args: argparse.Namespace) -> str:
    """What another command needs to find the same cloud."""
    return f" --os-cloud {args.os_cloud}" if args.os_cloud else ""


def _say(args: argparse.Namespace, document: dict[str, object], text: str) -> int:
    sys.stdout.write(_json(document) if args.json else text)
    return FINE


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


def _json(document: object) -> str:
    return json.dumps(document, indent=2) + "\n"
