"""`guestagent cluster preflight` and `create`: what the cloud makes the safer dialect, and the launch in it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.input_file import STDIN_HELP, read_input
from guestagent.cli.password_file import read_password_file
from guestagent.cli.wait import EXIT_OK, format_json, open_stacks, wait_for_work
from guestagent.errors import CloudRefused, InvalidCluster, Problem

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Dialect, Preflight, Stacks
    from guestagent.controller.cluster_file import ClusterFile

FILE_HELP = f"a cluster.yaml; {STDIN_HELP}"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `cluster`."""
    _preflight(verbs)
    _create(verbs)


def _preflight(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "preflight",
        help="ask the cloud which dialect is the safer there, and say why; nothing is changed",
        description="Show the dialect that `create` would take, why, what the guests must reach, what is missing and "
        "what cannot be seen. Exit code 5 where something is missing.",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help=f"{FILE_HELP} (default: any cluster)")
    options.add_dialect_option(parser, "the file's `dialect`, or the one that the cloud makes the safer")
    options.add_cloud_options(parser)
    parser.set_defaults(run=run_preflight)


def _create(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "create",
        help="launch the cluster that a cluster.yaml describes",
        description="Launch a cluster and wait until every node has proved that it is ready.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE_HELP)
    parser.add_argument(
        "--name", help="the stack's name (default: the file's `name`, or the file's own name)"
    )
    options.add_dialect_option(parser, "the file's `dialect`, or the one that the cloud makes the safer")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_create)


def run_preflight(args: argparse.Namespace) -> int:
    """Show what the preflight finds."""
    from guestagent.controller.cluster_file import parse_cluster_file

    description = parse_cluster_file(*read_input(args.file)) if args.file else None
    cluster = _any_cluster() if description is None else description.cluster
    found = open_stacks(args).preflight(cluster, _asked(args, description))
    room = None if description is None else _room(cluster.in_dialect(found.dialect))
    sys.stdout.write(format_json(_as_document(found, room)) if args.json else _as_table(found, room))
    return CloudRefused.exit_code if found.missing else EXIT_OK


def run_create(args: argparse.Namespace) -> int:
    """Launch a cluster."""
    from guestagent.controller.cluster_file import parse_cluster_file

    text, where = read_input(args.file)
    description = parse_cluster_file(text, where)
    names = (args.name, description.name, None if args.file == "-" else Path(args.file).stem)
    name = next((name for name in names if name is not None), "")
    passwords = None
    if description.password_file is not None:
        folder = Path() if args.file == "-" else Path(args.file).parent
        passwords = read_password_file(folder / description.password_file)
    stacks = open_stacks(args)
    cluster = _suited(stacks, description, _asked(args, description), where)
    return wait_for_work(args, stacks, stacks.create(name, cluster, passwords))


def _suited(stacks: Stacks, description: ClusterFile, asked: Dialect | None, where: str) -> Cluster:
    """The cluster in the dialect that was asked for, or in the one that the preflight finds, which is told."""
    from guestagent.controller import Dialect

    if asked is None:
        found = stacks.preflight(description.cluster)
        if found.missing:
            raise CloudRefused(f"this cloud cannot launch it in either dialect: {found.reason}")
        sys.stderr.write(f"in {found.dialect}: {found.reason}\n")
        asked = found.dialect
    cluster = description.cluster.in_dialect(asked)
    if asked is Dialect.CFN and cluster.subnet is None and cluster.network is None:
        do = "from 2.37 on Nova makes no AWS::EC2::Instance without one; hot needs none"
        raise InvalidCluster([Problem("subnet", "a subnet, or a network, in cfn", "neither", do)], where)
    return cluster


def _asked(args: argparse.Namespace, description: ClusterFile | None) -> Dialect | None:
    from guestagent.controller import Dialect

    if args.dialect:
        return Dialect(args.dialect)
    return None if description is None else description.dialect


def _any_cluster() -> Cluster:
    """One that uses all that any cluster may use."""
    from guestagent.controller import Cluster, Node

    return Cluster.new(source=Node("any", "any"), network="any")


def _room(cluster: Cluster) -> tuple[int, int] | None:
    """Resources and bytes of the template; None where it is too large to be one."""
    from guestagent.controller import render

    try:
        template = render(cluster)
    except InvalidCluster:
        return None
    return len(template.get("resources") or template["Resources"]), len(json.dumps(template))


def _as_document(found: Preflight, room: tuple[int, int] | None) -> dict[str, object]:
    seen = found.findings
    return {
        "dialect": str(found.dialect),
        "reason": found.reason,
        "missing": list(found.missing),
        "cautions": list(found.cautions),
        "endpoints": {"orchestration": seen.heat_url, "cloudformation": seen.cfn_url},
        "template": None if room is None else {"resources": room[0], "bytes": room[1]},
    }


def _as_table(found: Preflight, room: tuple[int, int] | None) -> str:
    from guestagent.controller.template.node_metadata import RESOURCE_LIMIT, TEMPLATE_SIZE_LIMIT

    seen = found.findings
    rows = [
        ("dialect", f"{found.dialect}: {found.reason}"),
        ("heat-api", f"{seen.heat_url or 'not in the catalog'}"),
        ("cfn api", f"{seen.cfn_url or 'not in the catalog'}"),
    ]
    if room is not None:
        rows.append(
            ("template", f"{room[0]} of {RESOURCE_LIMIT} resources, {room[1]} of {TEMPLATE_SIZE_LIMIT} bytes")
        )
    rows += [("missing", each) for each in found.missing]
    rows += [("caution", each) for each in found.cautions]
    return "".join(f"{head:8}  {text}\n" for head, text in rows)
