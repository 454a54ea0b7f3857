"""Clusters of the resource manager with real guests: databases on volumes, the real collector and agent, a writer."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import pytest

from guestagent.demo.socket_table import SocketTable
from guestagent.demo.workload import RowWriter
from guestagent.embedded.host.loop_devices import list_loop_devices
from guestagent.resources.operation import Operation, OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    DeleteInstance,
    ResizeFailure,
    ResizeInstance,
    ResizeVolume,
    RestartInstance,
    UpdateRuleCidr,
    VolumeFate,
)
from guestagent.resources.rule import build_rule
from tests.support.natives_cloud import NativesCloud, open_natives_cloud
from tests.support.polling import wait_until

GIB = 1 << 30
OLD, NEW = ip_network("192.0.2.0/24"), ip_network("198.51.100.0/24")
RULE = build_rule(OLD, port_min=3306)
PROBE_INTERVAL_S = 0.05

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def engine() -> str:
    """The engine of the service; a test may have others as parameters."""
    return "natives"


@pytest.fixture
def natives(tmp_path: Path, images: Path, free_subnet: IPv4Network, engine: str) -> Iterator[NativesCloud]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with open_natives_cloud(tmp_path, free_subnet, images, engine) as opened:
        yield opened
    assert [device for device in list_loop_devices() if tmp_path in device.file.parents] == []


def describe_cluster(image: str, **changes: object) -> dict[str, object]:
    description: dict[str, object] = {
        "flavor": "m1.small",
        "image": image,
        "subnet": "embedded-subnet",
        "volume": {"size_gib": 1},
        "client_networks": [str(OLD)],
        "polling_interval": 1,
        "source": {},
        "replicas": 1,
    }
    return description | changes


def list_everything(natives: NativesCloud) -> tuple[set[str], ...]:
    observed = natives.observe()
    kinds = (observed.servers, observed.volumes, observed.ports, observed.groups)
    return (*(set(kind) for kind in kinds), {each.id for each in observed.attachments})


def open_table(natives: NativesCloud, node: str) -> SocketTable:
    guest = natives.guests.find_guest(node)
    return SocketTable(lambda: natives.guests.find_socket(guest))


def read_pid(natives: NativesCloud, node: str) -> str:
    guest = natives.guests.find_guest(node)
    return natives.guests.hypervisor.run_command(guest, ("cat", "/run/mysqld/mysqld.pid")).stdout


def measure(natives: NativesCloud, node: str) -> int:
    """Return the bytes of the file system of a node's data directory."""
    argv = ("stat", "--file-system", "--format=%b %S", "/var/lib/mysql")
    answer = natives.guests.hypervisor.run_command(natives.guests.find_guest(node), argv)
    blocks, size = answer.stdout.split()
    return int(blocks) * int(size)


def run_doctor(natives: NativesCloud, node: str) -> list[object]:
    """Run the doctor as a person does, in a shell of root, and return what it finds to be broken."""
    argv = (str(Path(sys.executable).parent / "guestagent"), "doctor", "--json")
    answer = natives.guests.hypervisor.run_command(natives.guests.find_guest(node), argv)
    return [each for each in json.loads(answer.stdout)["findings"] if each["grade"] == "fail"]


def has_rows(natives: NativesCloud, node: str, count: int) -> bool:
    with closing(open_table(natives, node)) as table:
        return table.read_numbers() >= frozenset(range(1, count + 1))


@contextmanager
def probe_rules(natives: NativesCloud) -> Iterator[list[bool]]:
    """Look every 50 ms whether at least one of both networks may reach the databases."""
    probes: list[bool] = []
    stopping = threading.Event()
    either = {RULE, RULE.with_network(NEW)}

    def probe() -> None:
        while not stopping.wait(PROBE_INTERVAL_S):
            groups = natives.observe().groups.values()
            probes.append(bool(either & {rule for group in groups for rule in group.rules.values()}))

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield probes
    finally:
        stopping.set()
        thread.join()


def watch_resize(natives: NativesCloud, operation: Operation, node: str) -> set[str]:
    """Wait for the end of a resize, and return the states of the server on the way."""
    states: set[str] = set()
    while not operation.state.is_final:
        servers = natives.observe().servers.values()
        states |= {server.status for server in servers if f"-{node}-" in server.name}
        operation = natives.manager.operation(operation.id)
        time.sleep(0.05)
    assert operation.state is OperationState.DONE, f"{operation}\n{natives.collect_evidence()}"
    return states


@pytest.mark.parametrize(
    ("engine", "image"),
    [
        ("natives", "guestagent-mariadb"),
        pytest.param("natives", "guestagent-mysql", marks=pytest.mark.patient),
        pytest.param("orchestrator", "guestagent-mariadb", marks=pytest.mark.patient),
    ],
)
def test_databases_live_on_their_volumes_through_every_order(
    natives: NativesCloud, image: str, engine: str
) -> None:
    before = list_everything(natives)

    natives.carry_out(CreateCluster, description=describe_cluster(image))
    assert run_doctor(natives, "Slave0000") == []
    with RowWriter() as writer:
        writer.start(open_table(natives, "Master0000"))
        natives.carry_out(AddInstance, flavor="m1.small", image=image, volume_gib=1)

        pid, written = read_pid(natives, "Master0000"), writer.acknowledged_rows
        natives.carry_out(ResizeVolume, instance="Master0000", size_gib=2)
        assert (read_pid(natives, "Master0000"), writer.error) == (pid, None)
        assert measure(natives, "Master0000") > 1.9 * GIB
        assert writer.acknowledged_rows > written

        failure = ResizeFailure.REVERT if engine == "natives" else ResizeFailure.KEEP
        resize = natives.submit(ResizeInstance, instance="Slave0000", flavor="m1.medium", on_failure=failure)
        states = watch_resize(natives, resize, "Slave0000")
        assert engine != "natives" or "VERIFY_RESIZE" in states

        with probe_rules(natives) as probes:
            natives.carry_out(UpdateRuleCidr, group="database", rule=RULE, network=NEW)
        assert len(probes) > 1
        assert all(probes)

        if RestartInstance.kind in natives.manager.capabilities().orders:
            natives.carry_out(RestartInstance, instance="Slave0001", hard=False)
    assert writer.error is None
    for node in ("Master0000", "Slave0000", "Slave0001"):
        wait_until(lambda node=node: has_rows(natives, node, writer.acknowledged_rows))  # type: ignore[misc]

    natives.carry_out(DeleteInstance, instance="Slave0001", volume=VolumeFate.DELETE)
    natives.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
    assert list_everything(natives) == before
    assert list((natives.guests.hypervisor.find_folder("x").parents[1] / "volumes").iterdir()) == []


@pytest.mark.patient
def test_a_growth_that_the_guest_does_not_see_fails_and_a_hard_restart_leads_out(
    natives: NativesCloud,
) -> None:
    """Cinder and Nova report a success, and the disk of the guest keeps its size."""
    blind = {"volume": {"size_gib": 1, "type": "unseen"}, "replicas": 0, "deadline": 20, "boot_allowance": 10}
    natives.carry_out(CreateCluster, description=describe_cluster("guestagent-mariadb", **blind))

    failed = natives.await_end(natives.submit(ResizeVolume, instance="Master0000", size_gib=2))

    assert failed.state is OperationState.FAILED
    assert failed.refusal is not None
    assert failed.refusal.code == "attention"
    assert "has grown to 2 GiB, not seen by the guest" in failed.refusal.message
    assert measure(natives, "Master0000") < GIB
    natives.carry_out(RestartInstance, instance="Master0000", hard=True)
    natives.carry_out(ResizeVolume, instance="Master0000", size_gib=2)
    assert measure(natives, "Master0000") > 1.9 * GIB
    natives.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
