"""The seeding in a template: what a joining replica and its source are told, and the resources that this needs."""

from __future__ import annotations

from guestagent.controller.cluster import Cluster
from guestagent.controller.node import Node
from guestagent.controller.seed import DONOR_KEY, SeedSettings, compute_fingerprint
from guestagent.controller.template.node_values import NodeValues, TemplateMapping
from guestagent.metadata import User
from guestagent.metadata.document import DEFAULT_DONOR_PORT, Donor, DonorService, JoiningReplica, Seeding

DONOR_CERTIFICATE_RESOURCE = "DonorCertificate"
DONOR_RULE_RESOURCE = "DonorPortRule"
DONOR_RULE_TYPE = "OS::Neutron::SecurityGroupRule"
SETTING_KEYS = {"Method": "method", "RateLimit": "rate_limit", "Deadline": "deadline"}
"""The cluster's settings in the metadata of Begin."""


def build_seeding_metadata(settings: SeedSettings) -> TemplateMapping:
    """Build the part of the cluster's metadata: the settings that differ from the defaults."""
    default = SeedSettings()
    values = {key: getattr(settings, field) for key, field in SETTING_KEYS.items()}
    changed = {key: value for key, value in values.items() if value != getattr(default, SETTING_KEYS[key])}
    return {"Seeding": changed} if changed else {}


def build_seeding(cluster: Cluster, node: Node, values: NodeValues) -> Seeding:
    """Build `GuestAgent.Seeding` of a node. One that does not join has none."""
    seed = node.seed
    if seed is None:
        return Seeding()
    return Seeding(
        method=cluster.seeding.method,
        rate_limit=cluster.seeding.rate_limit,
        deadline=seed.deadline,
        donor=_build_donor(cluster, node, values),
        reseed=seed.is_reseed,
        discard=seed.discards_data,
        data_bytes=seed.data_bytes,
        log_bytes=seed.log_bytes,
    )


def build_donor_service(cluster: Cluster, values: NodeValues) -> DonorService | None:
    """Build `GuestAgent.Donor` of the source; None if no replica joins."""
    replicas = tuple(
        JoiningReplica(node.name, user, node.account, cluster.seeding.method)
        for node in cluster.joining_replicas
        if (user := _build_donor_user(node, values))
    )
    if not replicas:
        return None
    is_certified = cluster.donor_certificate is not None
    return DonorService(
        replicas,
        DEFAULT_DONOR_PORT,
        values.get_text(DONOR_CERTIFICATE_RESOURCE) if is_certified else None,
        values.get_parameter(DONOR_KEY) if is_certified else None,
        cluster.seeding.rate_limit,
    )


def list_rules(
    cluster: Cluster, group: TemplateMapping, members: TemplateMapping
) -> dict[str, TemplateMapping]:
    """List the properties of the rules that open the donor's port between the nodes, by the names of their resources.

    They are resources of their own: to change the rules of a group, Heat removes all of them first.
    """
    if not cluster.joining_replicas:
        return {}
    rule = {
        "security_group": group,
        "protocol": "tcp",
        "port_range_min": DEFAULT_DONOR_PORT,
        "port_range_max": DEFAULT_DONOR_PORT,
        "remote_group": members,
    }
    rules = {DONOR_RULE_RESOURCE: rule}
    if cluster.ipv6:
        rules[f"{DONOR_RULE_RESOURCE}IPv6"] = {
            **rule,
            "security_group": dict(group),
            "remote_group": dict(members),
            "ethertype": "IPv6",
        }
    return rules


def list_rule_names(cluster: Cluster) -> list[str]:
    """List the names of the rules' resources."""
    return list(list_rules(cluster, {}, {}))


def has_expiring_url(cluster: Cluster, node: Node) -> bool:
    """Return whether a signed URL for this node's signal would expire before its time is over."""
    return cluster.get_condition_timeout(node) >= cluster.auth_ttl


def _build_donor(cluster: Cluster, node: Node, values: NodeValues) -> Donor | None:
    user = _build_donor_user(node, values)
    if user is None:
        return None
    certificate = cluster.donor_certificate
    return Donor(user, DEFAULT_DONOR_PORT, None if certificate is None else compute_fingerprint(certificate))


def _build_donor_user(node: Node, values: NodeValues) -> User | None:
    name = node.donor_password
    return None if name is None else User(node.donor_account, values.get_password(name))
