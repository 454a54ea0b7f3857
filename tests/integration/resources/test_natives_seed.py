"""A replica that joins without Heat, with real servers: its source has purged its logs, so it needs a copy."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.host.loop_devices import list_loop_devices
from guestagent.metadata.document import DEFAULT_DONOR_PORT
from guestagent.resources.natives.requests import DeleteServer, DeleteVolume
from guestagent.resources.orders import AddInstance, CreateCluster, DeleteCluster, ReplaceInstance, VolumeFate
from guestagent.resources.rule import build_rule
from tests.support.cluster_lifecycle import list_accounts
from tests.support.natives_cloud import NativesCloud, open_natives_cloud
from tests.support.polling import wait_until
from tests.support.seeded_cluster import METHODS

pytestmark = pytest.mark.timeout(900)

ROWS = 20_000
REPLICA = "Slave0000"
DONOR_RULE = build_rule(None, port_min=DEFAULT_DONOR_PORT)
CHECKSUM = "(SELECT BIT_XOR(CRC32(CONCAT(id, pad))) FROM shop.t)"
COUNT = "(SELECT COUNT(*) FROM shop.t)"


@pytest.fixture
def natives(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> Iterator[NativesCloud]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with open_natives_cloud(tmp_path, free_subnet, images) as opened:
        yield opened
    assert [device for device in list_loop_devices() if tmp_path in device.file.parents] == []


def create_source(natives: NativesCloud, image: str) -> None:
    """Create a cluster of a source alone, fill a table, and purge the logs that have it."""
    description: dict[str, object] = {
        "flavor": "m1.small",
        "image": image,
        "subnet": "embedded-subnet",
        "volume": {"size_gib": 1},
        "polling_interval": 1,
        "source": {},
        "replicas": 0,
    }
    natives.carry_out(CreateCluster, description=description)
    source = natives.guests.find_guest("Master0000")
    natives.guests.execute(
        source,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.t (id INT AUTO_INCREMENT PRIMARY KEY, pad VARCHAR(200))",
        "INSERT INTO shop.t (pad) VALUES (REPEAT('x', 200))",
    )
    while int(natives.guests.query_value(source, COUNT)) < ROWS:
        natives.guests.execute(source, "INSERT INTO shop.t (pad) SELECT SHA2(RAND(), 512) FROM shop.t")
    natives.guests.purge_logs(source)


def check_replica(natives: NativesCloud, method: str) -> None:
    """Check that the replica has the source's data, was seeded by this method, and that no donor is left."""
    source, replica = natives.guests.find_guest("Master0000"), natives.guests.find_guest(REPLICA)
    wanted = natives.guests.query_value(source, CHECKSUM)
    wait_until(lambda: natives.guests.query_value(replica, CHECKSUM) == wanted)
    (view,) = [each for each in natives.manager.instances("shop") if each.name == REPLICA]
    assert view.evidence["seeding"] == method
    wait_until(lambda: not [name for name in list_accounts(natives.guests, source) if "donor" in name])
    command = ("pgrep", "-f", "donor serve")
    wait_until(lambda: natives.guests.hypervisor.run_command(source, command).returncode != 0, timeout_s=60)
    wait_until(lambda: DONOR_RULE not in list_rules(natives))


def list_rules(natives: NativesCloud) -> set[object]:
    return {rule for group in natives.observe().groups.values() for rule in group.rules.values()}


def lose_replica(natives: NativesCloud) -> None:
    """Delete a replica's server and its data volume behind the manager's back."""
    (view,) = [each for each in natives.manager.instances("shop") if each.name == REPLICA]
    natives.project.send(DeleteServer(server_id=view.server_id))
    wait_until(lambda: natives.project.get_server(view.server_id) is None)
    wait_until(lambda: natives.observe().volumes[view.volume_id].status == "available")
    natives.project.send(DeleteVolume(volume_id=view.volume_id))
    wait_until(lambda: natives.project.get_volume(view.volume_id) is None)


@pytest.mark.parametrize(
    ("image", "method"),
    [
        pytest.param(image, method, marks=() if method == "backup" else pytest.mark.patient)
        for image, method in METHODS.items()
    ],
)
def test_a_replica_gets_the_data_that_no_log_has(natives: NativesCloud, image: str, method: str) -> None:
    create_source(natives, image)

    natives.carry_out(AddInstance, flavor="m1.small", image=image, volume_gib=1)

    check_replica(natives, method)


@pytest.mark.patient
def test_a_replica_that_has_lost_its_volume_gets_the_data_again(natives: NativesCloud) -> None:
    image = "guestagent-mariadb"
    create_source(natives, image)
    natives.carry_out(AddInstance, flavor="m1.small", image=image, volume_gib=1)
    lose_replica(natives)

    natives.carry_out(ReplaceInstance, instance=REPLICA)

    check_replica(natives, METHODS[image])
    natives.carry_out(DeleteCluster, volumes=VolumeFate.DELETE)
    assert natives.observe().volumes == {}
