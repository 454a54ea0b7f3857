"""Other people's clients, as they come from PyPI, on the embedded cloud: `openstack stack`, cfn-signal, curl."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from guestagent.embedded import Serving, serving
from tests.support.heat_requests import get_fake_cloud
from tests.support.pypi_programs import install_programs

pytestmark = pytest.mark.timeout(900)  # the first run installs them
OPENSTACK = ("python-openstackclient", "python-heatclient")
CFNTOOLS = ("heat-cfntools",)


@dataclass(frozen=True, slots=True)
class Client:
    """The programs of a virtual environment, as a person in a folder would call them."""

    programs: Path
    folder: Path
    environment: dict[str, str]

    def run(self, program: str, *arguments: object, expected_code: int = 0) -> str:
        # By its interpreter: a script's first line cannot name one whose path has a space.
        completed = subprocess.run(
            [self.programs / "python", self.programs / program, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert completed.returncode == expected_code, completed.stderr + completed.stdout
        return completed.stderr if expected_code else completed.stdout

    def run_stack_command(self, *arguments: object) -> Any:
        """Return the answer of `openstack stack ... -f json`."""
        return json.loads(self.run("openstack", "stack", *arguments, "-f", "json"))


UPDATE_SHOWS_THE_STACK = (
    "`update --wait` shows the stack once, after its request; the rest is read from events"
)


@pytest.fixture
def cloud() -> Iterator[Serving]:
    with serving() as server:
        yield server


@pytest.fixture
def client(cloud: Serving, tmp_path: Path) -> Client:
    entry = {**cloud.connect, "identity_api_version": 3}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"embedded": entry}}))
    return Client(install_programs("openstack", OPENSTACK), tmp_path, {"OS_CLOUD": "embedded"})


def test_a_stack_is_created_looked_at_changed_and_deleted(cloud: Serving, client: Client) -> None:
    write_template(client, "one.yaml", build_complete_template(1))
    write_template(client, "two.yaml", build_complete_template(2))

    client.run(
        "openstack", "stack", "create", "-t", "one.yaml", "--parameter", "word=hello", "--wait", "mine"
    )
    client.run("openstack", "stack", "update", "-t", "two.yaml", "--existing", "--wait", "mine")

    assert [row["Stack Name"] for row in client.run_stack_command("list")] == ["mine"]
    stack = client.run_stack_command("show", "--no-resolve-outputs", "mine")
    assert (stack["stack_status"], stack["parameters"]["word"]) == ("UPDATE_COMPLETE", "hello")
    resources = client.run_stack_command("resource", "list", "mine")
    assert {row["resource_name"] for row in resources} == {"Number", "Word"}
    events = client.run_stack_command("event", "list", "mine")
    assert {"CREATE_COMPLETE", "UPDATE_COMPLETE"} <= {event["resource_status"] for event in events}
    assert client.run_stack_command("output", "show", "mine", "Number")["output_value"] in (2, "2")
    client.run("openstack", "stack", "delete", "--yes", "--wait", "mine")
    assert client.run_stack_command("list") == []
    statuses = {read["status"] for read in cloud.dangerous_reads}
    assert statuses <= {"UPDATE_IN_PROGRESS"}, UPDATE_SHOWS_THE_STACK


def test_a_rejected_template_is_reported_with_the_error_text_of_heat(client: Client) -> None:
    write_template(
        client,
        "bad.yaml",
        {"heat_template_version": "2018-08-31", "resources": {"X": {"type": "OS::Nova::Thing"}}},
    )

    error = client.run("openstack", "stack", "create", "-t", "bad.yaml", "mine", expected_code=1)

    assert "The Resource Type (OS::Nova::Thing) could not be found." in error


def test_a_plain_show_of_a_stack_in_progress_is_dangerous(cloud: Serving, client: Client) -> None:
    write_template(client, "wait.yaml", build_waiting_template("OS::Heat::WaitConditionHandle"))
    client.run_stack_command("create", "-t", "wait.yaml", "mine")
    for arguments in (("list",), ("resource", "list", "mine"), ("show", "--no-resolve-outputs", "mine")):
        client.run_stack_command(*arguments)
    reads_before = list(cloud.dangerous_reads)

    client.run_stack_command("show", "mine")

    assert reads_before == []
    assert [read["read"] for read in cloud.dangerous_reads] == ["stack show with outputs resolved"]


def test_a_signal_by_the_stock_client_and_by_curl(cloud: Serving, client: Client) -> None:
    write_template(client, "wait.yaml", build_waiting_template("OS::Heat::WaitConditionHandle", count=2))
    client.run_stack_command("create", "-t", "wait.yaml", "mine")
    handle = find_handle_url(cloud, "Handle")

    body = {"id": "first", "data": "by the client"}
    client.run("openstack", "stack", "resource", "signal", "--data", json.dumps(body), "mine", "Handle")
    curl("-X", "PUT", "-H", "Content-Type:", "--data-binary", '{"id": "second"}', handle)

    assert wait_for_end(client) == "CREATE_COMPLETE"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="heat-cfntools does not start on Python 3.12")
@pytest.mark.parametrize(("success", "status"), [("true", "CREATE_COMPLETE"), ("false", "CREATE_FAILED")])
def test_cfn_signal_signals_a_handle(cloud: Serving, client: Client, success: str, status: str) -> None:
    cfntools = Client(install_programs("cfntools", CFNTOOLS), client.folder, {})
    write_template(client, "wait.yaml", build_waiting_template("AWS::CloudFormation::WaitConditionHandle"))
    client.run_stack_command("create", "-t", "wait.yaml", "mine")

    cfntools.run("cfn-signal", "-s", success, "-r", "because", "-i", "node", find_handle_url(cloud, "Handle"))

    assert wait_for_end(client) == status


def write_template(client: Client, name: str, template: dict[str, Any]) -> None:
    (client.folder / name).write_text(yaml.safe_dump(template))


def build_complete_template(number: int) -> dict[str, Any]:
    """A stack that is complete at once."""
    return {
        "heat_template_version": "2018-08-31",
        "parameters": {"word": {"type": "string"}},
        "resources": {
            "Number": {"type": "OS::Heat::Value", "properties": {"value": number}},
            "Word": {"type": "OS::Heat::Value", "properties": {"value": {"get_param": "word"}}},
        },
        "outputs": {"Number": {"value": {"get_attr": ["Number", "value"]}}},
    }


def build_waiting_template(handle: str, count: int = 1) -> dict[str, Any]:
    """A stack that is complete after SUCCESS was sent to its handle."""
    dialect = "OS::Heat" if handle.startswith("OS") else "AWS::CloudFormation"
    names = ("handle", "timeout", "count") if dialect == "OS::Heat" else ("Handle", "Timeout", "Count")
    properties = dict(zip(names, ({"get_resource": "Handle"}, 300, count), strict=True))
    transport = {"properties": {"signal_transport": "CFN_SIGNAL"}} if dialect == "OS::Heat" else {}
    return {
        "heat_template_version": "2018-08-31",
        "resources": {
            "Handle": {"type": handle, **transport},
            "Condition": {"type": f"{dialect}::WaitCondition", "properties": properties},
        },
    }


def find_handle_url(cloud: Serving, name: str) -> str:
    """The URL of a handle that is there."""
    return get_fake_cloud(cloud).engine.find_stack("mine").resources[name].data["url"]


def wait_for_end(client: Client) -> str:
    """The stack's status once it is at rest."""
    while (status := str(client.run_stack_command("list")[0]["Stack Status"])).endswith("IN_PROGRESS"):
        pass
    return status


def curl(*arguments: str) -> None:
    subprocess.run(["curl", "--silent", "--fail", *arguments], check=True, capture_output=True, timeout=60)
