"""Clusters, instances, groups and findings as text for people. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from guestagent.cli.resource_commands.tables import (
    format_fields,
    format_moment,
    format_operations,
    format_table,
)
from guestagent.resources.interface import Capabilities
from guestagent.resources.operation import Operation
from guestagent.resources.store.records import EventEntry
from guestagent.resources.views import (
    AuditFinding,
    ClusterOwner,
    ClusterSummary,
    FindingKind,
    GroupView,
    InstanceView,
    PreflightFinding,
)


def format_summaries(summaries: Iterable[ClusterSummary]) -> str:
    """Format the list of clusters."""
    headings = ("cluster", "engine", "running", "waiting", "attention")
    rows = [(each.name, each.engine, each.running, each.waiting or "", each.attention) for each in summaries]
    return format_table(headings, rows) or "there are no clusters\n"


def format_cluster(
    name: str,
    summary: ClusterSummary | None,
    instances: Sequence[InstanceView],
    groups: Sequence[GroupView],
    queue: Sequence[Operation],
) -> str:
    """Format a cluster with all that it has, and the operations that have not ended."""
    owner = f" (engine {summary.engine})" if summary is not None else ""
    attention = summary.attention if summary is not None else ""
    parts = (
        f"{name}{owner}\n{format_fields([('attention', attention)])}",
        format_instances(instances),
        format_groups(groups),
        format_operations(queue),
    )
    return "\n".join(part for part in parts if part)


def format_instances(instances: Iterable[InstanceView]) -> str:
    """Format instances. What is wanted and not yet so stands behind an arrow."""
    headings = ("instance", "role", "state", "addresses", "flavor", "GiB", "generation", "detail")
    rows = [
        (
            each.name,
            each.role,
            each.state,
            ", ".join(each.addresses),
            format_change(each.flavor, each.wanted_flavor),
            format_change(each.volume_gib, each.wanted_volume_gib),
            format_change(each.proved_generation, each.generation),
            "; ".join((*filter(None, [each.detail]), *(f"drift: {text}" for text in each.drift))),
        )
        for each in instances
    ]
    return format_table(headings, rows)


def format_change(present: object, wanted: object) -> str:
    """Return a value, and the wanted one if it is another."""
    texts = [str(value) for value in (present, wanted) if value not in (None, "")]
    return " -> ".join(dict.fromkeys(texts))


def format_groups(groups: Iterable[GroupView]) -> str:
    """Format the rules of groups: those that are wanted, and others that are in force."""
    rows: list[tuple[object, ...]] = []
    for group in groups:
        for rule in sorted({*group.wanted_rules, *group.rules}, key=lambda rule: rule.key):
            is_wanted, is_there = rule in group.wanted_rules, rule in group.rules
            state = "in force" if is_wanted and is_there else "missing" if is_wanted else "not wanted"
            rows.append((group.name, rule.key, state, ""))
        if not group.wanted_rules and not group.rules:
            rows.append((group.name, "", "no rules", ""))
        rows += [(group.name, "", "", f"drift: {text}") for text in group.drift]
    return format_table(("group", "rule", "state", "detail"), rows)


def format_events(events: Iterable[EventEntry]) -> str:
    """Format the history of a cluster, the oldest event first."""
    return format_table(("time", "event"), [(format_moment(each.at), each.text) for each in events])


def format_capabilities(capabilities: Capabilities) -> str:
    """Format what the service can do."""
    limits = ", ".join(f"{name} {number}" for name, number in sorted(capabilities.limits.items()))
    owned = [(f"orders for {name}", ", ".join(kinds)) for name, kinds in capabilities.owners.items()]
    fields = [
        *owned,
        ("new clusters", capabilities.new_owner),
        ("queries", ", ".join(capabilities.queries)),
        ("limits", limits),
        ("version", capabilities.version),
    ]
    return f"engine {capabilities.engine}\n{format_fields(fields)}"


def format_preflight(findings: Iterable[PreflightFinding]) -> str:
    """Format why a creation would fail."""
    rows = [(each.code, each.message) for each in findings]
    return format_table(("code", "reason"), rows) or "nothing is missing\n"


def format_owner(cluster: str, owner: ClusterOwner) -> str:
    """Format the owner of a cluster with what shows it."""
    lines = "".join(f"  {text}\n" for text in owner.evidence)
    return f"{cluster} belongs to engine {owner.engine}\n{lines}"


def format_findings(findings: Sequence[AuditFinding]) -> str:
    """Format what an audit has found, and how to delete what can be deleted."""
    headings = ("finding", "kind", "resource", "id", "cluster", "instance", "text")
    rows = [
        (each.id, each.kind, each.resource, each.cloud_id, each.cluster, each.instance, each.text)
        for each in findings
    ]
    parts = [format_table(headings, rows) or "nothing was found\n"]
    if any(each.kind is FindingKind.UNSETTLED for each in findings):
        parts.append("For the second look at what is unsettled: guestagent resources audit --wait\n")
    if commands := _list_clean_commands(findings):
        lines = "".join(f"  {line}\n" for line in commands)
        parts.append(f"To delete what holds no data:\n{lines}")
    return "\n".join(parts)


def _list_clean_commands(findings: Iterable[AuditFinding]) -> list[str]:
    """Return the commands that delete what can be deleted. A data volume has to be named by a person.

    The cluster's name comes from a mark in the cloud, which others may write, too.
    """
    ids: dict[str, list[str]] = {}
    for each in findings:
        if each.is_cleanable and each.cluster and each.resource != "volume":
            ids.setdefault(each.cluster, []).append(each.id)
    return [
        f"guestagent resources clean {shlex.quote(cluster)} {' '.join(ids[cluster])}"
        for cluster in sorted(ids)
    ]
