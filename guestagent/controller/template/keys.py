"""The keys and types that both template formats spell differently."""

from __future__ import annotations

from dataclasses import dataclass

from guestagent.controller.dialect import Dialect


@dataclass(frozen=True, slots=True)
class TemplateKeys:
    """The keys and types of one format. A template with one of the `markers` is in it."""

    dialect: Dialect
    markers: frozenset[str]
    version: str
    parameters: str
    resources: str
    type: str
    depends_on: str
    properties: str
    metadata: str
    server: str
    condition: str
    wait_handle: str
    handle: str
    timeout: str
    user_data: str
    flavor: str
    image: str
    key_pair: str
    zone: str
    rules: str
    remote_network: str


CFN_KEYS = TemplateKeys(
    dialect=Dialect.CFN,
    markers=frozenset({"AWSTemplateFormatVersion", "HeatTemplateFormatVersion", "Resources"}),
    version="AWSTemplateFormatVersion",
    parameters="Parameters",
    resources="Resources",
    type="Type",
    depends_on="DependsOn",
    properties="Properties",
    metadata="Metadata",
    server="AWS::EC2::Instance",
    condition="AWS::CloudFormation::WaitCondition",
    wait_handle="AWS::CloudFormation::WaitConditionHandle",
    handle="Handle",
    timeout="Timeout",
    user_data="UserData",
    flavor="InstanceType",
    image="ImageId",
    key_pair="KeyName",
    zone="AvailabilityZone",
    rules="SecurityGroupIngress",
    remote_network="CidrIp",
)
HOT_KEYS = TemplateKeys(
    dialect=Dialect.HOT,
    markers=frozenset({"heat_template_version", "resources"}),
    version="heat_template_version",
    parameters="parameters",
    resources="resources",
    type="type",
    depends_on="depends_on",
    properties="properties",
    metadata="metadata",
    server="OS::Nova::Server",
    condition="OS::Heat::WaitCondition",
    wait_handle="OS::Heat::WaitConditionHandle",
    handle="handle",
    timeout="timeout",
    user_data="user_data",
    flavor="flavor",
    image="image",
    key_pair="key_name",
    zone="availability_zone",
    rules="rules",
    remote_network="remote_ip_prefix",
)


def detect_keys(template: object) -> TemplateKeys:
    """Return the keys of a template's format. Without any marker they are CFN's, whose problems explain more."""
    return HOT_KEYS if isinstance(template, dict) and template.keys() & HOT_KEYS.markers else CFN_KEYS
