"""The resource types that the embedded Heat knows, by the name that a template uses."""

from __future__ import annotations

from guestagent.embedded.heat.resources import (
    cinder_volume,
    ec2_instance,
    ec2_security_group,
    heat_test_resource,
    iam,
    neutron,
    nova_server,
    random_string,
    value,
    wait_condition,
    wait_handle,
)
from guestagent.embedded.heat.resources.resource_type import CloudContext, ResourceTypes


def build_registry(context: CloudContext, detaches_to_grow: bool = True) -> ResourceTypes:
    """Return every resource type. A template of either format may use any of them.

    `detaches_to_grow`: an attached volume grows as with Heat 19, else as with Heat 24 and later.
    """
    return {
        "OS::Heat::Value": value.ValueResource(),
        "OS::Heat::RandomString": random_string.RandomStringResource(),
        "OS::Heat::TestResource": heat_test_resource.TestResource(),
        "OS::Heat::AccessPolicy": iam.AccessPolicy(),
        "AWS::IAM::User": iam.IamUser(),
        "AWS::IAM::AccessKey": iam.AccessKey(context.ec2_credentials),
        "AWS::EC2::SecurityGroup": ec2_security_group.Ec2SecurityGroup(context),
        "AWS::EC2::Instance": ec2_instance.Ec2Instance(context),
        "AWS::CloudFormation::WaitConditionHandle": wait_handle.CfnWaitConditionHandle(context),
        "AWS::CloudFormation::WaitCondition": wait_condition.CfnWaitCondition(),
        "OS::Heat::WaitConditionHandle": wait_handle.HotWaitConditionHandle(context),
        "OS::Heat::WaitCondition": wait_condition.HotWaitCondition(),
        "OS::Nova::Server": nova_server.NovaServer(context),
        "OS::Cinder::Volume": cinder_volume.CinderVolume(context, detaches_to_grow),
        "OS::Neutron::Port": neutron.NeutronPort(context),
        "OS::Neutron::SecurityGroup": neutron.NeutronSecurityGroup(context),
        "OS::Neutron::SecurityGroupRule": neutron.NeutronSecurityGroupRule(context),
    }
