"""Small templates in both dialects. A rule shows on one line what its stack is made of."""

from __future__ import annotations

from typing import Any

Document = dict[str, Any]

HANDLES = ("AWS::CloudFormation::WaitConditionHandle",)


def cfn(outputs: Document | None = None, **resources: Document) -> Document:
    """A template of the CFN dialect; every handle's URL is an output of the handle's name."""
    urls = {name: {"Ref": name} for name, each in resources.items() if each.get("Type") in HANDLES}
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": resources,
        "Outputs": {name: {"Value": value} for name, value in {**urls, **(outputs or {})}.items()},
    }


def hot(outputs: Document | None = None, **resources: Document) -> Document:
    """A HOT template."""
    return {
        "heat_template_version": "2018-08-31",
        "resources": resources,
        "outputs": {name: {"value": value} for name, value in (outputs or {}).items()},
    }


def ref(name: str) -> Document:
    return {"Ref": name}


def att(name: str, attribute: str) -> Document:
    return {"Fn::GetAtt": [name, attribute]}


def value(holds: object = "x", **more: object) -> Document:
    """OS::Heat::Value: the resource that needs nothing."""
    return {"Type": "OS::Heat::Value", "Properties": {"value": holds}, **more}


def handle(**more: object) -> Document:
    return {"Type": HANDLES[0], **more}


def condition(of: str = "H", timeout: object = 300, **more: Any) -> Document:
    """A wait condition of the CFN dialect; what is given with a capital is a property."""
    properties = {"Handle": ref(of), "Timeout": timeout}
    return resource("AWS::CloudFormation::WaitCondition", properties, more)


def random_string(**more: object) -> Document:
    return resource("OS::Heat::RandomString", {"length": 12}, more)


def resource(kind: str, properties: Document, more: Document) -> Document:
    """Keys of a resource's own (DependsOn, Metadata) stand beside its properties, all others among them."""
    beside: Document = {
        key: more.pop(key) for key in ("DependsOn", "Metadata", "DeletionPolicy") if key in more
    }
    return {"Type": kind, "Properties": {**properties, **more}, **beside}


def node_key(*may_see: str, name: str = "Key") -> dict[str, Document]:
    """Policy, user and access key of a node: what a guest polls its metadata with."""
    return {
        f"{name}Policy": {
            "Type": "OS::Heat::AccessPolicy",
            "Properties": {"AllowedResources": list(may_see)},
        },
        f"{name}User": {"Type": "AWS::IAM::User", "Properties": {"Policies": [ref(f"{name}Policy")]}},
        name: {"Type": "AWS::IAM::AccessKey", "Properties": {"UserName": ref(f"{name}User")}},
    }


def hot_resource(kind: str, properties: Document | None = None, **beside: object) -> Document:
    """A resource of HOT."""
    return {"type": kind, **({"properties": properties} if properties else {}), **beside}


def hot_handle(transport: str = "") -> Document:
    return hot_resource(
        "OS::Heat::WaitConditionHandle", {"signal_transport": transport} if transport else None
    )


def hot_condition(timeout: int = 300, count: int = 1) -> Document:
    """A wait condition of HOT on the handle H."""
    properties = {"handle": {"get_resource": "H"}, "timeout": timeout, "count": count}
    return hot_resource("OS::Heat::WaitCondition", properties)
