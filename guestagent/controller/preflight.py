"""Before a launch: what the cloud says of itself, and which dialect it makes the safer. Nothing is changed by asking.

`decide` is pure. What no request tells (a policy, `auth_ttl`) is said as a caution, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import DEFAULT_DIALECT, Dialect
from guestagent.controller.heat_api import Heat
from guestagent.controller.template.renderer import render
from guestagent.controller.template.requirements import REQUIREMENTS, list_resource_types
from guestagent.errors import CloudRefused, InvalidCluster

T = TypeVar("T")

NETWORK_REQUIREMENT = "a subnet or a network (from 2.37 on Nova makes no AWS::EC2::Instance without one)"


@dataclass(frozen=True, slots=True)
class Findings:
    """What the cloud told. None: of `types` and `versions`, that it does not tell; of an address, that it has none.

    `heat_url` and `cfn_url` are the catalog's public addresses, which the guests must reach.
    """

    types: frozenset[str] | None
    versions: frozenset[str] | None
    heat_url: str | None
    cfn_url: str | None


@dataclass(frozen=True, slots=True)
class Preflight:
    """The dialect for a cluster, and why. `missing` is what a launch would fail by, `cautions` what cannot be seen."""

    dialect: Dialect
    reason: str
    missing: tuple[str, ...]
    cautions: tuple[str, ...]
    findings: Findings


class RunRequest(Protocol):
    """Makes one request, with whatever patience there is."""

    def __call__(self, request: Callable[[], T], /) -> T: ...


def query_cloud(heat: Heat, ask: RunRequest) -> Findings:
    """Four reads, of the catalog and of lists: safe at any time.

    The catalog comes first: where Keystone says no, that is not taken for a Heat that does not tell.
    """
    cfn_url, heat_url = ask(heat.metadata_url), ask(heat.heat_url)
    return Findings(
        types=_told(lambda: ask(heat.resource_types)),
        versions=_told(lambda: ask(heat.template_versions)),
        heat_url=heat_url,
        cfn_url=cfn_url,
    )


def choose_dialect(seen: Findings, cluster: Cluster, asked: Dialect | None = None) -> Preflight:
    """The dialect that was `asked` for, else HOT, else CFN where HOT lacks something that CFN does not."""
    lacking = {dialect: find_missing(seen, cluster.in_dialect(dialect)) for dialect in Dialect}
    chosen, reason = (asked, "it was asked for") if asked else _choice(lacking)
    return Preflight(chosen, reason, lacking[chosen], list_cautions(seen, chosen, cluster.auth_ttl), seen)


def find_missing(seen: Findings, cluster: Cluster) -> tuple[str, ...]:
    """What the cluster's dialect needs, and the cloud or the cluster does not have."""
    found: list[str] = []
    if seen.versions is not None and (version := REQUIREMENTS[cluster.dialect].version) not in seen.versions:
        found.append(version)
    if seen.types is not None:
        found += sorted(list_resource_types(cluster) - seen.types)
    if cluster.dialect is Dialect.HOT and seen.heat_url is None:
        found.append("a public orchestration endpoint in the catalog, where the guests read their metadata")
    if cluster.dialect is Dialect.CFN and cluster.subnet is None and cluster.network is None:
        found.append(NETWORK_REQUIREMENT)
    try:
        render(cluster)
    except InvalidCluster as error:
        found += [f"{problem.expected}, found {problem.found}" for problem in error.problems]
    return tuple(found)


def list_cautions(seen: Findings, dialect: Dialect, auth_ttl: int) -> tuple[str, ...]:
    """What may go wrong and cannot be seen from here."""
    said = [f"Keystone's auth_ttl cannot be seen: {auth_ttl} s is taken for it"]
    if dialect is Dialect.CFN:
        said.append(
            "Heat's policy cannot be seen: recent releases let no stack user read metadata by the CFN API unless "
            "cloudformation:DescribeStackResource allows it"
        )
    if seen.cfn_url is None:
        said.append(
            "the catalog has no public cloudformation endpoint: the guests' signals, and in cfn their metadata, need "
            "heat_waitcondition_server_url and heat_metadata_server_url in Heat's settings"
        )
    if seen.types is None:
        said.append("Heat does not tell its resource types to this user")
    if seen.versions is None:
        said.append("Heat does not tell its template versions to this user")
    return tuple(said)


def _choice(lacking: Mapping[Dialect, tuple[str, ...]]) -> tuple[Dialect, str]:
    if not lacking[Dialect.HOT]:
        return Dialect.HOT, "Heat has all that it needs, and no policy keeps its guests from their metadata"
    told = ", ".join(lacking[Dialect.HOT])
    if not lacking[Dialect.CFN]:
        return Dialect.CFN, f"for hot the cloud lacks {told}"
    return DEFAULT_DIALECT, f"hot lacks {told}, and cfn {', '.join(lacking[Dialect.CFN])}"


def _told(request: Callable[[], T]) -> T | None:
    try:
        return request()
    except CloudRefused:
        return None
