"""Templates that Heat rejects, with the texts of its errors."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.cfn_cluster_stack import build_template
from tests.support.heat_requests import Document, HeatRequests

# openstacksdk warns of itself at every connect and request; the class above its warnings is private.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.mark.parametrize(
    ("change", "code", "kind", "message"),
    [
        (
            lambda t: t["Resources"].update(X={"Type": "OS::Nova::Thing"}),
            400,
            "StackValidationFailed",
            "The Resource Type (OS::Nova::Thing) could not be found.",
        ),
        (
            lambda t: t["Resources"]["Master0000ReadyWaitCondHandle"].update(
                Properties={"WaitConditionName": "x"}
            ),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000ReadyWaitCondHandle.Properties: Unknown Property WaitConditionName",
        ),
        (
            lambda t: t["Resources"]["Master0000ReadyWaitCond"]["Properties"].pop("Handle"),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000ReadyWaitCond.Properties: Property Handle not assigned",
        ),
        (
            lambda t: t["Resources"]["Master0000ReadyWaitCond"]["Properties"].update(Timeout=43201),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000ReadyWaitCond.Properties.Timeout: "
            "43201 is out of range (min: 1, max: 43200)",
        ),
        (
            lambda t: t["Resources"]["Master0000"]["Properties"].update(ImageId="nothing"),
            400,
            "StackValidationFailed",
            "Property error: Resources.Master0000.Properties.ImageId: "
            "Error validating value 'nothing': The Image (nothing) could not be found.",
        ),
        (
            lambda t: t["Resources"]["Begin"]["Properties"].update(value={"Ref": "Nobody"}),
            400,
            "StackValidationFailed",
            "Property error: Resources.Begin.Properties.value: "
            'The specified reference "Nobody" (in unknown) is incorrect.',
        ),
        (
            lambda t: t["Resources"]["Begin"].update(DependsOn="Nobody"),
            400,
            "InvalidTemplateReference",
            'The specified reference "Nobody" (in Begin) is incorrect.',
        ),
        (
            lambda t: t["Resources"]["Begin"].update(DependsOn="Master0000"),
            500,
            "CircularDependencyException",
            "Circular Dependency Found: ",
        ),
        (
            lambda t: t.pop("AWSTemplateFormatVersion"),
            400,
            "InvalidTemplateVersion",
            "The template version is invalid: Template version was not provided",
        ),
        (
            lambda t: t["Outputs"].update(X={"Value": {"Fn::GetAtt": ["Master0000", "Color"]}}),
            400,
            "StackValidationFailed",
            "Outputs.X.Value.Fn::GetAtt: The Referenced Attribute (Master0000 Color) is incorrect.",
        ),
        (
            lambda t: t["Resources"]["Begin"]["Properties"].update(value={"Fn::GetAtt": ["Nobody", "x"]}),
            400,
            "InvalidTemplateReference",
            'The specified reference "Nobody" (in Begin.Properties.value) is incorrect.',
        ),
    ],
)
def test_a_rejected_template_has_the_error_text_of_heat(
    heat: HeatRequests, change: Callable[[Document], object], code: int, kind: str, message: str
) -> None:
    template = build_template()
    change(template)

    answer = heat.post("/stacks", {"stack_name": "prod", "template": template})

    assert answer.status_code == code
    error = answer.json()["error"]
    assert error["type"] == kind
    assert error["message"].startswith(message)


def test_a_name_is_taken_until_its_stack_is_gone(heat: HeatRequests) -> None:
    heat.create("prod", build_template())

    answer = heat.post("/stacks", {"stack_name": "prod", "template": build_template()})

    assert answer.status_code == 409
    assert answer.json()["error"]["message"] == "The Stack (prod) already exists."


def test_validate_shows_the_parameters_of_a_template(heat: HeatRequests) -> None:
    template = {**build_template(), "Parameters": {"Flavor": {"Type": "String", "Default": "m1.small"}}}

    answer = heat.post("/validate", {"template": template})

    assert answer.status_code == 200
    assert answer.json()["Parameters"]["Flavor"]["Default"] == "m1.small"
