"""What a dialect's templates need of a cloud: types of resources, a version of the language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guestagent.controller.cluster import Cluster
from guestagent.controller.dialect import Dialect
from guestagent.controller.passwords import Passwords
from guestagent.controller.render.hot import VERSION


@dataclass(frozen=True, slots=True)
class Needs:
    """`types` of resources in templates of any cluster, and the `version` that they say, as Heat lists it."""

    types: frozenset[str]
    version: str


NEEDS: Mapping[Dialect, Needs] = {
    Dialect.CFN: Needs(
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
            }
        ),
        "AWSTemplateFormatVersion.2010-09-09",
    ),
    Dialect.HOT: Needs(
        frozenset(
            {
                "OS::Heat::RandomString",
                "OS::Heat::Value",
                "OS::Heat::WaitCondition",
                "OS::Heat::WaitConditionHandle",
                "OS::Neutron::Port",
                "OS::Neutron::SecurityGroup",
                "OS::Nova::Server",
            }
        ),
        f"heat_template_version.{VERSION}",
    ),
}


def types_in(cluster: Cluster) -> frozenset[str]:
    """The types of resources that this cluster's template has, in its dialect."""
    unused = {"OS::Neutron::Port"} if cluster.network is None else set()
    group = {"OS::Neutron::SecurityGroup"} if cluster.ipv6 else set()
    if cluster.passwords is Passwords.PARAMETERS:
        unused.add("OS::Heat::RandomString")
    return NEEDS[cluster.dialect].types - unused | group
