"""The resources that the user behind an access key may describe."""

from __future__ import annotations

import pytest

from guestagent.embedded.heat.resources.iam import can_describe
from guestagent.embedded.heat.resources.stack import HeatStack, StackResource
from guestagent.embedded.heat.template.parser import EMPTY_TEMPLATE, ResourceDefinition


def resource(name: str, kind: str, physical_id: str = "", **properties: object) -> StackResource:
    return StackResource(
        ResourceDefinition(name, kind, {}, {}, (), ()), properties=properties, physical_id=physical_id
    )


def stack(policies: list[str], *more: StackResource) -> HeatStack:
    """A user with policies, and the key of that user."""
    made = HeatStack("s", "p", EMPTY_TEMPLATE)
    user = resource("User", "AWS::IAM::User", "s-User-1", Policies=policies)
    key = resource("Key", "AWS::IAM::AccessKey", "access", UserName="s-User-1")
    made.resources = {each.name: each for each in (user, key, *more)}
    return made


OWN = resource("Own", "OS::Heat::AccessPolicy", AllowedResources=["Master0000"])
BOTH = resource("Both", "OS::Heat::AccessPolicy", AllowedResources=["Master0000", "Slave0000"])


@pytest.mark.parametrize(
    ("policies", "name", "allowed"),
    [
        (["Own"], "Master0000", True),
        (["Own"], "Slave0000", False),
        (["Both", "Own"], "Master0000", True),
        (["Both", "Own"], "Slave0000", False),
        (["Gone"], "Master0000", False),
        ([], "Slave0000", True),
    ],
)
def test_every_policy_must_name_the_resource(policies: list[str], name: str, allowed: bool) -> None:
    made = stack(policies, OWN, BOTH)

    assert can_describe(made, made.resources["Key"], name) is allowed


def test_a_key_whose_user_is_gone_has_no_access() -> None:
    made = stack(["Own"], OWN)
    del made.resources["User"]

    assert not can_describe(made, made.resources["Key"], "Master0000")
