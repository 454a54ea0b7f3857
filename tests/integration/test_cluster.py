"""Clusters with real database servers on the embedded cloud: template, stack, guests, replication and signals."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from guestagent.controller import Cluster, Dialect, Node
from guestagent.errors import StackFailed
from tests.support.guest_cloud import STACK_TIMEOUT_S, GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.replica_position import wait_for_replica

pytestmark = pytest.mark.timeout(900)

NODE = Node(flavor="m1.tiny", image="guestagent-mariadb")
PAUSE_SERVER = ["pkill", "--signal", "STOP", "-x", "mariadbd"]
KILL_COUNT, KILL_INTERVAL_S = 6, 0.25
RESUME_SERVER = ["pkill", "--signal", "CONT", "-x", "mariadbd"]


@pytest.fixture
def cloud(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[GuestCloud]:
    with open_guest_cloud(free_subnet, tmp_path / "state", images) as cloud:
        yield cloud
        assert cloud.server.dangerous_reads == []


def build_cluster(replicas: int, **changes: Any) -> Cluster:
    return Cluster.new(
        source=NODE, replicas=[NODE] * replicas, polling_interval=1, dialect=Dialect.CFN, **changes
    )


def test_every_replica_replicates_when_the_stack_is_complete(cloud: GuestCloud) -> None:
    cloud.create("prod", build_cluster(2))
    source, replicas = (
        cloud.find_guest("Master0000"),
        [cloud.find_guest("Slave0000"), cloud.find_guest("Slave0001")],
    )

    cloud.execute(source, "CREATE DATABASE d", "CREATE TABLE d.t (id INT)", "INSERT INTO d.t VALUES (1), (2)")

    for replica in replicas:
        wait_for_replica(cloud, source, replica)
        assert cloud.query_value(replica, "(SELECT COUNT(*) FROM d.t)") == "2"
        assert cloud.query_value(replica, "@@read_only") == "1"
    assert cloud.query_value(source, "@@read_only") == "0"


def set_wrong_password(resources: dict[str, Any]) -> None:
    resources["Slave0000"]["Metadata"]["Master"]["User"]["password"] = "wrong"


def set_wrong_port(resources: dict[str, Any]) -> None:
    resources["Slave0000"]["Metadata"]["Master"]["Port"] = 3307


def set_equal_server_id(resources: dict[str, Any]) -> None:
    resources["Slave0000"]["Metadata"]["GuestAgent"]["ServerId"] = 101


def add_unknown_key(resources: dict[str, Any]) -> None:
    resources["Slave0000"]["Metadata"]["GuestAgent"]["Deadlin"] = 1


def set_wrong_option(resources: dict[str, Any]) -> None:
    """Make the server of the source one that does not start, before the agent gets its document."""
    pieces = resources["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    write_option = "printf '[mariadbd]\\nno_such_option = 1\\n' > /etc/mysql/mariadb.conf.d/80-own.cnf"
    pieces[0] = pieces[0].replace("\n", f"\n{write_option}\npkill -x mariadbd || true\n", 1)


def remove_binary_log(resources: dict[str, Any]) -> None:
    """Make the image of the source one without a binary log."""
    pieces = resources["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    pieces.append("sed -i /^log_bin/d /etc/mysql/mariadb.conf.d/90-guestagent.cnf\n")


@pytest.mark.parametrize(
    ("change_resources", "condition", "reason"),
    [
        (set_wrong_password, "Slave0000ReadyWaitCond", "1045"),
        (set_wrong_port, "Slave0000ReadyWaitCond", "2003"),
        (set_equal_server_id, "Slave0000ReadyWaitCond", "101, which is the source's too"),
        (add_unknown_key, "Slave0000ReadyWaitCond", "GuestAgent.Deadlin"),
        (set_wrong_option, "Master0000ReadyWaitCond", "unknown variable 'no_such_option=1'"),
    ],
)
def test_the_stack_fails_with_the_reason_of_the_node(
    cloud: GuestCloud, change_resources: Any, condition: str, reason: str
) -> None:
    cloud.launch("prod", build_cluster(1, deadline=15), change_resources)

    stack = cloud.wait_until_ended("prod")

    assert stack.status == "CREATE_FAILED"
    assert condition in stack.reason
    assert reason in stack.reason


def test_the_binary_log_of_a_new_server_is_enabled_with_a_restart(cloud: GuestCloud) -> None:
    cloud.launch("prod", build_cluster(1, deadline=30), remove_binary_log)

    stack = cloud.wait_until_ended("prod")

    assert stack.status == "CREATE_COMPLETE"
    assert cloud.query_value(cloud.find_guest("Master0000"), "@@log_bin") == "1"


def test_a_replica_with_its_own_data_fails_and_is_not_changed(cloud: GuestCloud) -> None:
    cloud.create("prod", build_cluster(1))
    replica = cloud.find_guest("Slave0000")
    cloud.execute(
        replica, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT)", "INSERT INTO shop.t VALUES (1)"
    )

    work = cloud.stacks.change("prod", lambda now: now.renew("Slave0000"))
    with pytest.raises(StackFailed, match="errant transactions"):
        cloud.stacks.wait(work, STACK_TIMEOUT_S)

    assert cloud.query_value(replica, "(SELECT COUNT(*) FROM shop.t)") == "1"


@pytest.mark.parametrize("outage_s", [8, pytest.param(60, marks=pytest.mark.patient)])
def test_no_signal_is_lost_in_an_outage_of_heat(cloud: GuestCloud, outage_s: int) -> None:
    cloud.create("prod", build_cluster(0))
    source = cloud.find_guest("Master0000")
    cloud.hypervisor.run_command(source, PAUSE_SERVER)
    work = cloud.stacks.change("prod", lambda now: now.renew("Master0000"))
    wait_until(lambda: '"generation": 2' in _read_status(cloud, source))

    cloud.server.fault("cfn", "refuse", outage_s)
    cloud.hypervisor.run_command(source, RESUME_SERVER)

    assert cloud.stacks.wait(work, 150).status == "UPDATE_COMPLETE"


def test_a_reboot_during_a_pass_is_no_failure(cloud: GuestCloud) -> None:
    cloud.launch("prod", build_cluster(1, deadline=60), stop_source_when_ready)
    replica = cloud.find_guest("Slave0000")
    wait_until(lambda: '"converging"' in _read_status(cloud, replica))

    cloud.hypervisor.reboot(replica)
    wait_until(lambda: '"converging"' in _read_status(cloud, replica))
    assert cloud.heat.stacks("prod")[0].in_progress
    cloud.hypervisor.run_command(cloud.find_guest("Master0000"), RESUME_SERVER)

    assert cloud.wait_until_ended("prod").status == "CREATE_COMPLETE"


def stop_source_when_ready(resources: dict[str, Any]) -> None:
    """Make the server of the source hang as soon as the node is ready."""
    pieces = resources["Master0000"]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1]
    pieces.append(
        "(while ! grep -qs '\"ready\"' /var/lib/guestagent/status.json; do sleep 0.1; done; "
        "pkill --signal STOP -x mariadbd) &\n"
    )


def test_an_agent_that_is_killed_repeatedly_becomes_ready(cloud: GuestCloud) -> None:
    cloud.launch("prod", build_cluster(1), lambda resources: None)
    source = cloud.find_guest("Master0000")

    for _ in range(KILL_COUNT):
        cloud.hypervisor.run_command(source, ["pkill", "--signal", "KILL", "-f", "guestagent serve"])
        time.sleep(KILL_INTERVAL_S)

    assert cloud.wait_until_ended("prod").status == "CREATE_COMPLETE"


def test_a_pass_without_changes_writes_nothing_to_the_binary_log(cloud: GuestCloud) -> None:
    cloud.create("prod", build_cluster(1))
    guests = [cloud.find_guest("Master0000"), cloud.find_guest("Slave0000")]
    before = [cloud.query_value(guest, "@@gtid_current_pos") for guest in guests]

    for guest in guests:
        answer = cloud.hypervisor.run_command(guest, ["guestagent", "apply", "--json"])
        assert answer.returncode == 0, answer

    assert [cloud.query_value(guest, "@@gtid_current_pos") for guest in guests] == before


def test_drift_is_repaired_by_the_next_pass(cloud: GuestCloud) -> None:
    cloud.create("prod", build_cluster(1))
    replica = cloud.find_guest("Slave0000")
    cloud.execute(replica, "STOP SLAVE", "SET GLOBAL read_only = 0")

    assert cloud.hypervisor.run_command(replica, ["guestagent", "apply"]).returncode == 0

    assert cloud.query_value(replica, "@@read_only") == "1"
    assert cloud.execute(replica, "SHOW SLAVE STATUS")[0]["Slave_IO_Running"] == "Yes"


def enable_general_log(resources: dict[str, Any]) -> None:
    options = r"[mariadbd]\ngeneral-log\ngeneral-log-file=/var/lib/mysql/general.log\n"
    script = f"printf '{options}' > /etc/mysql/mariadb.conf.d/99-log.cnf\n"
    for name in ("Master0000", "Slave0000"):
        resources[name]["Properties"]["UserData"]["Fn::Base64"]["Fn::Join"][1].append(script)


def test_no_command_line_environment_or_log_contains_a_secret(cloud: GuestCloud) -> None:
    cloud.launch("prod", build_cluster(1), enable_general_log)
    assert cloud.wait_until_ended("prod").status == "CREATE_COMPLETE"
    guests = [cloud.find_guest("Master0000"), cloud.find_guest("Slave0000")]
    secrets = _read_secrets(cloud, guests[1])

    visible_content = b"".join(_read_visible_content(cloud, guest) for guest in guests)

    assert b"CREATE USER 'slave0000'" in visible_content, "the general log was not read"
    assert b"guestagent\0serve" in visible_content, "the command lines were not read"
    assert [len(secret) > 20 for secret in secrets] == [True, True]
    assert [secret for secret in secrets if secret.encode() in visible_content] == []


def _read_secrets(cloud: GuestCloud, replica: str) -> list[str]:
    """Return the replication password and the handle's signature from the document of the replica."""
    content = json.loads(
        (cloud.hypervisor.find_folder(replica) / "var/lib/guestagent/document.json").read_text()
    )
    document = content["document"]
    signature = document["ReadyWaitCondition"].partition("Signature=")[2].partition("&")[0]
    return [document["Master"]["User"]["password"], signature]


def _read_visible_content(cloud: GuestCloud, guest: str) -> bytes:
    """Return the logs, binary logs, status and signal files, command lines and environments of a guest."""
    var = cloud.hypervisor.find_folder(guest) / "var"
    files = [*(var / "log").glob("*"), *(var / "lib/mysql").glob("binlog.0*")]
    files += [var / "lib/mysql/general.log"]
    files += [var / "lib/guestagent" / name for name in ("status.json", "journal.json", "signal.json")]
    processes = cloud.hypervisor.run_command(
        guest, ["sh", "-c", "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"]
    )
    return b"".join(path.read_bytes() for path in files if path.is_file()) + processes.stdout.encode()


def _read_status(cloud: GuestCloud, guest: str) -> str:
    path = cloud.hypervisor.find_folder(guest) / "var/lib/guestagent/status.json"
    return path.read_text() if path.exists() else ""
