"""Stacks over openstacksdk and the embedded cloud: launched, changed, deleted; nothing read that endangers them."""

from __future__ import annotations

import copy
import json
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import openstack
import pytest
import yaml

from guestagent.controller import Cluster, Dialect, Event, Node, NodeChanged, NodeState, Stacks
from guestagent.controller.openstack_heat import OpenStackHeat
from guestagent.embedded import Serving, serving
from guestagent.embedded.openstack.neutron.network import SUBNET_ID
from guestagent.errors import CloudRefused, CloudUnreachable, DeadlineExceeded, StackFailed
from tests.support.cluster_commands import ClusterCommands, write_clouds_yaml
from tests.support.signalling_guests import SignallingHypervisor
from tests.support.slow_server import open_slow_server

# openstacksdk warns of itself at every connect and request.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")

LARGE, SMALL = Node("m1.large", "guestagent-mariadb"), Node("m1.small", "guestagent-mariadb")
STACK_TIMEOUT_S = 30.0


@pytest.fixture
def guests() -> SignallingHypervisor:
    return SignallingHypervisor()


@pytest.fixture
def cloud(guests: SignallingHypervisor) -> Iterator[Serving]:
    with serving(guests) as server:
        yield server


@pytest.fixture
def heat(cloud: Serving) -> Iterator[OpenStackHeat]:
    with openstack.connect(**cloud.connect) as connection:
        yield OpenStackHeat(connection)


@pytest.fixture
def stacks(heat: OpenStackHeat) -> Stacks:
    return Stacks(heat, every=0.2)


def build_cluster(replicas: int = 1, deadline: int = 10) -> Cluster:
    return Cluster.new(
        source=LARGE,
        replicas=[SMALL] * replicas,
        deadline=deadline,
        boot_allowance=10,
        dialect=Dialect.CFN,
    )


def list_booted(guests: SignallingHypervisor) -> list[str]:
    return [about for call, about in guests.calls if call == "boot"]


def test_a_cluster_lives_through_its_changes_and_no_server_is_replaced(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    events: list[Event] = []
    stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S, events.append)
    stacks.wait(
        stacks.change("db", lambda cluster_now: cluster_now.add_replica(SMALL).add_replica(LARGE)),
        STACK_TIMEOUT_S,
        events.append,
    )
    stacks.wait(
        stacks.change("db", lambda cluster_now: cluster_now.remove_replica("Slave0000")),
        STACK_TIMEOUT_S,
        events.append,
    )
    cluster_status = stacks.status("db")

    assert [(str(n.role), n.node.name, n.node.flavor, n.node.generation) for n in cluster_status.nodes] == [
        ("source", "Master0000", "m1.large", 3),
        ("replica", "Slave0001", "m1.small", 1),
        ("replica", "Slave0002", "m1.large", 1),
    ]
    assert {n.state for n in cluster_status.nodes} == {NodeState.READY}
    assert cluster_status.nodes[0].evidence == {"version": "played", "lag": 0}
    assert len(list_booted(guests)) == 4
    assert {n.address for n in cluster_status.nodes} < {guest.address for guest in guests.guests.values()} | {
        ""
    }
    assert {e.name for e in events if isinstance(e, NodeChanged) and e.state is NodeState.READY} == {
        "Master0000",
        "Slave0000",
        "Slave0001",
        "Slave0002",
    }

    stacks.wait(stacks.delete("db"), STACK_TIMEOUT_S)

    assert guests.guests == {}
    assert cloud.dangerous_reads == []


def test_a_node_is_resized_in_place_and_proves_itself_alone(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)

    stack = stacks.resize("db", "Slave0000", "m1.large", STACK_TIMEOUT_S)

    assert stack.status == "UPDATE_COMPLETE"
    assert [(n.node.name, n.node.flavor, n.node.generation, n.state) for n in stacks.status("db").nodes] == [
        ("Master0000", "m1.large", 1, NodeState.READY),
        ("Slave0000", "m1.large", 2, NodeState.READY),
    ]
    assert [server.flavor.name for server in cloud.cloud.compute.servers.values()] == ["m1.large", "m1.large"]
    assert len(list_booted(guests)) == 2
    assert cloud.dangerous_reads == []


def test_a_replica_that_fails_fails_the_stack_with_its_own_reason(
    cloud: Serving, guests: SignallingHypervisor, stacks: Stacks
) -> None:
    guests.failure_reasons["Slave0000"] = "Slave0000 (replica): access denied for slave0000"

    with pytest.raises(StackFailed) as failed:
        stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)

    assert failed.value.status == "CREATE_FAILED"
    assert failed.value.reason == (
        "Resource CREATE failed: WaitConditionFailure: resources.Slave0000ReadyWaitCond: "
        "Slave0000 (replica): access denied for slave0000"
    )
    assert [n.state for n in stacks.status("db").nodes] == [NodeState.READY, NodeState.FAILED]


def test_a_failed_cluster_is_mended_by_its_next_change(guests: SignallingHypervisor, stacks: Stacks) -> None:
    guests.failure_reasons["Slave0000"] = "not yet"
    with pytest.raises(StackFailed):
        stacks.wait(stacks.create("db", build_cluster()), STACK_TIMEOUT_S)
    guests.failure_reasons.clear()

    stacks.wait(stacks.change("db", lambda cluster_now: cluster_now.add_replica(SMALL)), STACK_TIMEOUT_S)

    assert [(n.node.name, n.node.generation, n.state) for n in stacks.status("db").nodes] == [
        ("Master0000", 2, NodeState.READY),
        ("Slave0000", 2, NodeState.READY),
        ("Slave0001", 1, NodeState.READY),
    ]


def test_a_silent_node_ends_its_condition_at_its_own_time(
    guests: SignallingHypervisor, stacks: Stacks
) -> None:
    guests.silent_nodes.add("Master0000")

    with pytest.raises(StackFailed, match=r"WaitConditionTimeout: .*: 0 of 1 received"):
        stacks.wait(
            stacks.create("db", replace(build_cluster(0, deadline=2), boot_allowance=1)), STACK_TIMEOUT_S
        )


def test_the_deadline_leaves_the_stack_at_work(guests: SignallingHypervisor, stacks: Stacks) -> None:
    guests.silent_nodes.add("Master0000")
    work = stacks.create("db", build_cluster(0))

    with pytest.raises(DeadlineExceeded, match="stack db is still CREATE_IN_PROGRESS"):
        stacks.wait(work, 1.0)

    assert stacks.status("db").stack.in_progress


def test_an_outage_of_heat_during_the_waiting_is_waited_out(cloud: Serving, stacks: Stacks) -> None:
    work = stacks.create("db", build_cluster())
    cloud.fault("heat", "503", 2.0)

    assert stacks.wait(work, STACK_TIMEOUT_S).status == "CREATE_COMPLETE"


def test_a_cloud_that_is_not_there_is_unreachable(heat: OpenStackHeat, cloud: Serving) -> None:
    cloud.fault("keystone", "refuse", 5.0)

    with pytest.raises(CloudUnreachable, match="listing stacks"):
        heat.stacks("db")


def test_heats_words_come_with_a_refusal(heat: OpenStackHeat) -> None:
    with pytest.raises(CloudRefused, match="Circular Dependency Found"):
        heat.validate(
            {
                "AWSTemplateFormatVersion": "2010-09-09",
                "Resources": {
                    "A": {"Type": "OS::Heat::Value", "Properties": {"value": "a"}, "DependsOn": "B"},
                    "B": {"Type": "OS::Heat::Value", "Properties": {"value": "b"}, "DependsOn": "A"},
                },
            }
        )


def test_a_wrong_password_is_refused(cloud: Serving) -> None:
    connect: Any = copy.deepcopy(cloud.connect)
    connect["auth"]["password"] = "wrong"

    with openstack.connect(**connect) as connection, pytest.raises(CloudRefused, match="listing stacks"):
        OpenStackHeat(connection).stacks("db")


@pytest.fixture
def commands(tmp_path: Path, cloud: Serving) -> ClusterCommands:
    write_clouds_yaml(tmp_path, cloud)
    description = (
        "source: &a {flavor: m1.large, image: guestagent-mariadb}\nreplicas: [{<<: *a, flavor: m1.small}]\n"
        f"dialect: cfn\nsubnet: {SUBNET_ID}\n"
    )
    (tmp_path / "prod.yaml").write_text(description)
    return ClusterCommands(tmp_path)


def test_the_command_line_creates_changes_shows_and_deletes(commands: ClusterCommands) -> None:
    code, table, err = commands.run("create", "prod.yaml")
    assert code == 0
    assert table.startswith("prod is CREATE_COMPLETE\nnode        role     state  address")
    assert "Slave0000  ready\n" in err

    code, answer, _ = commands.run("add-replica", "prod", "--flavor", "m1.tiny", "--count", "2", "--json")
    assert code == 0
    assert [(n["name"], n["flavor"]) for n in json.loads(answer)["nodes"]] == [
        ("Master0000", "m1.large"),
        ("Slave0000", "m1.small"),
        ("Slave0001", "m1.tiny"),
        ("Slave0002", "m1.tiny"),
    ]

    code, answer, _ = commands.run("resize", "prod", "Slave0000", "--flavor", "m1.medium", "--json")
    assert code == 0
    assert [(n["flavor"], n["generation"]) for n in json.loads(answer)["nodes"]][:2] == [
        ("m1.large", 3),
        ("m1.medium", 2),
    ]

    code, answer, _ = commands.run("remove-replica", "prod", "Slave0001", "--json")
    assert code == 0
    assert [n["name"] for n in json.loads(answer)["nodes"]] == ["Master0000", "Slave0000", "Slave0002"]

    code, answer, _ = commands.run("delete", "prod", "--yes", "--json")
    assert (code, json.loads(answer)["status"]) == (0, "DELETE_COMPLETE")


def test_without_waiting_the_stack_is_watched_by_another_command(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.silent_nodes.add("Slave0000")
    code, answer, _ = commands.run("create", "prod.yaml", "--name", "later", "--no-wait", "--json")
    assert (code, json.loads(answer)["action"]) == (0, "CREATE")

    with commands.start("status", "later", "--watch") as watcher:
        assert watcher.stderr is not None
        first = watcher.stderr.readline()
        guests.silent_nodes.clear()
        table, err = watcher.communicate(timeout=50)

    assert watcher.returncode == 0
    assert first.endswith("later  CREATE_IN_PROGRESS\n"), first + err
    assert table.startswith("later is CREATE_COMPLETE")


def test_a_failed_stack_ends_with_its_own_exit_code_and_heats_reason(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.failure_reasons["Slave0000"] = "wrong password"

    code, _, err = commands.run("create", "prod.yaml")

    assert code == 6
    assert "WaitConditionFailure: resources.Slave0000ReadyWaitCond: wrong password" in err.splitlines()[-1]
    assert commands.run("status", "prod")[0] == 6


def test_the_time_that_was_given_ends_with_its_own_exit_code(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.silent_nodes.add("Master0000")

    code, _, err = commands.run("create", "prod.yaml", "--timeout", "1")

    assert code == 7
    assert "stack prod is still CREATE_IN_PROGRESS when the time is over; it goes on" in err
    assert commands.run("status", "prod")[0] == 1


def test_an_interrupt_ends_the_waiting_at_once_and_not_the_stack(
    commands: ClusterCommands, guests: SignallingHypervisor
) -> None:
    guests.silent_nodes.add("Master0000")

    with commands.start("create", "prod.yaml") as command:
        assert command.stderr is not None
        first = command.stderr.readline()
        started = time.monotonic()
        command.send_signal(signal.SIGINT)
        _, err = command.communicate(timeout=20)

    assert "CREATE_IN_PROGRESS" in first
    assert command.returncode == 130
    assert time.monotonic() - started < 15
    assert err.splitlines()[-1] == (
        "guestagent: interrupted; stack prod goes on: guestagent cluster status prod --watch"
    )
    assert commands.run("status", "prod")[0] == 1


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["status", "none"], 5, "there is no stack none"),
        (["status", "none", "--os-cloud", "elsewhere"], 5, "Cloud elsewhere was not found"),
        (["create", "none.yaml"], 2, "none.yaml: expected a readable file"),
        (["add-replica", "prod", "--count", "0"], 2, "--count: expected a number between 1 and 200, found 0"),
        (["create", "prod.yaml", "--name", ""], 2, "name: expected a letter, then letters, digits"),
        (["create", "prod.yaml", "--timeout", "0"], 2, "--timeout: expected more than 0 seconds, found 0"),
        (["delete", "prod"], 2, "--yes, because there is no terminal"),
    ],
)
def test_an_impossible_change_is_reported_in_one_line(
    commands: ClusterCommands, words: list[str], code: int, message: str
) -> None:
    exit_code, out, err = commands.run(*words)

    assert (exit_code, out) == (code, "")
    assert err.count("\n") == 1
    assert message in err


def test_the_template_of_a_file_can_be_seen_and_checked_without_a_cloud(
    commands: ClusterCommands, tmp_path: Path
) -> None:
    code, template, _ = commands.run("template", "prod.yaml")
    assert code == 0
    (tmp_path / "template.yaml").write_text(template)

    assert commands.run("lint", "template.yaml") == (0, "", "")


def test_a_template_can_be_had_in_the_other_dialect(commands: ClusterCommands, tmp_path: Path) -> None:
    _, converted, _ = commands.run("template", "prod.yaml", "--dialect", "hot")
    (tmp_path / "hot.yaml").write_text(converted)

    code, restored, _ = commands.run("convert", "hot.yaml")

    assert converted.startswith("heat_template_version: '2018-08-31'")
    assert commands.run("lint", "hot.yaml") == (0, "", "")
    assert (code, restored) == (0, commands.run("template", "prod.yaml")[1])


def test_a_template_written_by_hand_is_converted_and_its_mistakes_are_reported(
    commands: ClusterCommands, tmp_path: Path
) -> None:
    server = "Type: AWS::EC2::Instance, Properties: {ImageId: i, InstanceType: f}"
    by_hand = f"Resources: {{Db: {{{server}, Metadata: {{ReadyWaitCondition: {{Ref: Handel}}}}}}}}\n"
    (tmp_path / "old.yaml").write_text(by_hand)

    code, converted, err = commands.run("convert", "old.yaml")

    assert (code, yaml.safe_load(converted)["resources"]["Master0000"]["properties"]["flavor"]) == (0, "f")
    assert "ReadyWaitCondition.Ref: expected a resource or parameter of this template, found Handel" in err


def test_the_mistakes_of_a_template_of_2013_are_reported(commands: ClusterCommands, tmp_path: Path) -> None:
    (tmp_path / "seed.yaml").write_text("Resources: {W: {Type: AWS::CloudFormation::WaitCondition}}\n")

    code, answer, _ = commands.run("lint", "seed.yaml", "--json")

    assert code == 2
    assert "Resources.W.Properties" in [problem["path"] for problem in json.loads(answer)["problems"]]


@pytest.mark.parametrize(
    "response", [(b"HTTP/1.1 200 OK\r\n", [b"X: 1\r\n"]), (b"", [b"HTTP/1.1 100 Continue\r\n\r\n"])]
)
def test_a_keystone_that_drips_holds_no_request(cloud: Serving, response: tuple[bytes, list[bytes]]) -> None:
    with open_slow_server(*response) as port:
        slow: Any = copy.deepcopy(cloud.connect)
        slow["auth"]["auth_url"] = f"http://127.0.0.1:{port}/v3"
        started = time.monotonic()
        with (
            openstack.connect(**slow) as connection,
            pytest.raises(CloudUnreachable, match="no complete answer in"),
        ):
            OpenStackHeat(connection, timeout=0.3).stacks("db")

    assert time.monotonic() - started < 10
