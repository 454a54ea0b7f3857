"""The verbs of `guestagent resources` that only show something."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from guestagent.cli.options import add_timeout_option
from guestagent.cli.output import write_log_line
from guestagent.cli.resource_commands import connection
from guestagent.cli.resource_commands.exit_codes import (
    MANAGER_CODES,
    format_exit_codes,
    format_manager_codes,
)
from guestagent.cli.resource_commands.operation_verbs import check_timeout
from guestagent.cli.resource_commands.order_arguments import add_order_keys, build_order, name_text_argument
from guestagent.cli.resource_commands.view_tables import (
    format_capabilities,
    format_cluster,
    format_events,
    format_findings,
    format_owner,
    format_preflight,
    format_summaries,
)
from guestagent.cli.wait import format_json, print_answer
from guestagent.errors import EXIT_OK, CloudRefused, NotReady
from guestagent.resources.interface import ResourceManager
from guestagent.resources.operation_document import dump_operation
from guestagent.resources.orders import CreateCluster
from guestagent.resources.view_documents import dump_view
from guestagent.resources.views import AuditFinding, FindingKind, InstanceState
from guestagent.retry import Clock, SystemClock

Run = Callable[[argparse.Namespace], int]
LOOK_INTERVAL_S = 20.0
"""Between two audits of a command that waits."""
ANY_CLUSTER = "a-new-cluster"


def register(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add these verbs to `resources`."""
    _add_verb(verbs, "list", run_list, "list the clusters", "List the clusters of the resource manager.")
    show = _add_verb(
        verbs,
        "show",
        run_show,
        "show a cluster: instances, groups with rules, operations",
        "Show a cluster as it is in the cloud now: instances, security groups, and the operations that have not "
        "ended.",
        {0: "every instance is ready, and nothing is to be done", 1: "not so"},
    )
    _add_cluster(show)
    events = _add_verb(
        verbs,
        "events",
        run_events,
        "show the history of a cluster",
        "Show what has happened to a cluster, the oldest event first. The events stay when it is deleted.",
    )
    _add_cluster(events)
    preflight = _add_verb(
        verbs,
        "preflight",
        run_preflight,
        "check whether a cluster could be created; nothing is made",
        "Show everything for which the creation of a cluster would fail now: quotas, missing flavors and images, free "
        "addresses. Nothing is made.",
        {0: "nothing is missing", 5: f"something is missing; {MANAGER_CODES[5]}"},
    )
    preflight.add_argument(
        "cluster", metavar="CLUSTER", nargs="?", default=ANY_CLUSTER, help="its name (default: any)"
    )
    add_order_keys(preflight, CreateCluster.kind)
    owner = _add_verb(
        verbs,
        "owner",
        run_owner,
        "show the engine that owns a cluster, and what shows it",
        "Show which engine owns a cluster, by the store and by the cloud. If none or two do, the evidence is shown.",
        {12: "refused, or none or two engines own it"},
    )
    _add_cluster(owner)
    audit = _add_verb(
        verbs,
        "audit",
        run_audit,
        "show what is in the cloud and should not be, and the reverse",
        "Compare the cloud with the store: what belongs to no cluster, what is there twice, missing, or changed by "
        "others. Nothing is changed; `clean` deletes what you name. Most findings are unsettled until a second look, "
        "the settle time after the first.",
        {0: "nothing was found", 1: "something was found"},
    )
    audit.add_argument(
        "--wait",
        action="store_true",
        help="look again until every finding of the first look is settled or gone",
    )
    add_timeout_option(audit, "with --wait: show after so long what is found by then (default: no limit)")
    _add_verb(
        verbs,
        "capabilities",
        run_capabilities,
        "show what the service can do",
        "Show the engine of the service, the orders that it carries out, and its limits.",
    )
    schema = verbs.add_parser(
        "schema",
        help="print the JSON Schema of the requests",
        description="Print the JSON Schema (2020-12) of all requests to the resource manager, orders among them.",
        epilog=format_exit_codes({0: "printed"}),
    )
    schema.set_defaults(run=run_schema)


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    run: Run,
    help_text: str,
    description: str,
    codes: Mapping[int, str] | None = None,
) -> argparse.ArgumentParser:
    epilog = format_manager_codes({0: "shown"}, codes or {})
    parser = verbs.add_parser(name, help=help_text, description=description, epilog=epilog)
    connection.add_connection_options(parser)
    parser.set_defaults(run=run)
    return parser


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cluster", metavar="CLUSTER", help="the cluster's name")


def run_list(args: argparse.Namespace) -> int:
    """List the clusters."""
    with connection.open_manager(args) as manager:
        summaries = manager.clusters()
    return print_answer(
        args, {"clusters": [dump_view(each) for each in summaries]}, format_summaries(summaries)
    )


def run_show(args: argparse.Namespace) -> int:
    """Show a cluster."""
    with connection.open_manager(args) as manager:
        instances = manager.instances(args.cluster)
        groups = manager.security_groups(args.cluster)
        queue = [each for each in manager.operations(args.cluster) if not each.state.is_final]
        summary = next((each for each in manager.clusters() if each.name == args.cluster), None)
    document: dict[str, object] = {
        "cluster": {"name": args.cluster} if summary is None else dump_view(summary),
        "instances": [dump_view(each) for each in instances],
        "security_groups": [dump_view(each) for each in groups],
        "operations": [dump_operation(each) for each in queue],
    }
    print_answer(args, document, format_cluster(args.cluster, summary, instances, groups, queue))
    is_ready = all(each.state is InstanceState.READY for each in instances) and not queue
    return EXIT_OK if is_ready and not (summary and summary.attention) else NotReady.exit_code


def run_events(args: argparse.Namespace) -> int:
    """Show the history of a cluster."""
    with connection.open_manager(args) as manager:
        events = manager.events(args.cluster)
    text = format_events(events) or f"there are no events of {args.cluster}\n"
    return print_answer(args, {"events": [dump_view(each) for each in events]}, text)


def run_preflight(args: argparse.Namespace) -> int:
    """Show why a creation would fail."""
    order = build_order(args, CreateCluster.kind)
    assert isinstance(order, CreateCluster)
    with connection.open_manager(args) as manager:
        found = manager.preflight(order)
    findings = [
        replace(each, message=name_text_argument(each.message, each.path, args, CreateCluster.kind))
        if each.path
        else each
        for each in found
    ]
    print_answer(args, {"findings": [dump_view(each) for each in findings]}, format_preflight(findings))
    return CloudRefused.exit_code if findings else EXIT_OK


def run_owner(args: argparse.Namespace) -> int:
    """Show the owner of a cluster."""
    with connection.open_manager(args) as manager:
        owner = manager.owner(args.cluster)
    return print_answer(args, dump_view(owner), format_owner(args.cluster, owner))


def run_audit(args: argparse.Namespace) -> int:
    """Show what an audit finds."""
    check_timeout(args)
    with connection.open_manager(args) as manager:
        findings = manager.audit()
        if args.wait:
            timeout_s = math.inf if args.timeout is None else args.timeout
            findings = settle_findings(manager, findings, SystemClock(), timeout_s)
    print_answer(args, {"findings": [dump_view(each) for each in findings]}, format_findings(findings))
    return NotReady.exit_code if findings else EXIT_OK


def settle_findings(
    manager: ResourceManager, findings: Sequence[AuditFinding], clock: Clock, timeout_s: float
) -> Sequence[AuditFinding]:
    """Audit again until nothing of the first look is unsettled, and return the last findings."""
    until, unsettled_ids = clock.now() + timeout_s, list_unsettled(findings)
    if unsettled_ids:
        write_log_line(f"unsettled until the second look: {', '.join(sorted(unsettled_ids))}")
    while unsettled_ids and clock.now() < until:
        clock.sleep(min(LOOK_INTERVAL_S, until - clock.now()))
        findings = manager.audit()
        unsettled_ids &= list_unsettled(findings)
    return findings


def list_unsettled(findings: Sequence[AuditFinding]) -> set[str]:
    """Return the ids of the findings that need a second look."""
    return {each.id for each in findings if each.kind is FindingKind.UNSETTLED}


def run_capabilities(args: argparse.Namespace) -> int:
    """Show what the service can do."""
    with connection.open_manager(args) as manager:
        capabilities = manager.capabilities()
    return print_answer(args, dump_view(capabilities), format_capabilities(capabilities))


def run_schema(args: argparse.Namespace) -> int:
    """Print the JSON Schema of the requests."""
    from guestagent.resources.rpc.answers import build_schema

    sys.stdout.write(format_json(build_schema()))
    return EXIT_OK
