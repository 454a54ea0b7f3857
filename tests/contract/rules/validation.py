"""Templates that Heat rejects before it creates anything, with the code and the message."""

from __future__ import annotations

from tests.contract.heat import HeatClient
from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.rule import Observation
from tests.contract.templates import (
    Document,
    att,
    cfn,
    condition,
    handle,
    random_string,
    ref,
    value,
)

area = HeatRuleArea("template validation")
PROPERTIES = "400 StackValidationFailed: Property error: Resources.{}.Properties: "
CONDITION = PROPERTIES.format("W")


def remove_keys(template: Document, *keys: str) -> Document:
    return {key: child for key, child in template.items() if key not in keys}


area.add_refusal(
    "a handle takes no properties",
    cfn(H=handle(Properties={"X": 1})),
    PROPERTIES.format("H") + "Unknown Property X",
)
area.add_refusal(
    "a condition needs a handle",
    cfn(W={"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Timeout": 5}}),
    CONDITION + "Property Handle not assigned",
)
area.add_refusal(
    "a condition needs a timeout",
    cfn(H=handle(), W={"Type": "AWS::CloudFormation::WaitCondition", "Properties": {"Handle": ref("H")}}),
    CONDITION + "Property Timeout not assigned",
)
area.add_refusal(
    "a timeout is at least a second",
    cfn(H=handle(), W=condition(timeout=0)),
    CONDITION[:-2] + ".Timeout: 0 is out of range (min: 1, max: 43200)",
)
area.add_refusal(
    "a timeout is at most twelve hours",
    cfn(H=handle(), W=condition(timeout=43201)),
    CONDITION[:-2] + ".Timeout: 43201 is out of range (min: 1, max: 43200)",
)
area.add_refusal(
    "a timeout is a number",
    cfn(H=handle(), W=condition(timeout="soon")),
    CONDITION[:-2] + ".Timeout: Value 'soon' is not an integer",
)
area.add_refusal(
    "a count is at least one",
    cfn(H=handle(), W=condition(Count=0)),
    CONDITION[:-2] + ".Count: 0 is out of range (min: 1, max: None)",
)
area.add_refusal(
    "a condition has no other properties",
    cfn(H=handle(), W=condition(Name="w")),
    CONDITION + "Unknown Property Name",
)
area.add_refusal(
    "a resource has a type",
    cfn(X={"Properties": {}}),
    "400 StackValidationFailed: Each Resource must contain a Type key.",
)
area.add_refusal(
    "a type is known",
    cfn(X={"Type": "OS::No::Such"}),
    "400 StackValidationFailed: The Resource Type (OS::No::Such) could not be found.",
)
area.add_refusal(
    "a resource is a mapping",
    {**cfn(), "Resources": {"X": "value"}},
    "400 StackValidationFailed: Resources must contain Resource. Found a [<class 'str'>] instead",
)
area.add_refusal(
    "properties are a mapping",
    cfn(X={"Type": "OS::Heat::Value", "Properties": ["x"]}),
    "400 StackValidationFailed: Resource X Properties type must be object",
)
area.add_refusal(
    "metadata is a mapping",
    cfn(X=value(Metadata="m")),
    "400 StackValidationFailed: Resource X Metadata type must be object",
)
area.add_refusal(
    "resources are a mapping",
    {**cfn(), "Resources": ["x"]},
    "400 StackValidationFailed: 'list' object has no attribute 'values'",
)
area.add_refusal(
    "a template names its version",
    remove_keys(cfn(V=value()), "AWSTemplateFormatVersion"),
    "400 InvalidTemplateVersion: The template version is invalid: Template version was not provided",
)
area.add_refusal(
    "a template's version is known",
    {**cfn(V=value()), "AWSTemplateFormatVersion": "2001-01-01"},
    '400 InvalidTemplateVersion: The template version is invalid: "AWSTemplateFormatVersion: '
    '2001-01-01". "AWSTemplateFormatVersion" should be: 2010-09-09',
)
area.add_refusal(
    "a template has known sections only",
    {**cfn(V=value()), "Extra": {}},
    "400 StackValidationFailed: The template section is invalid: Extra",
)
area.add_refusal(
    "a reference names something",
    cfn(V=value(ref("Nobody"))),
    "400 StackValidationFailed: Property error: Resources.V.Properties.value: "
    'The specified reference "Nobody" (in unknown) is incorrect.',
)
area.add_refusal(
    "an attribute is one of a resource of the template",
    cfn(V=value(att("Nobody", "x"))),
    '400 InvalidTemplateReference: The specified reference "Nobody" (in V.Properties.value) is incorrect.',
)
area.add_refusal(
    "an attribute is one that the type has",
    cfn(R=random_string(), V=value(att("R", "color"))),
    "400 StackValidationFailed: Resources.V.Properties.value.Fn::GetAtt: The Referenced "
    "Attribute (R color) is incorrect.",
)
area.add_refusal(
    "an output's attribute is one that the type has",
    cfn({"X": att("V", "color")}, V=value()),
    "400 StackValidationFailed: Outputs.X.Value.Fn::GetAtt: The Referenced Attribute (V color) is incorrect.",
)
area.add_refusal("an output's reference may name nothing", cfn({"X": ref("Nobody")}, V=value()), "201")
area.add_refusal(
    "an output has a value",
    {**cfn(V=value()), "Outputs": {"X": {"Description": "d"}}},
    "400 StackValidationFailed: Output validation error: Outputs.X: Each output definition "
    "must contain a Value key.",
)
area.add_refusal(
    "a dependency names something",
    cfn(V=value(DependsOn="Nobody")),
    '400 InvalidTemplateReference: The specified reference "Nobody" (in V) is incorrect.',
)
area.add_refusal(
    "a dependency is a name or names",
    cfn(V=value(DependsOn={"a": 1})),
    "400 StackValidationFailed: Resource V DependsOn type must be list or string",
)
area.add_refusal(
    "a deletion policy is known",
    cfn(V=value(DeletionPolicy="Burn")),
    '400 StackValidationFailed: Invalid deletion policy "Burn"',
)
area.add_refusal(
    "a function that Heat does not know is data",
    cfn(V=value({"Fn::Rot13": "x"})),
    "201",
)
area.add_refusal(
    "a join has a delimiter and a list",
    cfn(V=value({"Fn::Join": ["", "text"]})),
    '400 StackValidationFailed: Property error: Resources.V.Properties.value: "Fn::Join" '
    "must operate on a list",
)
area.add_refusal(
    "an attribute has a resource and a name",
    cfn(V=value({"Fn::GetAtt": "V"})),
    "400 StackValidationFailed: Resources.V.Properties.value.Fn::GetAtt: Arguments to "
    '"Fn::GetAtt" must be of the form [resource_name, attribute]',
)
area.add_refusal(
    "a policy names resources of its stack",
    cfn(P={"Type": "OS::Heat::AccessPolicy", "Properties": {"AllowedResources": ["Nobody"]}}),
    "400 StackValidationFailed: AccessPolicy resource Nobody not in stack",
)
area.add_refusal(
    "an access key has a user",
    cfn(K={"Type": "AWS::IAM::AccessKey"}),
    PROPERTIES.format("K") + "Property UserName not assigned",
)
area.add_refusal(
    "a random string has at most 512 characters",
    cfn(R=random_string(length=513)),
    "400 StackValidationFailed: Property error: Resources.R.Properties.length: 513 is out of "
    "range (min: 1, max: 512)",
)
area.add_refusal(
    "a random string's character class is known",
    cfn(R=random_string(character_classes=[{"class": "x"}])),
    "400 StackValidationFailed: Property error: "
    'Resources.R.Properties.character_classes[0].class: "x" is not an allowed value '
    '["lettersdigits", "letters", "lowercase", "uppercase", "digits", "hexdigits", '
    '"octdigits"]',
)
area.add_refusal(
    "a value has a value",
    cfn(V={"Type": "OS::Heat::Value"}),
    PROPERTIES.format("V") + "Property value not assigned",
)
area.add_refusal(
    "a parameter without a default is given",
    {**cfn(V=value(ref("P"))), "Parameters": {"P": {"Type": "String"}}},
    "400 UserParameterMissing: The Parameter (P) was not provided.",
)
area.add_refusal(
    "a parameter's type is known",
    {**cfn(V=value()), "Parameters": {"P": {"Type": "Colour", "Default": "red"}}},
    "400 InvalidSchemaError: Invalid type (Colour)",
)
area.add_refusal(
    "a template is a mapping",
    ["x"],
    "400 HTTPBadRequest: The server could not comply with the request since it is either "
    "malformed or otherwise incorrect.",
)
area.add_refusal(
    "a template is no empty mapping",
    {},
    ("400 InvalidTemplateVersion: The template version is invalid: Template version was not provided"),
)


@area.rule("400 HTTPBadRequest: Template not in valid format: Error parsing template [root stack]")
def a_template_that_is_text_is_yaml_or_json(heat: HeatClient) -> Observation:
    return heat.create_refused_stack("{ no").partition(" while")[0]


area.add_refusal(
    "a template's text may be YAML, with the date in it unquoted",
    "AWSTemplateFormatVersion: 2010-09-09\nResources: {V: {Type: 'OS::Heat::Value', Properties: {value: 1}}}",
    "201",
)
area.add_refusal(
    "a template's text may be JSON", '{"HeatTemplateFormatVersion": "2012-12-12", "Resources": {}}', "201"
)
area.add_refusal(
    "a creation policy is ignored", cfn(V=value(CreationPolicy={"ResourceSignal": {"Count": 7}})), "201"
)
area.add_refusal(
    "a condition's handle may be anything as long as nothing is made", cfn(W=condition("V"), V=value()), "201"
)
area.add_refusal(
    "a server has an image",
    cfn(S={"Type": "AWS::EC2::Instance", "Properties": {"InstanceType": "x"}}),
    ("400 StackValidationFailed: Property error: Resources.S.Properties: Property ImageId not assigned"),
)


@area.rule(
    "500 CircularDependencyException: Circular Dependency Found",
    "400 CircularDependencyException: Circular Dependency Found",
)
def resources_that_wait_for_each_other_are_refused(heat: HeatClient) -> Observation:
    ring = cfn(A=value(DependsOn="B"), B=value(DependsOn="A"))

    return heat.create_refused_stack(ring).split(": {")[0]


@area.rule(
    "500 CircularDependencyException: Circular Dependency Found",
    "400 CircularDependencyException: Circular Dependency Found",
)
def a_group_that_names_itself_is_a_ring(heat: HeatClient) -> Observation:
    rule = {"IpProtocol": "tcp", "FromPort": "1", "ToPort": "1", "SourceSecurityGroupId": ref("G")}
    group = {"GroupDescription": "g", "SecurityGroupIngress": [rule]}

    return heat.create_refused_stack(cfn(G={"Type": "AWS::EC2::SecurityGroup", "Properties": group})).split(
        ": {"
    )[0]


@area.rule("400 InvalidTemplateVersion: The template version is invalid: Ambiguous versions")
def a_template_has_one_version(heat: HeatClient) -> Observation:
    both = {**cfn(V=value()), "heat_template_version": "2018-08-31"}

    return heat.create_refused_stack(both).partition(" (")[0]
