"""Small templates in both formats. A rule shows on one line what its stack consists of."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

HANDLES = ("AWS::CloudFormation::WaitConditionHandle",)


def cfn(outputs: Document | None = None, **resources: Document) -> Document:
    """Build a CloudFormation template, with the URL of each handle as an output of its name."""
    urls = {name: {"Ref": name} for name, each in resources.items() if each.get("Type") in HANDLES}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in {**urls, **(outputs or {})}.items()},
    }


def hot(outputs: Document | None = None, **resources: Document) -> Document:
    """Build a HOT template."""
    return {
        "heat_template_version": "2018-08-31",
        "resources": resources,
        "outputs": {name: {"value": value} for name, value in (outputs or {}).items()},
    }


def ref(name: str) -> Document:
    return {"Ref": name}


def att(name: str, attribute: str) -> Document:
    return {"Fn::GetAtt": [name, attribute]}


def value(content: object = "x", **more: object) -> Document:
    """Build an OS::Heat::Value, which has no side effects."""
    return {"Type": "OS::Heat::Value", "Properties": {"value": content}, **more}


def handle(**more: object) -> Document:
    return {"Type": HANDLES[0], **more}


def condition(handle_name: str = "H", timeout: object = 300, **more: Any) -> Document:
    """Build a wait condition in the CloudFormation format; capitalized keywords are properties."""
    properties = {"Handle": ref(handle_name), "Timeout": timeout}
    return resource("AWS::CloudFormation::WaitCondition", properties, more)


def random_string(**more: object) -> Document:
    return resource("OS::Heat::RandomString", {"length": 12}, more)


def resource(kind: str, properties: Document, more: Document) -> Document:
    """Build a resource. DependsOn, Metadata and DeletionPolicy are its own keys, all others are properties."""
    own_keys: Document = {
        key: more.pop(key) for key in ("DependsOn", "Metadata", "DeletionPolicy") if key in more
    }
    return {"Type": kind, "Properties": {**properties, **more}, **own_keys}


def node_key(*resources: str, name: str = "Key") -> dict[str, Document]:
    """Build policy, user and access key of a node, with which a guest polls its metadata."""
    return {
        f"{name}Policy": {
            "Type": "OS::Heat::AccessPolicy",
            "Properties": {"AllowedResources": list(resources)},
        },
        f"{name}User": {"Type": "AWS::IAM::User", "Properties": {"Policies": [ref(f"{name}Policy")]}},
        name: {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": ref(f"{name}User")}},
    }


def hot_resource(kind: str, properties: Document | None = None, **own_keys: object) -> Document:
    """Build a resource in HOT."""
    return {"type": kind, **({"properties": properties} if properties else {}), **own_keys}


def hot_handle(transport: str = "") -> Document:
    return hot_resource(
        "OS::Heat::WaitConditionHandle", {"signal_transport": transport} if transport else None
    )


def hot_condition(timeout: int = 300, count: int = 1) -> Document:
    """Build a wait condition in HOT on the handle H."""
    properties = {"handle": {"get_resource": "H"}, "timeout": timeout, "count": count}
    return hot_resource("OS::Heat::WaitCondition", properties)
