"""A cluster as a CFN template, with the signals and the collector of its nodes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from guestagent.embedded import Serving
from tests.support.heat_requests import Document, HeatRequests, get_fake_cloud, put_json


def build_template(
    *replicas: str,
    generation: int = 1,
    timeout: int = 300,
    flavor: str = "m1.small",
    flavors: Mapping[str, str] | None = None,
    script: str = "#!/bin/sh\n",
) -> Document:
    """A template as the controller renders it, at its smallest; a new one at every call."""
    suffix = "" if generation == 1 else str(generation)
    users = [{"name": name.lower(), "password": {"Ref": f"{name}Password"}} for name in replicas]
    resources: Document = {
        "Begin": {"Type": "OS::Heat::Value", "Properties": {"value": "cluster"}},
        **{
            f"{name}Password": {
                "Type": "OS::Heat::RandomString",
                "DependsOn": "Begin",
                "Properties": {"length": 30},
            }
            for name in replicas
        },
        **build_node(
            "Master0000",
            suffix,
            timeout,
            flavor,
            script,
            {"Users": users, "GuestAgent": {"Generation": generation}},
        ),
    }
    for name in replicas:
        master = {
            "Address": {"Fn::GetAtt": ["Master0000", "PrivateIp"]},
            "User": {"name": name.lower(), "password": {"Ref": f"{name}Password"}},
        }
        node_resources = build_node(
            name, "", timeout, (flavors or {}).get(name, flavor), script, {"Master": master}
        )
        node_resources[name]["DependsOn"] = f"Master0000ReadyWaitCond{suffix}"
        resources.update(node_resources)
    last = (replicas or ("Master0000",))[-1]
    evidence = f"{last}ReadyWaitCond" + (suffix if last == "Master0000" else "")
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "a cluster",
        "Resources": resources,
        "Outputs": {
            "Address": {"Value": {"Fn::GetAtt": [last, "PrivateIp"]}},
            "Evidence": {"Value": {"Fn::GetAtt": [evidence, "Data"]}},
        },
    }


def build_node(
    name: str, suffix: str, timeout: int, flavor: str, script: str, metadata: Document
) -> dict[str, dict[str, object]]:
    ref = {"Ref": f"{name}ReadyWaitCondHandle{suffix}"}
    keys = [
        script,
        "stack_name = ",
        {"Ref": "AWS::StackName"},
        "\naccess_key_id = ",
        {"Ref": f"{name}AccessKey"},
    ]
    return {
        f"{name}Policy": {
            "Type": "OS::Heat::AccessPolicy",
            "DependsOn": "Begin",
            "Properties": {"AllowedResources": [name]},
        },
        f"{name}User": {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"Ref": f"{name}Policy"}]}},
        f"{name}AccessKey": {
            "Type": "AWS::IAM::AccessKey",
            "Properties": {"UserName": {"Ref": f"{name}User"}},
        },
        f"{name}ReadyWaitCondHandle{suffix}": {
            "Type": "AWS::CloudFormation::WaitConditionHandle",
            "DependsOn": "Begin",
        },
        name: {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "ImageId": "guestagent-mariadb",
                "InstanceType": flavor,
                "UserData": {"Fn::Base64": {"Fn::Join": ["", keys]}},
            },
            "Metadata": {"ReadyWaitCondition": ref, **metadata},
        },
        f"{name}ReadyWaitCond{suffix}": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "DependsOn": name,
            "Properties": {"Handle": ref, "Timeout": timeout},
        },
    }


def create_ready_stack(cloud: Serving, heat: HeatRequests, name: str, template: Document) -> None:
    """Create a stack and signal for every node in turn."""
    heat.create(name, template)
    resources = template["Resources"]
    assert isinstance(resources, dict)
    for condition in [key for key in resources if key.endswith("ReadyWaitCond")]:
        heat.wait_for_resource(name, condition, "CREATE_IN_PROGRESS")
        send_signal(cloud, name, f"{condition}Handle")
    heat.wait(name, "CREATE_COMPLETE")


def send_signal(
    cloud: Serving,
    stack: str,
    name: str,
    status: str = "SUCCESS",
    reason: str = "so it is",
    unique: str = "",
    data: object = None,
) -> None:
    body = {"Status": status, "Reason": reason, "UniqueId": unique or name, "Data": data}
    answer = put_json(find_handle_url(cloud, stack, name), body)
    assert answer.status_code == 200, answer.text


def find_handle_url(cloud: Serving, stack: str, name: str) -> str:
    """The presigned URL of a handle, once it is there."""
    until = time.monotonic() + 5
    while time.monotonic() < until:
        url = get_fake_cloud(cloud).engine.find_stack(stack).resources[name].data.get("url")
        if url is not None:
            return url
        time.sleep(0.01)
    raise AssertionError(f"{name} was not made")


def run_collector(cloud: Serving, folder: Path, user: str, build_node: str) -> Document:
    """Return the metadata that os-collect-config gets for a node with a user's keys; nothing if it is rejected."""
    stack = get_fake_cloud(cloud).engine.find_stack("prod")
    access = stack.resources[f"{user}AccessKey"].physical_id
    pair = get_fake_cloud(cloud).ec2_credentials.find(access)
    assert pair is not None
    config = folder / "os-collect-config.conf"
    config.write_text(
        f"[DEFAULT]\ncollectors = cfn\ncachedir = {folder}/cache\n"
        f"[cfn]\nmetadata_url = {cloud.cfn_url}/v1/\nstack_name = prod\npath = {build_node}.Metadata\n"
        f"access_key_id = {access}\nsecret_access_key = {pair.secret.reveal()}\n"
    )
    script = Path(sys.executable).with_name("os-collect-config")
    completed = subprocess.run(
        [script, "--config-file", config, "--one-time", "--print"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    printed: Mapping[str, Document] = json.loads(completed.stdout) if completed.stdout.strip() else {}
    return printed.get("cfn") or {}
