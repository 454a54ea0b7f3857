"""Preflight of a launch: which template format is the safer one on this cloud. It only reads.

`choose_dialect` is pure. What no request can find out (a policy, `auth_ttl`) becomes a caution, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import DEFAULT_DIALECT, Dialect
from guestagent.controller.heat_api import Heat
from guestagent.controller.template.cloud_requirements import REQUIREMENTS, list_resource_types
from guestagent.controller.template.renderer import render
from guestagent.errors import CloudRefused, InvalidCluster

T = TypeVar("T")

NETWORK_REQUIREMENT = "a subnet or a network (from 2.37 on Nova makes no AWS::EC2::Instance without one)"


@dataclass(frozen=True, slots=True)
class Findings:
    """The cloud's answers. `types` and `versions` are None if Heat refuses to list them.

    `heat_url` and `cfn_url` are the public addresses in the catalog, which the guests must reach; None if missing.
    """

    types: frozenset[str] | None
    versions: frozenset[str] | None
    heat_url: str | None
    cfn_url: str | None


@dataclass(frozen=True, slots=True)
class Preflight:
    """The template format for a cluster, and why. A launch fails for what is `missing`; nothing checks `cautions`."""

    dialect: Dialect
    reason: str
    missing: tuple[str, ...]
    cautions: tuple[str, ...]
    findings: Findings


class RunRequest(Protocol):
    """Makes one request, and repeats it if that may help."""

    def __call__(self, request: Callable[[], T], /) -> T: ...


def query_cloud(heat: Heat, run: RunRequest) -> Findings:
    """Make four read requests, which are safe at any time.

    The catalog comes first, so that a refusal by Keystone is not mistaken for a Heat that refuses its lists.
    """
    cfn_url, heat_url = run(heat.metadata_url), run(heat.heat_url)
    return Findings(
        types=_read_unless_refused(lambda: run(heat.resource_types)),
        versions=_read_unless_refused(lambda: run(heat.template_versions)),
        heat_url=heat_url,
        cfn_url=cfn_url,
    )


def choose_dialect(findings: Findings, cluster: Cluster, asked: Dialect | None = None) -> Preflight:
    """Choose the format that was `asked` for, else HOT, else CFN if HOT lacks something that CFN does not."""
    missing_by_dialect = {dialect: find_missing(findings, cluster.in_dialect(dialect)) for dialect in Dialect}
    chosen_dialect, reason = (asked, "it was asked for") if asked else _choose(missing_by_dialect)
    return Preflight(
        chosen_dialect,
        reason,
        missing_by_dialect[chosen_dialect],
        list_cautions(findings, chosen_dialect, cluster.auth_ttl),
        findings,
    )


def find_missing(findings: Findings, cluster: Cluster) -> tuple[str, ...]:
    """List what the cluster's format needs, and the cloud or the cluster does not have."""
    missing: list[str] = []
    if (
        findings.versions is not None
        and (version := REQUIREMENTS[cluster.dialect].version) not in findings.versions
    ):
        missing.append(version)
    if findings.types is not None:
        missing += sorted(list_resource_types(cluster) - findings.types)
    if cluster.dialect is Dialect.HOT and findings.heat_url is None:
        missing.append("a public orchestration endpoint in the catalog, where the guests read their metadata")
    if cluster.dialect is Dialect.CFN and cluster.subnet is None and cluster.network is None:
        missing.append(NETWORK_REQUIREMENT)
    try:
        render(cluster)
    except InvalidCluster as error:
        missing += [f"{problem.expected}, found {problem.found}" for problem in error.problems]
    return tuple(missing)


def list_cautions(findings: Findings, dialect: Dialect, auth_ttl: int) -> tuple[str, ...]:
    """List what may go wrong and cannot be checked from here."""
    cautions = [f"Keystone's auth_ttl cannot be read: {auth_ttl} s is assumed"]
    if dialect is Dialect.CFN:
        cautions.append(
            "Heat's policy cannot be read: recent releases let no stack user read metadata by the CFN API unless "
            "cloudformation:DescribeStackResource allows it"
        )
    if findings.cfn_url is None:
        cautions.append(
            "the catalog has no public cloudformation endpoint: the guests' signals, and in cfn their metadata, need "
            "heat_waitcondition_server_url and heat_metadata_server_url in Heat's settings"
        )
    if findings.types is None:
        cautions.append("Heat refuses to list its resource types for this user")
    if findings.versions is None:
        cautions.append("Heat refuses to list its template versions for this user")
    return tuple(cautions)


def _choose(missing_by_dialect: Mapping[Dialect, tuple[str, ...]]) -> tuple[Dialect, str]:
    if not missing_by_dialect[Dialect.HOT]:
        return (
            Dialect.HOT,
            "Heat has all that it needs, and no policy prevents nodes from reading their metadata",
        )
    missing_in_hot = ", ".join(missing_by_dialect[Dialect.HOT])
    if not missing_by_dialect[Dialect.CFN]:
        return Dialect.CFN, f"for hot the cloud lacks {missing_in_hot}"
    return (
        DEFAULT_DIALECT,
        f"hot lacks {missing_in_hot}, and cfn {', '.join(missing_by_dialect[Dialect.CFN])}",
    )


def _read_unless_refused(request: Callable[[], T]) -> T | None:
    try:
        return request()
    except CloudRefused:
        return None
