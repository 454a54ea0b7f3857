"""The calls of the drivers in Nova and Cinder, as a hypervisor outside gets them."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guestagent.embedded import FakeHypervisor
from guestagent.embedded.host.unix_account import UnixAccount
from guestagent.embedded.openstack.nova.hypervisor import Guest
from guestagent.embedded.real_cloud import hypervisor_server
from guestagent.embedded.real_cloud.hypervisor_server import HypervisorServer
from guestagent.embedded.real_cloud.inside import hypervisor_calls
from guestagent.embedded.real_cloud.inside.hypervisor_calls import HypervisorFailed, call_hypervisor

ACCOUNT = UnixAccount(os.getuid(), os.getgid(), is_missing=False)
GUEST = Guest(
    id="1",
    name="db",
    address="10.77.1.16",
    prefix=24,
    gateway="10.77.1.1",
    flavor="m1.tiny",
    vcpus=1,
    memory_mb=128,
    image="guestagent-mariadb",
    user_data=b"#!/bin/sh\n",
    instance_metadata={"guestagent:engine": "natives"},
    volumes=("7",),
)
DESCRIPTION = {
    **{name: getattr(GUEST, name) for name in ("id", "name", "address", "prefix", "gateway", "flavor")},
    "vcpus": 1,
    "memory_mb": 128,
    "image": GUEST.image,
    "instance_metadata": GUEST.instance_metadata,
    "user_data": base64.b64encode(GUEST.user_data).decode(),
    "public_keys": {},
    "volumes": ["7"],
}


@contextmanager
def serve(path: Path, patch: pytest.MonkeyPatch) -> Iterator[FakeHypervisor]:
    hypervisor = FakeHypervisor()
    server = HypervisorServer(hypervisor, path / "socket", ACCOUNT)
    server.start()
    patch.setenv(hypervisor_server.PATH_VARIABLE, str(path / "socket"))
    yield hypervisor
    server.stop()


@pytest.fixture
def hypervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHypervisor]:
    with serve(tmp_path, monkeypatch) as served:
        yield served


def test_both_sides_know_the_socket_by_the_same_variable() -> None:
    assert hypervisor_calls.PATH_VARIABLE == hypervisor_server.PATH_VARIABLE


def test_a_guest_is_booted_with_its_volumes(hypervisor: FakeHypervisor) -> None:
    call_hypervisor("create_volume", volume_id="7", size_gib=2)
    call_hypervisor("boot", guest=DESCRIPTION)

    assert hypervisor.guests == {"1": GUEST}
    assert hypervisor.shown_sizes == {("1", "7"): 2}


def test_a_guest_gets_another_size_and_ends(hypervisor: FakeHypervisor) -> None:
    call_hypervisor("boot", guest={**DESCRIPTION, "volumes": []})
    call_hypervisor("resize", guest_id="1", size={"flavor": "m1.small", "vcpus": 1, "memory_mb": 256})
    resized = hypervisor.guests["1"].flavor

    call_hypervisor("destroy", guest_id="1")

    assert (resized, hypervisor.guests) == ("m1.small", {})


@pytest.mark.parametrize(
    ("name", "arguments"), [("close", {}), ("show_growth", {"guest_id": "1", "volume_id": "9"})]
)
def test_a_call_that_fails_fails_in_the_driver(
    hypervisor: FakeHypervisor, name: str, arguments: dict[str, str]
) -> None:
    with pytest.raises(HypervisorFailed, match=name):
        call_hypervisor(name, **arguments)


def test_nobody_else_can_open_the_socket(hypervisor: FakeHypervisor, tmp_path: Path) -> None:
    assert (tmp_path / "socket").stat().st_mode & 0o777 == 0o600


def test_without_a_hypervisor_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(hypervisor_server.PATH_VARIABLE, raising=False)

    call_hypervisor("boot", guest=DESCRIPTION)

    assert not hypervisor_calls.has_hypervisor()
