"""A template's requirements on a cloud: resource types, and a version of its template format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.node_volume import StackVolume
from guestagent.controller.passwords import Passwords
from guestagent.controller.template.follower_metadata import list_follower_networks
from guestagent.controller.template.hot import HOT_VERSION
from guestagent.controller.template.security_group import list_client_rules
from guestagent.controller.template.seeding_metadata import DONOR_RULE_TYPE
from guestagent.controller.template.volume_resources import VOLUME_TYPE


@dataclass(frozen=True, slots=True)
class DialectRequirements:
    """The resource `types` in the templates of any cluster, and their `version` as Heat lists it."""

    types: frozenset[str]
    version: str


REQUIREMENTS: Mapping[Dialect, DialectRequirements] = {
    Dialect.CFN: DialectRequirements(
        frozenset(
            {
                "AWS::CloudFormation::WaitCondition",
                "AWS::CloudFormation::WaitConditionHandle",
                "AWS::EC2::Instance",
                "AWS::EC2::SecurityGroup",
                "AWS::IAM::AccessKey",
                "AWS::IAM::User",
                "OS::Heat::AccessPolicy",
                "OS::Heat::RandomString",
                "OS::Heat::Value",
                "OS::Neutron::Port",
                DONOR_RULE_TYPE,
            }
        ),
        "AWSTemplateFormatVersion.2010-09-09",
    ),
    Dialect.HOT: DialectRequirements(
        frozenset(
            {
                VOLUME_TYPE,
                "OS::Heat::RandomString",
                "OS::Heat::Value",
                "OS::Heat::WaitCondition",
                "OS::Heat::WaitConditionHandle",
                "OS::Neutron::Port",
                "OS::Neutron::SecurityGroup",
                DONOR_RULE_TYPE,
                "OS::Nova::Server",
            }
        ),
        f"heat_template_version.{HOT_VERSION}",
    ),
}


def list_resource_types(cluster: Cluster) -> frozenset[str]:
    """List the resource types in this cluster's template."""
    unused = {"OS::Neutron::Port"} if cluster.network is None else set()
    if not any(isinstance(node.volume, StackVolume) for node in cluster):
        unused.add(VOLUME_TYPE)
    has_rules = bool(
        list_client_rules(cluster) if cluster.dialect is Dialect.HOT else list_follower_networks(cluster)
    )
    if not cluster.joining_replicas and not has_rules:
        unused.add(DONOR_RULE_TYPE)
    group = {"OS::Neutron::SecurityGroup"} if cluster.ipv6 else set()
    if cluster.passwords is Passwords.PARAMETERS:
        unused.add("OS::Heat::RandomString")
    return REQUIREMENTS[cluster.dialect].types - unused | group
