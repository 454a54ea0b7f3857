"""Guests that are destroyed, swept or fail to boot leave nothing behind."""

from __future__ import annotations

import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from guestagent.embedded.guests import NamespaceHypervisor
from guestagent.embedded.guests.network import build_link_names
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.errors import CloudError
from tests.support.guest_network import DATABASE, NO_TRACES, TICKER, GuestNetwork, run_program


def list_namespaces() -> set[str]:
    return {line.split()[0] for line in run_program("ip", "netns").splitlines()}


def test_a_bridge_is_removed_if_it_cannot_get_its_address(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    failing = NamespaceHypervisor(
        tmp_path / "state", "gatestfail", str(free_subnet[1]), 33, (TICKER,), images
    )

    with pytest.raises(CloudError, match="addressing bridge gatestfail"):
        failing.open()

    assert not Path("/sys/class/net/gatestfail").exists()


def test_destroying_leaves_nothing(cloud: GuestNetwork) -> None:
    cloud.boot("one")
    cloud.boot("two")
    traces_before = cloud.list_traces()
    own_namespaces = {build_link_names(cloud.bridge, guest).namespace for guest in ("one", "two")}
    assert own_namespaces <= list_namespaces()

    cloud.hypervisor.destroy("one")
    cloud.hypervisor.destroy("one")
    cloud.hypervisor.close()

    assert len(traces_before["links"]) == 3
    assert traces_before["processes"]
    assert traces_before["mounts"] == []
    assert cloud.list_traces() == NO_TRACES
    assert not own_namespaces & list_namespaces()


def test_a_failed_boot_reports_the_reason_and_leaves_nothing(cloud: GuestNetwork) -> None:
    tiny = ("m1.tiny", 1, 256, "guestagent-mariadb")
    elsewhere = Guest("one", "one", cloud.gateway, 24, "192.0.2.1", *tiny, b"")

    with pytest.raises(CloudError, match=r"guest one did not boot: .*gateway"):
        cloud.hypervisor.boot(elsewhere)

    assert cloud.list_traces() == {**NO_TRACES, "links": [cloud.bridge]}


def test_a_sweep_removes_the_guests_of_a_killed_daemon(
    tmp_path: Path, images: Path, free_subnet: IPv4Network
) -> None:
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (DATABASE,))
    daemon = f"""
import sys
from pathlib import Path
from guestagent.embedded.guests import NamespaceHypervisor, list_image_services
from guestagent.embedded.openstack.nova.hypervisor import Guest
hypervisor = NamespaceHypervisor(
    Path({str(cloud.state)!r}), {cloud.bridge!r}, {cloud.gateway!r}, 24, list_image_services()[:1],
    Path({str(images)!r}),
)
hypervisor.open()
flavor = ("m1.tiny", 1, 256, "guestagent-mariadb")
hypervisor.boot(Guest("one", "one", "{free_subnet[10]}", 24, {cloud.gateway!r}, *flavor, b""))
print("up", flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", daemon], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        process.kill()
    assert cloud.hypervisor.is_running("one")

    cloud.hypervisor.sweep()

    assert cloud.list_traces() == NO_TRACES


def test_a_foreign_link_is_not_changed(tmp_path: Path, images: Path, free_subnet: IPv4Network) -> None:
    cloud = GuestNetwork(tmp_path / "state", images, free_subnet, (DATABASE,))
    run_program("ip", "link", "add", cloud.bridge, "type", "bridge")
    try:
        with pytest.raises(CloudError, match="not of this embedded cloud"):
            cloud.hypervisor.open()
        cloud.hypervisor.sweep()

        assert cloud.bridge in run_program("ip", "link")
    finally:
        run_program("ip", "link", "delete", cloud.bridge)
