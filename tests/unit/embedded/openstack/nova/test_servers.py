"""Servers over a hypervisor: addresses, and what happens when calls overtake each other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network

import pytest

from guestagent.embedded import FakeHypervisor, Guest
from guestagent.embedded.http.errors import EntityNotFound, ResourceFailure
from guestagent.embedded.openstack.nova.servers import Compute


class Slow(FakeHypervisor):
    """Boots only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.let = threading.Event()

    def boot(self, guest: Guest) -> None:
        self.let.wait(5)
        super().boot(guest)


def compute(hypervisor: FakeHypervisor | None = None, network: str = "10.77.0.0/24") -> Compute:
    return Compute(hypervisor or FakeHypervisor(), IPv4Network(network), ThreadPoolExecutor(2))


async def launch(servers: Compute, flavor: str = "m1.small") -> str:
    return await servers.create("n", flavor, "guestagent-mariadb", b"data", None)


def run(work: Coroutine[None, None, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


def test_a_guest_gets_the_values_of_its_flavor_and_network() -> None:
    hypervisor = FakeHypervisor()

    async def work() -> None:
        servers = compute(hypervisor)
        await servers.wait_until_active(await launch(servers, "m1.medium"))

    run(work())

    [guest] = hypervisor.guests.values()
    assert (guest.address, guest.prefix, guest.gateway) == ("10.77.0.10", 24, "10.77.0.1")
    assert (guest.flavor, guest.vcpus, guest.memory_mb) == ("m1.medium", 2, 512)
    assert guest.user_data == b"data"


def test_an_address_is_free_again_after_its_server_and_addresses_can_run_out() -> None:
    async def work() -> None:
        servers = compute(network="10.77.0.0/28")  # .10 to .14
        made = [await launch(servers) for _ in range(5)]
        with pytest.raises(ResourceFailure, match="No fixed IP addresses available"):
            await launch(servers)
        await servers.delete(made[2])
        assert servers.get_address(await launch(servers)) == "10.77.0.12"

    run(work())


def test_a_server_that_is_removed_while_it_boots_is_destroyed_after_its_boot() -> None:
    hypervisor = Slow()

    async def work() -> None:
        servers = compute(hypervisor)
        made = await launch(servers)
        removal = asyncio.create_task(servers.delete(made))
        while servers.servers[made].task_state != "deleting":
            await asyncio.sleep(0)
        hypervisor.let.set()
        await removal
        assert servers.servers == {}

    run(work())

    assert [call for call, _ in hypervisor.calls] == ["boot", "destroy"]


def test_a_stuck_server_stays_in_build() -> None:
    async def work() -> None:
        servers = compute()
        made = await launch(servers, "stuck")
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(servers.wait_until_active(made), 0.05)
        assert servers.get_server(made).status == "BUILD"

    run(work())


def test_a_missing_object_is_reported() -> None:
    servers = compute()

    assert servers.check_constraint("Flavor", "m1.huge") == "The Flavor (m1.huge) could not be found."
    assert servers.check_constraint("Image", "guestagent-mariadb") == ""
    assert servers.get_address("nobody") == "0.0.0.0"  # noqa: S104
    with pytest.raises(EntityNotFound):
        servers.get_server("nobody")


def test_a_guest_gets_the_metadata_of_its_server() -> None:
    hypervisor = FakeHypervisor()

    async def work() -> None:
        servers = compute(hypervisor)
        image = "guestagent-mariadb"
        server = await servers.create("n", "m1.small", image, b"", None, metadata={"role": "db"})
        await servers.wait_until_active(server)

    run(work())

    [guest] = hypervisor.guests.values()
    assert guest.instance_metadata == {"role": "db"}
    assert guest.public_keys == {}


def test_a_guest_gets_the_public_key_of_its_servers_key_pair() -> None:
    hypervisor = FakeHypervisor()

    async def work() -> None:
        servers = compute(hypervisor)
        servers.public_keys["ops"] = "ssh-ed25519 AAAA ops"
        await servers.wait_until_active(
            await servers.create("n", "m1.small", "guestagent-mariadb", b"", "ops")
        )

    run(work())

    [guest] = hypervisor.guests.values()
    assert guest.public_keys == {"ops": "ssh-ed25519 AAAA ops"}


def test_metadata_that_nova_rejects_make_no_server() -> None:
    async def work() -> None:
        servers = compute()
        with pytest.raises(ResourceFailure, match="is too long"):
            await servers.create("n", "m1.small", "guestagent-mariadb", b"", None, metadata={"a": "b" * 256})
        assert (servers.servers, servers.networking.ports) == ({}, {})

    run(work())


def test_a_resized_guest_has_the_memory_of_its_new_flavor() -> None:
    hypervisor = FakeHypervisor()

    async def work() -> None:
        servers = compute(hypervisor)
        server = await launch(servers, "m1.small")
        await servers.wait_until_active(server)
        await servers.resize(server, "m1.large")
        assert servers.get_server(server).status == "ACTIVE"

    run(work())

    [guest] = hypervisor.guests.values()
    assert (guest.flavor, guest.vcpus, guest.memory_mb) == ("m1.large", 4, 1024)
    assert [call for call, _ in hypervisor.calls] == ["boot", "reboot"]
