"""HOT templates that Heat rejects."""

from __future__ import annotations

from tests.contract.heat_rule_area import HeatRuleArea
from tests.contract.templates import hot, hot_resource

area = HeatRuleArea("template validation, HOT")


area.add_refusal(
    "a HOT template has known sections only",
    {**hot(V=hot_resource("OS::Heat::Value")), "Resources": {}},
    "400 StackValidationFailed: The template section is invalid: Resources",
)


area.add_refusal(
    "a handle of HOT has known properties",
    hot(H=hot_resource("OS::Heat::WaitConditionHandle", {"transport": "CFN_SIGNAL"})),
    ("400 StackValidationFailed: Property error: resources.H.properties: Unknown Property transport"),
)


area.add_refusal(
    "a handle's signal transport is known",
    hot(H=hot_resource("OS::Heat::WaitConditionHandle", {"signal_transport": "PIGEON"})),
    "400 StackValidationFailed: Property error: resources.H.properties.signal_transport: "
    '"PIGEON" is not an allowed value ["CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", '
    '"NO_SIGNAL", "ZAQAR_SIGNAL", "TOKEN_SIGNAL"]',
)


area.add_refusal(
    "a condition of HOT needs a handle",
    hot(W=hot_resource("OS::Heat::WaitCondition", {"timeout": 5})),
    ("400 StackValidationFailed: Property error: resources.W.properties: Property handle not assigned"),
)


area.add_refusal(
    "get_resource names something",
    hot(V=hot_resource("OS::Heat::Value", {"value": {"get_resource": "No"}})),
    ('400 InvalidTemplateReference: The specified reference "No" (in V.Properties.value) is incorrect.'),
)


area.add_refusal(
    "get_param names something",
    hot(V=hot_resource("OS::Heat::Value", {"value": {"get_param": "No"}})),
    "400 StackValidationFailed: Property error: resources.V.properties.value: The Parameter "
    "(No) was not provided.",
)


area.add_refusal(
    "get_attr names something",
    hot(V=hot_resource("OS::Heat::Value", {"value": {"get_attr": ["No", "x"]}})),
    ('400 InvalidTemplateReference: The specified reference "No" (in V.Properties.value) is incorrect.'),
)


area.add_refusal(
    "a resource of HOT has known keys only",
    hot(V=hot_resource("OS::Heat::Value", {"value": 1}, Type="x")),
    '400 StackValidationFailed: "%s" is not a valid keyword inside a Type definition',
)


area.add_refusal(
    "a HOT template's version is known",
    {**hot(), "heat_template_version": "2013-01-01"},
    '400 InvalidTemplateVersion: The template version is invalid: "heat_template_version: '
    '2013-01-01". "heat_template_version" should be one of: 2013-05-23, 2014-10-16, '
    "2015-04-30, 2015-10-15, 2016-04-08, 2016-10-14, 2017-02-24, 2017-09-01, 2018-03-02, "
    "2018-08-31, 2021-04-16, newton, ocata, pike, queens, rocky, wallaby",
)


area.add_refusal(
    "a HOT template calls no function of the other dialect",
    hot(V=hot_resource("OS::Heat::Value", {"value": {"Fn::Join": ["", []]}})),
    "400 StackValidationFailed: resources.V.properties.value.Fn::Join: The template version "
    "is invalid: The function Fn::Join is not supported in this version of HOT.",
)
