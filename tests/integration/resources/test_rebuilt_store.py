"""A service whose store was lost: it is rebuilt from the embedded cloud, and the clusters go on."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import openstack
import pytest

from guestagent.embedded import Serving, serving
from guestagent.resources.interface import ResourceManager
from guestagent.resources.natives.cloud_api import CloudObservation
from guestagent.resources.natives.openstack_project import OpenStackProject
from guestagent.resources.operation import OperationState
from guestagent.resources.orders import (
    AddInstance,
    CreateCluster,
    DeleteCluster,
    ResizeInstance,
    RotatePasswords,
    VolumeFate,
)
from guestagent.resources.service.assembly import open_local_manager
from guestagent.resources.service.store_owner import open_owned_store
from guestagent.resources.views import InstanceState
from guestagent.resources.wanted import WantedCluster
from guestagent.resources.wanted_document import load_wanted
from tests.support.heat_requests import get_fake_hypervisor
from tests.support.imitated_guests import ImitatedGuests
from tests.support.orders import carry_out
from tests.support.served_manager import ServedManager, serve_manager

pytestmark = pytest.mark.timeout(900)

DESCRIPTION: dict[str, object] = {
    "flavor": "m1.tiny",
    "image": "guestagent-mariadb",
    "subnet": "embedded-subnet",
    "volume": {"size_gib": 1},
    "variables": {"max_connections": 200},
    "source": {},
    "replicas": 1,
}
SETTINGS = {"resources": "engine = natives"}


@pytest.fixture
def served() -> Iterator[Serving]:
    with serving() as served, ImitatedGuests(get_fake_hypervisor(served)):
        yield served


@pytest.fixture
def service(served: Serving, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedManager]:
    with serve_manager(tmp_path, served.connect, SETTINGS) as service:
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(service.clouds_file))
        service.start()
        yield service


def run_command(service: ServedManager, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the service's owner."""
    command = [
        sys.executable,
        "-m",
        "guestagent",
        "resources",
        *words,
        "--settings",
        str(service.settings_file),
    ]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def observe(served: Serving) -> CloudObservation:
    with openstack.connect(**served.connect) as connection:
        return OpenStackProject(connection).observe()


def read_wanted(service: ServedManager) -> WantedCluster:
    with open_owned_store(service.settings) as store:
        [cluster] = store.clusters()
    assert cluster.wanted is not None
    return load_wanted(cluster.wanted)


def create(service: ServedManager) -> None:
    with open_local_manager(service.settings) as manager:
        created = carry_out(manager, CreateCluster, description=DESCRIPTION)
    assert created.state is OperationState.DONE, created


def lose_store(service: ServedManager) -> str:
    """Stop the service and delete its store. Return the store's id."""
    service.stop()
    with open_owned_store(service.settings) as store:
        store_id = store.id
    for path in (service.folder / "store").glob("orders.db*"):
        path.unlink()
    return store_id


def list_found(text: str) -> list[str]:
    """Return what a rebuild has found. Its generation grows with time."""
    return [line for line in text.splitlines() if "generation" not in line]


def await_proofs(manager: ResourceManager, service: ServedManager) -> None:
    """Wait until all nodes have proved themselves, and the old passwords are discarded."""
    while read_wanted(service).is_rotating:
        time.sleep(0.2)
    while {each.state for each in manager.instances("shop")} != {InstanceState.READY}:
        time.sleep(0.2)


def test_a_lost_store_is_rebuilt_and_its_cluster_goes_on(
    service: ServedManager, served: Serving, tmp_path: Path
) -> None:
    create(service)
    store_id = lose_store(service)
    before = observe(served)
    description = tmp_path / "cluster.yaml"
    description.write_text(json.dumps(DESCRIPTION))

    gap = run_command(service, "rebuild")
    shown = run_command(service, "rebuild", "--description", f"shop={description}")
    refused = run_command(service, "rebuild", "--apply", "--description", f"shop={description}")
    words = ("--apply", "--store-id", store_id, "--description", f"shop={description}")
    written = run_command(service, "rebuild", *words)
    again = run_command(service, "rebuild", *words)

    assert gap.returncode == 1, gap.stderr
    assert (
        "problem: it was created with settings that no mark has: give --description shop=FILE" in gap.stdout
    )
    assert shown.returncode == 0, shown.stderr
    assert list_found(shown.stdout) == list_found(written.stdout)
    assert f"nothing was written: --apply --store-id {store_id} writes it" in shown.stderr
    assert refused.returncode == 2
    assert f"--store-id: expected {store_id} beside --apply, found nothing" in refused.stderr
    assert written.returncode == 0, written.stderr
    assert (again.returncode, "the store is not empty" in again.stderr) == (8, True)
    service.start()
    with open_local_manager(service.settings) as manager:
        await_proofs(manager, service)
        assert observe(served).servers.keys() == before.servers.keys()
        assert read_wanted(service).settings == {"variables": {"max_connections": 200}}
        added = carry_out(manager, AddInstance, flavor="m1.tiny", image="guestagent-mariadb", volume_gib=1)
        resized = carry_out(manager, ResizeInstance, instance="Slave0000", flavor="m1.small")
        assert [added.state, resized.state] == [OperationState.DONE] * 2, (added, resized)
        present = observe(served)
        assert [len(each) for each in (present.servers, present.volumes, present.ports)] == [3, 3, 3]
        assert not manager.audit()
        deleted = carry_out(manager, DeleteCluster, volumes=VolumeFate.DELETE)
    assert deleted.state is OperationState.DONE, deleted
    rest = observe(served)
    assert [len(each) for each in (rest.servers, rest.volumes, rest.ports, rest.server_groups)] == [0] * 4


def test_a_service_without_its_store_does_not_begin_anew_by_itself(
    service: ServedManager, served: Serving
) -> None:
    create(service)
    service.stop()
    service.start()
    store_id = lose_store(service)
    before = observe(served)

    refused = service.run()
    local = run_command(service, "list")
    shown = run_command(service, "rebuild", "--leave-out", "shop")
    still_refused = service.run()
    service.start("--new-store")
    with open_local_manager(service.settings) as manager:
        created = carry_out(manager, CreateCluster, description={**DESCRIPTION, "replicas": 0})
        findings = manager.audit()
        deleted = carry_out(manager, DeleteCluster, volumes=VolumeFate.DELETE)
    service.stop()
    service.start()

    for ended in (refused, local, still_refused):
        assert ended.returncode == 8, ended.stderr
        assert "the store is new, but the keys in " in ended.stderr
    assert f"--store-id {store_id}" in shown.stderr
    assert [created.state, deleted.state] == [OperationState.DONE] * 2, (created, deleted)
    assert list(findings) == []
    after = observe(served)
    for kind in ("servers", "volumes", "ports", "groups", "server_groups"):
        assert getattr(after, kind).keys() == getattr(before, kind).keys(), kind


def test_a_project_without_marks_has_nothing_to_rebuild(service: ServedManager) -> None:
    refused = run_command(service, "rebuild")

    assert refused.returncode == 2
    assert "there is nothing to rebuild" in refused.stderr


def test_the_key_of_a_living_cluster_is_changed(service: ServedManager, served: Serving) -> None:
    create(service)
    old = read_wanted(service).key_id
    new = run_command(service, "add-key").stdout.strip()
    early = run_command(service, "drop-key", old)
    service.stop()
    needed = run_command(service, "drop-key", old)
    service.start()

    with open_local_manager(service.settings) as manager:
        rotated = carry_out(manager, RotatePasswords)
        assert rotated.state is OperationState.DONE, rotated
    keys = json.loads(run_command(service, "keys", "--json").stdout)["keys"]
    service.stop()
    dropped = run_command(service, "drop-key", old)
    service.start()

    assert (early.returncode, "a service runs on the store" in early.stderr) == (8, True)
    assert needed.returncode == 2
    assert "shop: passwords and addresses of Master0000, Slave0000" in needed.stderr
    wanted = read_wanted(service)
    assert (wanted.key_id, wanted.previous_keys, wanted.is_rotating) == (new, (), False)
    assert [(each["key_id"], each["is_newest"]) for each in keys] == [(old, False), (new, True)]
    assert dropped.returncode == 0, dropped.stderr
    with open_local_manager(service.settings) as manager:
        added = carry_out(manager, AddInstance, flavor="m1.tiny", image="guestagent-mariadb", volume_gib=1)
    assert added.state is OperationState.DONE, added
