"""The disks of a guest, and how this machine's loop devices are found."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.guests import guest_volumes
from guestagent.embedded.guests.guest_file import read_guest_file, write_guest_file
from guestagent.embedded.guests.images import GUEST_IMAGES, GuestImage
from guestagent.embedded.guests.services import list_image_services
from guestagent.embedded.host.loop_devices import list_loop_devices
from guestagent.embedded.openstack.cinder.volume_messages import CREATE_MESSAGE
from guestagent.embedded.openstack.cinder.volume_types import find_volume_type
from guestagent.embedded.openstack.cinder.volumes import BootVolume, StoredVolume
from guestagent.embedded.openstack.nova.servers import Compute
from guestagent.errors import UnsupportedEnvironment
from guestagent.metadata.server_metadata import VOLUME_KEY
from guestagent.volume.instance_data import parse_instance_data
from guestagent.volume.observation import is_serial_of
from tests.support.container_guests import build_guest

VOLUME_ID = "3e9f5b0c-64d1-4c1e-9a55-0c6a3e2f7d18"
WITH_VOLUME = build_guest(instance_metadata={VOLUME_KEY: "{}"}, volumes=(VOLUME_ID,))


class NoLoopDevices(FakeHypervisor):
    """A machine that has none."""

    def create_volume(self, volume_id: str, size_gib: int) -> None:
        raise UnsupportedEnvironment("this machine has no loop devices")


def run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


def open_compute(hypervisor: FakeHypervisor) -> Compute:
    return Compute(hypervisor, IPv4Network("10.77.0.0/24"), ThreadPoolExecutor(2))


def test_the_serial_of_a_disk_is_what_the_agent_looks_for() -> None:
    commands = guest_volumes.build_detach_commands(VOLUME_ID)

    serial = commands.split("virtio-")[1].split()[0]
    assert is_serial_of(serial, VOLUME_ID)


def test_the_agent_finds_the_declaration_in_the_instance_data() -> None:
    data = parse_instance_data(guest_volumes.build_instance_data(WITH_VOLUME))

    assert (data.instance_id, data.value, data.shows_metadata) == (WITH_VOLUME.id, "{}", True)


def test_a_guest_without_a_declaration_starts_as_before() -> None:
    assert guest_volumes.build_data_volume_script(build_guest(volumes=(VOLUME_ID,))) == ""
    assert "volume mount" in guest_volumes.build_data_volume_script(WITH_VOLUME)


@pytest.mark.parametrize("image", GUEST_IMAGES.values(), ids=GUEST_IMAGES)
def test_a_database_server_on_a_volume_starts_after_a_check_by_root(image: GuestImage) -> None:
    service = list_image_services(image, Path("/bin"), has_volume=True)[0]

    assert service.user == "root"
    assert service.argv[2].startswith("/bin/guestagent volume check && exec ")
    assert "--reuid=mysql" in service.argv[2] or "--user=mysql" in service.argv[2]


def test_the_volumes_of_a_guest_are_kept_for_its_next_boot(tmp_path: Path) -> None:
    write_guest_file(tmp_path, WITH_VOLUME)

    assert read_guest_file(tmp_path) == replace(WITH_VOLUME, user_data=b"")


def test_loop_devices_are_known_by_their_files_even_deleted_ones(tmp_path: Path) -> None:
    for name, file in (
        ("loop0", "/state/volumes/a\n"),
        ("loop1", "/state/volumes/b (deleted)\n"),
        ("loop2", None),
    ):
        (tmp_path / name / "loop").mkdir(parents=True)
        if file is not None:
            (tmp_path / name / "loop/backing_file").write_text(file)

    devices = [(device.name, str(device.file)) for device in list_loop_devices(tmp_path)]

    assert devices == [("loop0", "/state/volumes/a"), ("loop1", "/state/volumes/b")]


def test_a_machine_without_loop_devices_says_so_in_the_volumes_message() -> None:
    async def work() -> None:
        storage = open_compute(NoLoopDevices()).storage
        volume = storage.create(StoredVolume("data", 1))
        await storage.wait_for_tasks()
        assert volume.status == "error"
        assert volume.messages[1].text == f"{CREATE_MESSAGE} this machine has no loop devices"

    run(work())


@pytest.mark.parametrize(
    ("flavor", "volume_type", "shown", "result"),
    [
        ("m1.tiny", "standard", 2, "Success"),
        ("rigid", "standard", 1, "Error"),
        ("m1.tiny", "unseen", 1, "Success"),
        ("m1.tiny", "unnotified", 1, None),
        ("m1.tiny", "fixed", 1, None),
    ],
)
def test_what_a_guest_sees_of_a_growth_and_what_nova_tells(
    flavor: str, volume_type: str, shown: int, result: str | None
) -> None:
    hypervisor = FakeHypervisor()

    async def work() -> None:
        compute = open_compute(hypervisor)
        kind = find_volume_type(volume_type)
        assert kind is not None
        volume = compute.storage.create(StoredVolume("data", 1, kind))
        await compute.storage.wait_for_tasks()
        image = "guestagent-mariadb"
        server_id = await compute.create("n", flavor, image, b"", None, volumes=[BootVolume(volume.id)])
        await compute.wait_until_active(server_id)
        compute.storage.extend(volume, 2, is_attached_allowed=True)
        await compute.storage.wait_for_tasks()
        actions = {each.name: each.result for each in compute.actions.list_actions(server_id)}
        assert hypervisor.shown_sizes[server_id, volume.id] == shown
        assert actions.get("extend_volume") == result

    run(work())
