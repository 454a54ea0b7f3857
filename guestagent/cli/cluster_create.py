"""`guestagent cluster preflight` and `create`: choose the safer template format for the cloud, and launch."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from guestagent.cli import options
from guestagent.cli.input_file import STDIN_HELP, read_input
from guestagent.cli.password_file import read_password_file
from guestagent.cli.wait import format_json, open_stacks, wait_for_work
from guestagent.errors import EXIT_OK, CloudRefused, InvalidCluster, Problem

if TYPE_CHECKING:
    from guestagent.controller import Cluster, Dialect, Preflight, Stacks
    from guestagent.controller.cluster_file import ClusterFile

FILE_HELP = f"a cluster.yaml; {STDIN_HELP}"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `cluster`."""
    _register_preflight(verbs)
    _register_create(verbs)


def _register_preflight(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "preflight",
        help="check whether the cloud can run a cluster, and choose the safer template format; nothing is changed",
        description="Show the template format that `create` would choose and why, the addresses that the guests must "
        "reach, what is missing, and what cannot be checked. The exit code is 5 if something is missing.",
    )
    parser.add_argument("file", metavar="FILE", nargs="?", help=f"{FILE_HELP} (default: any cluster)")
    options.add_dialect_option(parser, "the file's `dialect`, or the safer one on this cloud")
    options.add_cloud_options(parser)
    parser.set_defaults(run=run_preflight)


def _register_create(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "create",
        help="launch the cluster of a cluster.yaml",
        description="Launch a cluster and wait until every node has proved that it is ready.",
    )
    parser.add_argument("file", metavar="FILE", help=FILE_HELP)
    parser.add_argument(
        "--name", help="the stack's name (default: the file's `name`, or the file's own name)"
    )
    options.add_dialect_option(parser, "the file's `dialect`, or the safer one on this cloud")
    options.add_wait_options(parser)
    parser.set_defaults(run=run_create)


def run_preflight(args: argparse.Namespace) -> int:
    """Show the preflight of a cluster."""
    from guestagent.controller.cluster_file import parse_cluster_file

    cluster_file = parse_cluster_file(*read_input(args.file)) if args.file else None
    cluster = _build_any_cluster() if cluster_file is None else cluster_file.cluster
    preflight = open_stacks(args).preflight(cluster, _get_requested_dialect(args, cluster_file))
    template_size = None if cluster_file is None else _measure_template(cluster.in_dialect(preflight.dialect))
    sys.stdout.write(
        format_json(_build_document(preflight, template_size))
        if args.json
        else _format_table(preflight, template_size)
    )
    return CloudRefused.exit_code if preflight.missing else EXIT_OK


def run_create(args: argparse.Namespace) -> int:
    """Launch a cluster."""
    from guestagent.controller.cluster_file import parse_cluster_file
    from guestagent.controller.template import list_shared_passwords

    text, input_name = read_input(args.file)
    cluster_file = parse_cluster_file(text, input_name)
    names = (args.name, cluster_file.name, None if args.file == "-" else Path(args.file).stem)
    name = next((name for name in names if name is not None), "")
    passwords = None
    if cluster_file.password_file is not None:
        folder = Path() if args.file == "-" else Path(args.file).parent
        accounts = list_shared_passwords(cluster_file.cluster)
        passwords = read_password_file(folder / cluster_file.password_file, accounts)
    stacks = open_stacks(args)
    cluster = _choose_format(stacks, cluster_file, _get_requested_dialect(args, cluster_file), input_name)
    return wait_for_work(args, stacks, stacks.create(name, cluster, passwords))


def _choose_format(
    stacks: Stacks, cluster_file: ClusterFile, dialect: Dialect | None, input_name: str
) -> Cluster:
    """Return the cluster in the requested format, or in that of the preflight, which is printed."""
    from guestagent.controller import Dialect

    if dialect is None:
        preflight = stacks.preflight(cluster_file.cluster)
        if preflight.missing:
            raise CloudRefused(f"this cloud cannot launch it in either template format: {preflight.reason}")
        sys.stderr.write(f"in {preflight.dialect}: {preflight.reason}\n")
        dialect = preflight.dialect
    cluster = cluster_file.cluster.in_dialect(dialect)
    if dialect is Dialect.CFN and cluster.subnet is None and cluster.network is None:
        do = "from API version 2.37 on Nova creates no AWS::EC2::Instance without one; hot needs none"
        raise InvalidCluster([Problem("subnet", "a subnet, or a network, in cfn", "neither", do)], input_name)
    return cluster


def _get_requested_dialect(args: argparse.Namespace, cluster_file: ClusterFile | None) -> Dialect | None:
    from guestagent.controller import Dialect

    if args.dialect:
        return Dialect(args.dialect)
    return None if cluster_file is None else cluster_file.dialect


def _build_any_cluster() -> Cluster:
    """Build a cluster that needs everything that any cluster may need."""
    from guestagent.controller import Cluster, Node

    return Cluster.new(source=Node("any", "any"), network="any")


def _measure_template(cluster: Cluster) -> tuple[int, int] | None:
    """Return the number of resources and bytes of the template; None if it is too large for Heat."""
    from guestagent.controller import render

    try:
        template = render(cluster)
    except InvalidCluster:
        return None
    return len(template.get("resources") or template["Resources"]), len(json.dumps(template))


def _build_document(preflight: Preflight, template_size: tuple[int, int] | None) -> dict[str, object]:
    findings = preflight.findings
    return {
        "dialect": str(preflight.dialect),
        "reason": preflight.reason,
        "missing": list(preflight.missing),
        "cautions": list(preflight.cautions),
        "endpoints": {"orchestration": findings.heat_url, "cloudformation": findings.cfn_url},
        "template": None
        if template_size is None
        else {"resources": template_size[0], "bytes": template_size[1]},
    }


def _format_table(preflight: Preflight, template_size: tuple[int, int] | None) -> str:
    from guestagent.controller.template.stack_limits import RESOURCE_LIMIT, TEMPLATE_SIZE_LIMIT

    findings = preflight.findings
    rows = [
        ("dialect", f"{preflight.dialect}: {preflight.reason}"),
        ("heat-api", f"{findings.heat_url or 'not in the catalog'}"),
        ("cfn api", f"{findings.cfn_url or 'not in the catalog'}"),
    ]
    if template_size is not None:
        rows.append(
            (
                "template",
                f"{template_size[0]} of {RESOURCE_LIMIT} resources, {template_size[1]} of {TEMPLATE_SIZE_LIMIT} bytes",
            )
        )
    rows += [("missing", text) for text in preflight.missing]
    rows += [("caution", text) for text in preflight.cautions]
    return "".join(f"{head:8}  {cell}\n" for head, cell in rows)
