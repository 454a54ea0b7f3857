"""Volumes of the embedded cloud in its guests: real block devices with a file system, the data directory on it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.host.loop_devices import list_loop_devices
from guestagent.embedded.openstack.glance.images import find_image
from tests.support.guest_cloud import GuestCloud, open_guest_cloud
from tests.support.polling import wait_until
from tests.support.raw_cloud import RawCloud, attach_at_boot
from tests.support.subnets import open_subnet

GIB = 1 << 30
ROOT = "/var/lib/guestagent-volume"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cloud") / "state"


@pytest.fixture(scope="module")
def cloud(state: Path, images: Path) -> Iterator[GuestCloud]:
    if not Path("/dev/loop-control").exists():
        pytest.skip("this machine has no loop devices")
    with open_subnet() as subnet, open_guest_cloud(subnet, state, images) as opened:
        yield opened
    assert list_devices(state) == []


@pytest.fixture(scope="module")
def raw(cloud: GuestCloud) -> RawCloud:
    return RawCloud(cloud.operator)


def list_devices(state: Path) -> list[str]:
    return [device.name for device in list_loop_devices() if state in device.file.parents]


def have_volume(raw: RawCloud, volume_type: str = "standard") -> str:
    volume_id = raw.create_volume(volume_type=volume_type)
    assert raw.await_volume(volume_id, "available", "error") == "available"
    return volume_id


def have_database(raw: RawCloud, volume_id: str, image: str = "guestagent-mariadb") -> str:
    """Boot a server whose data directory is on a volume."""
    declaration = {"Id": volume_id, "SizeGiB": 1, "New": True, "Cluster": "shop", "Node": "Master0000"}
    metadata = {"guestagent_volume": json.dumps(declaration)}
    boot_image = find_image(image)
    assert boot_image is not None
    return raw.have_server(
        "m1.small", imageRef=boot_image.id, metadata=metadata, **attach_at_boot(volume_id, boot_image.id)
    )


def run(cloud: GuestCloud, guest: str, *argv: str) -> str:
    answer = cloud.hypervisor.run_command(guest, argv)
    assert answer.returncode == 0, answer
    return answer.stdout.strip()


def wait_for_database(cloud: GuestCloud, guest: str) -> None:
    """Return when the server answers."""
    ping = ("mariadb-admin", "--no-defaults", "--socket=/run/mysqld/mysqld.sock", "ping")
    wait_until(lambda: cloud.hypervisor.run_command(guest, ping).returncode == 0, 60)


def measure(cloud: GuestCloud, guest: str) -> int:
    """Return the bytes of the file system of the data directory."""
    blocks, size = run(cloud, guest, "stat", "--file-system", "--format=%b %S", "/var/lib/mysql").split()
    return int(blocks) * int(size)


def test_a_database_lives_on_its_volume_which_grows_under_it(
    cloud: GuestCloud, raw: RawCloud, state: Path
) -> None:
    volume_id = have_volume(raw)
    guest = have_database(raw, volume_id)
    wait_for_database(cloud, guest)
    cloud.execute(
        guest, "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT)", "INSERT INTO shop.t VALUES (1)"
    )
    pid = run(cloud, guest, "cat", "/run/mysqld/mysqld.pid")
    assert run(cloud, guest, "stat", "--file-system", "--format=%T", "/var/lib/mysql") == "xfs"
    assert 0.9 * GIB < measure(cloud, guest) < GIB

    raw.grow(volume_id, 2)
    raw.await_volume(volume_id, "in-use")
    run(cloud, guest, "touch", "/run/guestagent/grow")
    wait_until(lambda: measure(cloud, guest) > 1.9 * GIB)

    assert run(cloud, guest, "cat", "/run/mysqld/mysqld.pid") == pid
    assert raw.list_actions(guest)[0] == ("extend_volume", None)
    raw.act(guest, reboot={"type": "HARD"})
    raw.await_server(guest, "ACTIVE")
    wait_for_database(cloud, guest)
    assert cloud.execute(guest, "SELECT COUNT(*) AS value FROM shop.t")[0]["value"] == "1"
    raw.ask("compute", "DELETE", f"/servers/{guest}")
    assert raw.await_volume(volume_id, "available") == "available"
    assert list_devices(state) == []
    raw.ask("volume", "DELETE", f"/volumes/{volume_id}")
    assert raw.await_volume(volume_id, 404) == 404
    assert list((state / "volumes").iterdir()) == []


def test_a_volume_is_shown_to_a_running_guest_and_taken_away(cloud: GuestCloud, raw: RawCloud) -> None:
    volume_id, guest = have_volume(raw), raw.have_server()
    path = f"/servers/{guest}/os-volume_attachments"
    link = f"/dev/disk/by-id/virtio-{volume_id[:20]}"

    raw.ask("compute", "POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    raw.await_volume(volume_id, "in-use")
    assert run(cloud, guest, "blockdev", "--getsize64", link) == str(GIB)

    raw.ask("compute", "DELETE", f"{path}/{volume_id}")
    raw.await_volume(volume_id, "available")
    assert run(cloud, guest, "ls", "/dev/disk/by-id") == ""


@pytest.mark.parametrize(
    ("volume_type", "message"),
    [("unseen", ""), ("unnotified", "extend volume:Compute service failed to extend volume.")],
)
def test_a_growth_that_the_guest_does_not_see_is_seen_after_a_hard_reboot(
    cloud: GuestCloud, raw: RawCloud, volume_type: str, message: str
) -> None:
    volume_id = have_volume(raw, volume_type=volume_type)
    guest = raw.have_server(**attach_at_boot(volume_id))
    link = f"/dev/disk/by-id/virtio-{volume_id[:20]}"

    raw.grow(volume_id, 2)
    raw.await_volume(volume_id, "in-use")
    before = run(cloud, guest, "blockdev", "--getsize64", link)
    raw.act(guest, reboot={"type": "HARD"})
    raw.await_server(guest, "ACTIVE")

    assert before == str(GIB)
    assert run(cloud, guest, "blockdev", "--getsize64", link) == str(2 * GIB)
    messages = raw.ask("volume", "GET", f"/messages?resource_uuid={volume_id}")[1]["messages"]
    assert [each["user_message"] for each in messages] == ([message] if message else [])
    names = [name for name, _ in raw.list_actions(guest)]
    assert ("extend_volume" in names) == (volume_type == "unseen")


def test_a_database_server_does_not_start_beside_a_volume_that_cannot_be_used(
    cloud: GuestCloud, raw: RawCloud, state: Path
) -> None:
    volume_id = have_volume(raw)
    with (state / "volumes" / volume_id).open("r+b") as file:
        file.write(b"somebody's data")
    guest = have_database(raw, volume_id)

    shown = (str(Path(sys.executable).parent / "guestagent"), "volume", "show")
    wait_until(lambda: "not blank" in cloud.hypervisor.run_command(guest, shown).stdout)

    log = cloud.hypervisor.find_folder(guest) / "var/log/mariadb.log"
    wait_until(lambda: log.exists() and "the data volume cannot be used" in log.read_text())
    assert cloud.hypervisor.run_command(guest, ("test", "-e", "/run/mysqld/mysqld.sock")).returncode == 1


KILLED = """
import os, signal, sys
from pathlib import Path
from guestagent.embedded.guests.volume_files import VolumeFiles
files = VolumeFiles(Path(sys.argv[1]))
files.create("one", 1)
files.attach("one")
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_later_run_removes_what_a_killed_one_left_and_not_what_another_cloud_has(
    tmp_path: Path, images: Path, free_subnet: IPv4Network, cloud: GuestCloud, raw: RawCloud, state: Path
) -> None:
    raw.have_server(**attach_at_boot(have_volume(raw)))
    others = list_devices(state)
    subprocess.run((sys.executable, "-c", KILLED, str(tmp_path)), check=False)
    assert len(list_devices(tmp_path)) == 1

    gateway = str(free_subnet[1])
    NamespaceHypervisor(tmp_path, "gacnone", gateway, 24, images=images).sweep()

    assert list_devices(tmp_path) == []
    assert not (tmp_path / "volumes").exists()
    assert list_devices(state) == others
